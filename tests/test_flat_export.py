"""Recorded steps as the plain arrays that d3rlpy takes."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.registry import registered_ids
from tests.conftest import short_arrays


def episodes_of(env_id, **kwargs):
    return gym_causal.collect("random", env_id, num_episodes=12, seed=3, **short_arrays(env_id), **kwargs)


@pytest.mark.parametrize("env_id", registered_ids())
def test_every_step_is_there(env_id):
    episodes = episodes_of(env_id)
    flat, space = episodes.flat(), gym_causal.make_task(env_id, 1, **episodes.metadata["env_kwargs"]).observation_space
    assert list(flat) == ["observations", "actions", "rewards", "terminals", "timeouts"]
    assert {len(value) for value in flat.values()} == {len(episodes.actions)} and flat["observations"].dtype == np.float32
    step = 0
    for episode in episodes:
        length = int(episode.lengths[0])
        for time in range(length):
            state = {key: value[time] for key, value in episode.observations.items()}
            assert np.array_equal(flat["observations"][step], gym.spaces.flatten(space, state).astype(np.float32))
            ended = time == length - 1
            assert (flat["actions"][step], flat["rewards"][step]) == (episode.actions[time], np.float32(episode.rewards[time]))
            assert flat["timeouts"][step] == (ended and episode.truncated[0])
            assert flat["terminals"][step] == (ended and not episode.truncated[0])
            step += 1
    if "max_trial_steps" in short_arrays(env_id):
        assert flat["timeouts"].any() and flat["terminals"].any()


def test_other_envs_are_flat_too():
    flat = gym_causal.collect("random", "CartPole-v1", num_episodes=3).flat()
    assert flat["observations"].shape[1:] == (4,) and flat["terminals"].sum() == 3


def test_what_is_missing_is_named():
    episodes = episodes_of("CausalDAG-v0")
    space = gym.spaces.Dict({"other": gym.spaces.Discrete(3)})
    with pytest.raises(ValueError, match=r"space must have the observations \['goal', .*got \['other'\]"):
        episodes.flat(space)
    episodes.metadata.clear()
    with pytest.raises(ValueError, match="space must be given for episodes whose metadata have no env_id"):
        episodes.flat()
    space = gym_causal.make_task("CausalDAG-v0", 1).observation_space
    assert episodes.flat(space)["observations"].shape == (84, 36)


def test_d3rlpy_learns_from_them():
    d3rlpy = pytest.importorskip("d3rlpy")
    dataset = d3rlpy.dataset.MDPDataset(**episodes_of("OddOneOut-v0").flat())
    assert len(dataset.episodes) == 12
    algorithm = d3rlpy.algos.DiscreteBCConfig(batch_size=8).create(device="cpu:0")
    algorithm.fit(dataset, n_steps=4, n_steps_per_epoch=2, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory())
    assert algorithm.predict(episodes_of("OddOneOut-v0").flat()["observations"]).max() < 8
