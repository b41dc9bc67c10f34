"""The agents that ship with the package do what the documentation says of them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from pathlib import Path

import numpy as np

import agents
import gym_causal
from agents.policies.checkpoints import load_config
from agents.policies.loading import SHIPPED, folder_of
from gym_causal.odd_one_out.features import ATTRIBUTES

ENVS = ("CausalDAG-v0", "CausalDAGCued-v0")
ROOMS = ("OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0")
ACTIONS = Path(__file__).parents[2] / "data" / "pretrained_actions.npz"
"""What they did in the first 100 episodes of seed 3 of each split, (700,) int8 each, recorded with the first version of the package."""


def size(env_id):
    return sum(path.stat().st_size for path in (SHIPPED / env_id).iterdir())


def test_each_env_that_networks_play_has_one_of_at_most_three_megabytes():
    assert sorted(path.name for path in SHIPPED.iterdir()) == sorted((*ENVS, *ROOMS))
    assert max(size(env_id) for env_id in ENVS) < 500_000 and max(size(env_id) for env_id in ROOMS) < 3_000_000


@pytest.mark.parametrize("env_id", ENVS)
@pytest.mark.parametrize("split", ["eval_target", "eval_path"])
def test_it_experiments_as_it_was_shown_and_exploits_links_that_it_never_saw(env_id, split):
    result = gym_causal.evaluate(agents.load(env_id), env_id, split=split, num_episodes=400, seed=0)
    assert result.exploration_coverage.mean > 0.99
    assert result.exploration_relevance.mean > 0.99
    assert result.normalized_reward.mean > 0.93  # the best simple strategy of the talk reaches 0.83
    assert result.match_optimum.mean > 0.75


@pytest.mark.parametrize("env_id", ENVS)
def test_it_was_trained_where_the_link_never_occurs(env_id):
    config = load_config(folder_of(env_id))
    assert config.env_id == env_id
    assert config.env_kwargs == config.demonstration_kwargs == {}  # so the split is train
    assert config.architecture.kind == "variable"


@pytest.mark.parametrize("env_id", ENVS)
@pytest.mark.parametrize("split", ["train", "eval_target", "eval_path"])
def test_it_acts_as_it_always_did(env_id, split):
    """But for rounding: where two actions are equally good, which one is the likeliest may differ between machines."""
    episodes = gym_causal.collect(agents.load(env_id), env_id, split=split, num_episodes=100, seed=3, explain="none")
    with np.load(ACTIONS) as recorded:
        assert (episodes.actions == recorded[f"{env_id} {split}"]).mean() > 0.99


def evaluate(env_id, split, **options):
    """An agent in an env as gym.make makes it, pixels and all, but for the arguments that say which of its variants was learned."""
    config = load_config(folder_of(env_id))
    kwargs = {key: value for key, value in config.env_kwargs.items() if key != "observation"}
    return gym_causal.evaluate(agents.load(env_id, **options), env_id, split=split, num_episodes=200, seed=0, **kwargs)


def test_it_finds_the_odd_one_out():
    assert evaluate("OddOneOut-v0", "train").normalized_reward.mean > 0.9  # the best strategy for one attribute: 0.48


def test_it_goes_by_the_attribute_that_was_explained():
    assert evaluate("OddOneOutConfounded-v0", "train").normalized_reward.mean > 0.95
    assert evaluate("OddOneOutConfounded-v0", "eval").choice_shape.mean > 0.85  # without explanations: a quarter


@pytest.mark.parametrize("split", ["train", "eval"])
def test_it_experiments_in_rooms_and_uses_what_it_found(split):
    result = evaluate("OddOneOutIntervention-v0", split)
    assert result.test_correct_rate.mean > 0.92 and result.informative_experiment_rate.mean > 0.95
    assert result.reward.mean > 0.93 * 12  # the expert's return is 12 on average; without reasoning it was less than half of it


def test_it_says_what_it_believes():
    """In the test trial, once it has looked around, it names the rewarded attribute: that is nowhere in its observations."""
    env_id, count = "OddOneOutIntervention-v0", 64
    agent = agents.load(env_id, explains=True)
    venv = gym_causal.make_vec(env_id, count, split="eval", explain="all")
    observations, infos = venv.reset(seed=0)
    state, starts, right = None, np.ones(count, bool), np.zeros(count, bool)
    was_in_test = np.zeros(count, bool)
    for _ in range(120):
        actions, state = agent(observations, state, starts)
        words = venv.task.describe_tokens(agent.explanation)
        attribute = np.array(ATTRIBUTES)[infos["rewarded_attribute"]]
        says = np.array([f"must be {name}." in line for name, line in zip(attribute, words, strict=True)])
        in_test = (observations["trial"] == 3) & (observations["touched"] == 0)
        right = np.where(in_test, says, right)  # at the last step before the touch
        was_in_test |= in_test
        observations, _, terminated, truncated, infos = venv.step(actions)
        starts = terminated | truncated
        if was_in_test.all():
            break
    assert was_in_test.mean() > 0.95 and right[was_in_test].mean() > 0.9
