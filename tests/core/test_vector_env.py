"""The native vector env does what users of Gymnasium's own expect: infos, autoreset modes, wrappers, flat observations."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.registry import registered_ids
from tests.conftest import row, same, short_arrays

IS_029 = gym.__version__.startswith("0.29")
SHORT = {"OddOneOutIntervention-v0": {"num_experiments": 1}}
every_id = pytest.mark.parametrize("env_id", registered_ids())
only_1x = pytest.mark.skipif(IS_029, reason="gymnasium 0.29 has no such wrappers")


def make(env_id: str, num_envs: int = 4, **kwargs: Any) -> Any:
    return gym_causal.make_vec(env_id, num_envs, **short_arrays(env_id), **SHORT.get(env_id, {}), **kwargs)


def until_some_are_done(venv: Any, seed: int = 0) -> tuple[dict[str, Any], np.ndarray]:
    """The infos of the first step of random play that ends an episode, and (B,) bool which ones it ended."""
    rng = np.random.default_rng(seed)
    venv.reset(seed=seed)
    while True:
        *_, terminated, truncated, infos = venv.step(rng.integers(venv.single_action_space.n, size=venv.num_envs))
        if (terminated | truncated).any():
            return infos, terminated | truncated


# --- wrappers ------------------------------------------------------------------------------------------------------------


@only_1x
@every_id
@pytest.mark.parametrize("autoreset_mode", ["same_step", "next_step"])
def test_infos_become_lists(env_id, autoreset_mode):
    venv = gym.wrappers.vector.DictInfoToList(make(env_id, autoreset_mode=autoreset_mode))
    infos, done = until_some_are_done(venv)
    assert isinstance(infos, list) and [("final_obs" in info) for info in infos] == (done & (autoreset_mode == "same_step")).tolist()


@only_1x
@every_id
def test_gymnasium_flattens_with_next_step_autoreset(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        venv = gym.wrappers.vector.FlattenObservation(make(env_id, autoreset_mode="next_step"))
    ours = make(env_id, autoreset_mode="next_step", flatten=True)
    assert np.array_equal(venv.reset(seed=1)[0].astype(np.float32), ours.reset(seed=1)[0])
    rng = np.random.default_rng(0)
    for _ in range(30):
        actions = rng.integers(ours.single_action_space.n, size=4)
        (theirs, *_), (flat, *_) = venv.step(actions), ours.step(actions)
        assert np.array_equal(theirs.astype(np.float32), flat)


@only_1x
def test_wrappers_that_keep_statistics_take_the_env():
    wrappers = gym.wrappers.vector
    venv = wrappers.NormalizeObservation(
        wrappers.RecordEpisodeStatistics(gym_causal.make_vec("CausalDAG-v0", 4, flatten=True, autoreset_mode="next_step"))
    )
    infos, _ = until_some_are_done(venv)
    assert infos["episode"]["l"].tolist() == [7] * 4 and infos["_episode"].all()


@only_1x
def test_statistics_are_kept_with_same_step_autoreset():
    infos, _ = until_some_are_done(gym.wrappers.vector.RecordEpisodeStatistics(make("CausalDAG-v0")))
    assert infos["episode"]["l"].tolist() == [7] * 4


@pytest.mark.skipif(not IS_029, reason="1.x has a wrapper for vector envs")
@pytest.mark.filterwarnings("ignore")
def test_on_029_statistics_are_those_of_a_vector_env():
    venv = gym.wrappers.RecordEpisodeStatistics(make("CausalDAG-v0"))
    assert venv.is_vector_env
    infos, _ = until_some_are_done(venv)
    assert infos["episode"]["l"].tolist() == [7] * 4 and infos["_episode"].all()


# --- autoreset modes -----------------------------------------------------------------------------------------------------


@every_id
def test_next_step_autoreset_plays_the_same_episodes_with_a_step_between(env_id):
    same_step, next_step = make(env_id, 3), make(env_id, 3, autoreset_mode="next_step")
    first, again = same_step.reset(seed=2)[0], next_step.reset(seed=2)[0]
    assert same(first, again)
    rng = np.random.default_rng(0)
    table = rng.integers(same_step.single_action_space.n, size=(3, 400))
    played: list[list[list[Any]]] = []
    for venv in (same_step, next_step):
        records: list[list[Any]] = [[], [], []]
        count, over = np.zeros(3, int), np.zeros(3, bool)
        venv.reset(seed=2)
        for _ in range(60):
            observations, rewards, terminated, truncated, infos = venv.step(table[np.arange(3), count])
            for b in range(3):
                done = bool(terminated[b] or truncated[b])
                if over[b]:  # the step that begins the episode: the action is not played
                    assert rewards[b] == 0 and not done
                else:
                    count[b] += 1
                    last = infos["final_obs"][b] if done and venv is same_step else row(observations, b)
                    records[b].append((last, float(rewards[b]), bool(terminated[b]), bool(truncated[b])))
                over[b] = done and venv is next_step
        played.append(records)
    for b in range(3):
        steps = min(len(records[b]) for records in played)
        assert steps > 20
        for one, other in zip(played[0][b][:steps], played[1][b][:steps], strict=True):
            assert same(one[0], other[0]) and one[1:] == other[1:]


@every_id
def test_next_step_autoreset_shows_the_new_episode_after_the_step_between(env_id):
    venv, reference = make(env_id, 2, autoreset_mode="next_step"), make(env_id, 2)
    infos, done = until_some_are_done(venv)
    assert not any(key.lstrip("_").startswith("final") for key in infos)
    assert venv.expert_actions().shape == (2,) and venv.action_masks().shape == (2, venv.single_action_space.n)
    observations, *_ = venv.step(np.zeros(2, int))
    reference.reset(seed=0)
    begun = reference.reset()[0]  # the second episode of every row
    for b in np.flatnonzero(done):
        assert same(row(observations, b), row(begun, b))


@pytest.mark.parametrize("mode", ["same_step", "next_step"])
def test_the_mode_is_stated(mode):
    venv = make("CausalDAG-v0", autoreset_mode=mode)
    stated = mode if IS_029 else gym.vector.AutoresetMode[mode.upper()]
    assert venv.autoreset_mode == venv.metadata["autoreset_mode"] == stated
    assert make("CausalDAG-v0", autoreset_mode=stated).autoreset_mode == stated
    assert "autoreset_mode" not in type(venv.task).metadata


def test_other_modes_are_refused():
    with pytest.raises(ValueError, match="autoreset_mode must be one of same_step, next_step, got 'disabled'"):
        make("CausalDAG-v0", autoreset_mode="disabled")


# --- flat observations ---------------------------------------------------------------------------------------------------


@every_id
def test_flat_observations_are_gymnasiums_in_float32(env_id):
    flat, plain = make(env_id, flatten=True), make(env_id)
    assert flat.single_observation_space.dtype == np.float32 and flat.observation_space.shape[0] == 4
    vectors, observations = flat.reset(seed=3)[0], plain.reset(seed=3)[0]
    for _ in range(25):
        assert vectors.dtype == np.float32 and vectors in flat.observation_space
        for b in range(4):
            expected = gym.spaces.flatten(plain.single_observation_space, row(observations, b))
            assert np.array_equal(vectors[b], expected.astype(np.float32))
        actions = np.zeros(4, int)
        (vectors, *_, infos), (observations, *_, plain_infos) = flat.step(actions), plain.step(actions)
        if "final_obs" in infos:
            b = int(infos.ended.rows[0])
            expected = gym.spaces.flatten(plain.single_observation_space, plain_infos["final_obs"][b])
            assert np.array_equal(infos["final_obs"][b], expected.astype(np.float32))


@every_id
def test_a_single_env_is_flat_too(env_id):
    arguments = short_arrays(env_id)
    env, venv = gym.make(env_id, flatten=True, **arguments), gym_causal.make_vec(env_id, 1, flatten=True, **arguments)
    assert env.observation_space == venv.single_observation_space
    assert np.array_equal(env.reset(seed=4)[0], venv.reset(seed=4)[0][0])
    assert np.array_equal(env.step(1)[0], venv.step(np.array([1]))[0][0])


def test_texts_are_not_flattened():
    with pytest.raises(ValueError, match=r"flatten must be False where an observation is no Box, .*, got 'text', a Text"):
        gym_causal.make_vec("OddOneOutText-v0", 2, flatten=True)


def test_a_task_of_ones_own_is_flat_too(hint_id):
    env, venv = gym.make(hint_id, flatten=True), gym_causal.make_vec(hint_id, 3, flatten=True, autoreset_mode="next_step")
    assert env.reset(seed=0)[0].shape == (6,) and venv.reset(seed=0)[0].shape == (3, 6)
    for _ in range(7):
        assert venv.step(np.ones(3, int))[0].shape == (3, 6)


# --- rendering, rows -----------------------------------------------------------------------------------------------------


@every_id
def test_every_row_is_rendered(env_id):
    venv = make(env_id, 2, render_mode="ansi")
    venv.reset(seed=0)
    assert venv.render() == tuple(venv.task.render(b, "ansi") for b in range(2)) == venv.call("render")
    drawn = [] if env_id == "OddOneOutText-v0" else ["rgb_array"]
    assert venv.render_mode == "ansi" and venv.metadata["render_modes"] == ["ansi", *drawn]


def test_render_modes_are_checked():
    with pytest.raises(ValueError, match="render_mode must be one of ansi, rgb_array, got 'human'"):
        make("CausalDAG-v0", render_mode="human")
    venv = make("CausalDAG-v0")
    venv.reset(seed=0)
    with pytest.raises(NotImplementedError, match="does not render without make_vec"):
        venv.render()


@only_1x
def test_gymnasiums_make_vec_passes_it_all_on():
    venv = gym.make_vec("CausalDAG-v0", 3, render_mode="ansi", flatten=True, autoreset_mode="next_step", split="eval_path")
    assert venv.render_mode == "ansi" and venv.single_observation_space.shape and venv.task.config.split == "eval_path"


@every_id
def test_rows_can_be_asked(env_id):
    venv = make(env_id, 3)
    venv.reset(seed=0)
    assert venv.call("expert_action") == tuple(venv.expert_actions())
    assert all(np.array_equal(*pair) for pair in zip(venv.call("action_masks"), venv.action_masks(), strict=True))
    assert venv.get_attr("render_mode") == (None,) * 3 and venv.get_attr("single_action_space")[2] == venv.single_action_space
    assert venv.call("get_wrapper_attr", "num_envs") == (3, 3, 3)
    with pytest.raises(AttributeError):
        venv.get_attr("no_such_thing")
    with pytest.raises(AttributeError, match="no attributes of their own to set, got 'speed'"):
        venv.set_attr("speed", 3)
