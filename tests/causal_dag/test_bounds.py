"""Bounds of observations: as narrow as they can be without clipping an episode, or as the user wants them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.distribution import LARGEST_NORMAL
from gym_causal.scm import VALUE_LIMIT, StructuralCausalModels
from tests.conftest import same

VALUES = ("last_initial_values", "last_outcome", "initial_values")


def bound(env_id="CausalDAG-v0", key="last_outcome", **kwargs):
    space = gym.make(env_id, **kwargs).observation_space[key]
    assert (space.low == -space.high).all() and (space.high == space.high[0]).all()
    return float(space.high[0])


def test_the_bound_is_the_value_of_the_most_extreme_episode():
    """All causes that there can be, the largest weights, and noise at the edge of what NumPy draws."""
    weights = np.array([[0, 2, 2, 0, 0], [0, 0, 2, 2, 0], [0, 0, 0, 2, 2], [0, 0, 0, 0, 2], [0, 0, 0, 0, 0]], float)
    scale = 0.5 + 0.25 * LARGEST_NORMAL
    model = StructuralCausalModels.from_weights(weights, noise_scale=scale)
    noise = np.full((1, 5), LARGEST_NORMAL * scale)
    assert np.ceil(model.sample(noise).max()) == bound() == 3_035


def test_no_normal_number_is_larger_than_the_ziggurat_allows():
    """Its tail is r + x, where x = -log(1 - u) / r, and accepted if x * x < -2 * log(1 - v), of u and v below 1 - 2**-53."""
    r, largest_log = 3.6541528853610088, 53 * np.log(2)
    assert r + min(largest_log / r, np.sqrt(2 * largest_log)) < LARGEST_NORMAL


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"noise_scale_mean": 0, "noise_scale_std": 0}, 220),  # 5; 2 * 5; 2 * (10 + 5); 2 * (30 + 10); 2 * (80 + 30)
        ({"num_variables": 300}, VALUE_LIMIT),
        ({"models": StructuralCausalModels.from_weights(np.zeros((5, 5)))}, VALUE_LIMIT),
        ({"value_limit": 20}, 20),
    ],
    ids=["noiseless", "saturated", "models", "limited"],
)
def test_bounds_follow_from_the_arguments(kwargs, expected):
    assert bound(**kwargs) == expected
    assert bound(key="last_intervention", **kwargs) == 5


def test_an_intervention_is_no_larger_than_its_value():
    assert bound(key="last_intervention", intervention_value=0.1) == np.float32(0.1)
    assert bound(key="last_intervention", intervention_value=3, value_limit=2) == 2


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "CausalDAGCued-v0"])
@pytest.mark.parametrize("num_envs", [2, 100])
def test_a_limit_clips_what_is_observed_and_nothing_else(env_id, num_envs):
    plain, limited = (gym_causal.make_vec(env_id, num_envs, split="unrestricted", **kwargs) for kwargs in ({}, {"value_limit": 2.0}))
    results = [venv.reset(seed=0) for venv in (plain, limited)]
    rng, clipped = np.random.default_rng(0), 0
    for _ in range(10):
        (observations, *_), (narrow, *_) = results
        for key, value in observations.items():
            expected = np.clip(value, -2, 2) if value.dtype == np.float32 else value
            assert np.array_equal(expected, narrow[key]) and narrow[key].dtype == value.dtype
            clipped += int((expected != value).sum())
        assert narrow in limited.observation_space
        actions = rng.integers(plain.single_action_space.n, size=num_envs)
        results = [venv.step(actions) for venv in (plain, limited)]
        assert np.array_equal(results[0][1], results[1][1])
        assert same(results[0][-1]["explanation"], results[1][-1]["explanation"])
    assert clipped > 10


@pytest.mark.parametrize("num_envs", [1, 30])
def test_a_model_of_the_users_own_stays_within_the_bounds(num_envs):
    venv = gym_causal.make_vec("CausalDAG-v0", num_envs)
    model = StructuralCausalModels.from_weights(np.diag(np.full(4, 50.0), 1), noise_scale=1.0)
    observations, _ = venv.reset(seed=0, options={"model": model, "goal": "E"})
    for _ in range(6):
        assert observations in venv.observation_space
        observations, rewards, *_ = venv.step(np.zeros(num_envs, int))  # A to 5, so E to 5 * 50**4
    assert np.abs(observations["last_outcome"]).max() == 3_035 and rewards.max() > 3_035
    venv.step(np.zeros(num_envs, int))
    assert np.abs(venv.step(np.zeros(num_envs, int))[0]["last_outcome"]).max() < 3_035  # the next episode is the generator's


@pytest.mark.parametrize("limit", [0, -1, "20", 2e6])
def test_a_limit_is_a_positive_number(limit):
    with pytest.raises((ValueError, TypeError), match="value_limit must be a number > 0"):
        CausalDAGConfig(value_limit=limit)
