"""Views as one-hot planes say what symbolic ones say."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.odd_one_out.views import NUM_PLANES, from_planes, to_planes
from tests.odd_one_out.rooms import EVERY_LOOK, rooms_of, views_of

IDS = ("OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0")
SIZES = (3, 19, 6, 11)  # wall, object, agent; colours; textures; shapes


def planes_of(grid):
    """The planes of a symbolic view (11, 11, 4), cell by cell."""
    planes = np.zeros((11, 11, 39), np.uint8)
    for row, column, channel in np.argwhere(grid):
        planes[row, column, sum(SIZES[:channel]) + grid[row, column, channel] - 1] = 1
    return planes


@pytest.mark.parametrize("env_id", IDS)
def test_planes_are_the_symbols(env_id):
    """And everything else is the same."""
    venvs = [gym_causal.make_vec(env_id, 5, observation=observation) for observation in ("one_hot", "symbolic")]
    results = [venv.reset(seed=2) for venv in venvs]
    rng = np.random.default_rng(0)
    for _ in range(40):
        planes, symbols = (result[0] for result in results)
        assert planes["view"].dtype == np.uint8 and planes["view"].shape == (5, 11, 11, NUM_PLANES) and planes in venvs[0].observation_space
        assert all(np.array_equal(view, planes_of(grid)) for view, grid in zip(planes["view"], symbols["view"], strict=True))
        assert all(np.array_equal(planes[key], symbols[key]) for key in symbols if key != "view")
        actions = rng.integers(venvs[0].single_action_space.n, size=5)
        results = [venv.step(actions) for venv in venvs]
        assert all(np.array_equal(results[0][index], results[1][index]) for index in range(1, 4))


def test_every_object_there_and_back():
    symbols, planes = (views_of(*rooms_of(EVERY_LOOK, 0), observation) for observation in ("symbolic", "one_hot"))
    assert np.array_equal(to_planes(symbols), planes) and np.array_equal(from_planes(planes), symbols)


def test_flat_planes_are_zeros_and_ones():
    env = gym.make("OddOneOut-v0", observation="one_hot", flatten=True)
    observation, _ = env.reset(seed=0)
    assert env.observation_space.shape == (11 * 11 * 39 + 2 + 2 + 2 + 1,) and env.observation_space.high.max() == 1
    assert set(observation.tolist()) == {0.0, 1.0}


def test_strategies_read_planes():
    pytest.importorskip("scipy")
    import baselines  # noqa: PLC0415

    returns = [
        gym_causal.evaluate(
            baselines.make("elimination", "OddOneOutIntervention-v0"), "OddOneOutIntervention-v0", num_episodes=20, observation=observation
        ).reward.mean
        for observation in ("symbolic", "one_hot")
    ]
    assert returns[0] == returns[1]


def test_networks_say_what_they_read():
    pytest.importorskip("torch")
    from agents.config.architecture import ArchitectureConfig  # noqa: PLC0415
    from agents.networks.registry import build_network  # noqa: PLC0415

    task = gym_causal.make_task("OddOneOut-v0", 1, observation="one_hot")
    with pytest.raises(ValueError, match="observation must be pixels or symbolic for an agent of kind 'object', got 'one_hot'"):
        build_network(ArchitectureConfig(kind="object"), task)
    build_network(ArchitectureConfig(kind="generic"), task)
