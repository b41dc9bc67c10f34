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

ENVS = ("CausalDAG-v0", "CausalDAGCued-v0")
ACTIONS = Path(__file__).parents[2] / "data" / "pretrained_actions.npz"
"""What they did in the first 100 episodes of seed 3 of each split, (700,) int8 each, recorded with the first version of the package."""


def test_each_causal_dag_env_has_one_below_a_megabyte():
    assert sorted(path.name for path in SHIPPED.iterdir()) == sorted(ENVS)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 1_000_000


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
