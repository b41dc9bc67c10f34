"""The simple strategies see no more than an agent does, and return what they must."""

from __future__ import annotations

import numpy as np
import pytest

import gym_causal
from baselines.odd_one_out.perception import own_cell, symbols
from baselines.odd_one_out.policies import STRATEGIES
from gym_causal.odd_one_out.features import FLOOR_CELLS

CASES = [(env_id, name) for env_id, strategies in STRATEGIES.items() for name in strategies]


@pytest.mark.parametrize("env_id", STRATEGIES)
def test_pixels_are_read_back_and_the_own_cell_is_found(env_id):
    pixels, symbolic = (gym_causal.make_vec(env_id, 500, observation=observation) for observation in ("pixels", "symbolic"))
    records = symbolic.task.draw_block(np.random.default_rng(0), 500)
    view, _ = pixels.reset(seed=0, options={"episodes": records})
    grid, _ = symbolic.reset(seed=0, options={"episodes": records})
    read = symbols(view["view"])
    read[:, 5, 5, 0] = 3  # the agent: no strategy asks for it
    assert np.array_equal(read, grid["view"])
    agents = records["agent"][:, 0]
    assert np.array_equal(own_cell(grid["view"][..., 0]), agents)
    assert set(agents.tolist()) == set(FLOOR_CELLS.tolist())


@pytest.mark.parametrize(("env_id", "name"), CASES)
def test_same_actions_from_pixels_and_symbols(env_id, name):
    returns = [
        gym_causal.evaluate(STRATEGIES[env_id][name](3, {}), env_id, num_episodes=30, observation=observation).reward
        for observation in ("pixels", "symbolic")
    ]
    assert returns[0] == returns[1]


@pytest.mark.parametrize(
    ("env_id", "name", "kwargs", "expected"),
    [
        ("OddOneOut-v0", "odd_one_out", {}, 1.0),
        ("OddOneOut-v0", "color", {"odd_attributes": ("color",)}, 1.0),
        ("OddOneOutConfounded-v0", "shape", {}, 1.0),
        ("OddOneOutConfounded-v0", "color", {"split": "eval"}, 1.0),
        ("OddOneOutConfounded-v0", "shape", {"split": "eval"}, 0.0),
        ("OddOneOutConfounded-v0", "odd_one_out", {"split": "eval"}, 1 / 3),
        ("OddOneOutIntervention-v0", "texture", {}, 13 / 3),
        ("OddOneOutIntervention-v0", "odd_one_out", {}, 13 / 3),
        ("OddOneOutIntervention-v0", "elimination", {}, 12.0),
        ("OddOneOutIntervention-v0", "elimination", {"split": "eval", "generalization": "hard_dimension"}, 12.0),
    ],
)
def test_returns(env_id, name, kwargs, expected):
    result = gym_causal.evaluate(STRATEGIES[env_id][name](0, kwargs), env_id, num_episodes=1_000, observation="symbolic", **kwargs)
    width = result.reward.high - result.reward.low
    assert result.reward.mean == pytest.approx(expected, abs=width + 1e-9)


def test_random_and_nearest_are_no_better_than_chance_in_the_test_trial():
    for name in ("random", "nearest"):
        policy = STRATEGIES["OddOneOutIntervention-v0"][name](0, {})
        result = gym_causal.evaluate(policy, "OddOneOutIntervention-v0", num_episodes=1_000, observation="symbolic")
        assert 0.15 < result.test_correct_rate.mean < 0.32


def test_random_plays_as_the_built_in_random_policy():
    policy = STRATEGIES["OddOneOutIntervention-v0"]["random"](0, {})
    ours, built_in = (
        gym_causal.evaluate(player, "OddOneOutIntervention-v0", num_episodes=300, observation="symbolic") for player in (policy, "random")
    )
    assert ours.reward == built_in.reward  # the same numbers, the same legal actions


def test_the_choice_is_reported():
    for name in ("color", "texture", "shape"):
        policy = STRATEGIES["OddOneOutConfounded-v0"][name](0, {})
        result = gym_causal.evaluate(policy, "OddOneOutConfounded-v0", split="eval", num_episodes=200, observation="symbolic")
        assert result.metrics[f"choice_{name}"].mean == 1.0
