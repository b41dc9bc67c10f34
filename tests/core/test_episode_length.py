"""``spec.max_episode_steps`` is known where an episode has a length, and changes no episode."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import gym_causal

LENGTHS = [
    ("CausalDAG-v0", {}, 7),
    ("CausalDAG-v0", {"num_variables": 8, "num_exploitation_trials": 3}, 11),
    ("CausalDAGCued-v0", {}, 7),
    ("OddOneOut-v0", {}, 129),
    ("OddOneOutIntervention-v0", {"max_trial_steps": 10, "feedback_steps": 2}, 48),
]
every_length = pytest.mark.parametrize(("env_id", "kwargs", "length"), LENGTHS)


@every_length
def test_the_spec_knows_the_length_and_no_time_limit_is_added(env_id, kwargs, length):
    env = gym.make(env_id, **kwargs)
    assert env.spec.max_episode_steps == env.unwrapped.spec.max_episode_steps == length
    assert gym.spec(env_id).max_episode_steps is None and "TimeLimit" not in str(env)
    assert gym_causal.make_vec(env_id, 2, **kwargs).spec.max_episode_steps == length


@pytest.mark.parametrize(("env_id", "kwargs", "length"), LENGTHS[:3])
def test_episodes_of_a_known_length_end_as_ever(env_id, kwargs, length):
    env = gym.make(env_id, **kwargs)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(length)] == [(False, False)] * (length - 1) + [(True, False)]


@every_length
def test_an_env_made_of_its_own_spec_plays_the_same(env_id, kwargs, length):
    """Gymnasium then adds a time limit of that length, which can only come with the end."""
    env = gym.make(env_id, **kwargs)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.spec.max_episode_steps == length
    env.reset(seed=1), again.reset(seed=1)
    rng, terminated, truncated = np.random.default_rng(0), False, False
    while not (terminated or truncated):
        action = int(rng.integers(env.action_space.n))
        _, reward, terminated, truncated, _ = env.step(action)
        _, same_reward, same_terminated, cut, _ = again.step(action)
        assert (reward, terminated) == (same_reward, same_terminated) and cut in (truncated, terminated or truncated)


@every_length
def test_the_checker_of_gymnasium_is_content(env_id, kwargs, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(env_id, **kwargs).unwrapped, skip_render_check=True)


@pytest.mark.skipif(gym.__version__.startswith("0.29"), reason="its make_vec is another")
def test_a_vector_env_is_made_of_its_own_spec():
    venv = gym_causal.make_vec("CausalDAG-v0", 3)
    assert gym.make_vec(venv.spec, 3).spec.max_episode_steps == 7
    with pytest.raises(ValueError, match="max_episode_steps must be None"):
        gym.make_vec("CausalDAG-v0", 3, max_episode_steps=5)
