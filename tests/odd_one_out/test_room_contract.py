"""What every id, split and view keeps to, whoever acts."""

from __future__ import annotations

import itertools
import warnings
import zlib

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import gym_causal
from gym_causal.core.streams import EpisodeStream, SeedDomain
from gym_causal.odd_one_out.episode_store import EpisodeStore
from gym_causal.odd_one_out.explanation_modes import MODES
from tests.odd_one_out.rooms import records_of

BASIC, CONFOUNDED, INTERVENTION = "OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
SPLITS = [
    (BASIC, {}),
    (CONFOUNDED, {"split": "train"}),
    (CONFOUNDED, {"split": "eval"}),
    (INTERVENTION, {"split": "train"}),
    (INTERVENTION, {"split": "eval"}),
    (INTERVENTION, {"split": "train", "generalization": "hard_dimension"}),
    (INTERVENTION, {"split": "eval", "generalization": "hard_dimension"}),
]
OBSERVATIONS = ("pixels", "symbolic", "one_hot")


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(("env_id", "kwargs"), SPLITS)
def test_gymnasium_finds_nothing_wrong(env_id, kwargs, observation):
    env = gym.make(env_id, observation=observation, disable_env_checker=True, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(("env_id", "kwargs"), SPLITS)
def test_stable_baselines3_finds_nothing_wrong(env_id, kwargs, observation):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(env_id, observation=observation, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # A small symbolic grid is no image to be enlarged.
        warnings.filterwarnings("ignore", message=".*image.*|.*normalized.*")
        checker.check_env(env.unwrapped, warn=observation == "pixels")


def structure(value):
    """Keys, dtypes and shapes, nested."""
    if isinstance(value, dict):
        return {key: structure(entry) for key, entry in value.items()}
    return "str" if isinstance(value, str) else (np.asarray(value).dtype.str, np.shape(value))


@pytest.mark.parametrize("explain", MODES)
@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_infos_look_the_same_from_reset_on(env_id, explain):
    env = gym.make(env_id, observation="symbolic", explain=explain, expert_info=True)
    rng = np.random.default_rng(0)
    _, info = env.reset(seed=0)
    first = structure(info)
    for _ in range(300):
        _, _, terminated, truncated, info = env.step(int(rng.integers(env.action_space.n)))
        assert structure(info) == first
        if terminated or truncated:
            _, info = env.reset()
            assert structure(info) == first


def recorded(env_id, num_envs, num_episodes, **kwargs):
    """episode -> everything that was seen in it, played by a policy that depends on the observation alone."""
    venv = gym_causal.make_vec(env_id, num_envs, explanation_text=True, expert_info=True, **kwargs)
    observations, infos = venv.reset(seed=11)
    episodes, seen = np.arange(num_envs), {}
    steps = np.zeros(num_envs, int)
    left = set(range(num_episodes))
    while left:
        frozen = {"obs": {**observations, "view": fingerprints(observations["view"])}, "infos": infos, "masks": venv.action_masks()}
        # Every other step the expert's, so that episodes end.
        mixed = observations["view"].reshape(num_envs, -1)[:, ::7].sum(axis=1, dtype=int) + 3 * steps
        actions = np.where(steps % 2, venv.expert_actions(), mixed % venv.single_action_space.n)
        observations, rewards, terminated, truncated, infos = venv.step(actions)
        for row in np.flatnonzero(episodes < num_episodes):
            entry = (pick(frozen, row), actions[row], rewards[row], terminated[row], truncated[row])
            seen.setdefault(int(episodes[row]), []).append(entry)
            if terminated[row] or truncated[row]:
                seen[int(episodes[row])].append({"obs": infos["final_obs"][row], "infos": pick(infos.ended.infos, row)})
                left.discard(int(episodes[row]))
        over = terminated | truncated
        steps = np.where(over, 0, steps + 1)
        episodes = np.where(over, episodes + num_envs, episodes)
    return [seen[i] for i in range(num_episodes)]


def fingerprints(views):
    """A number a view, that keeps recordings small."""
    return np.array([zlib.crc32(view.tobytes()) for view in views])


def pick(batch, row):
    left_out = {"final_obs", "final_observation", "final_info", "_final_obs", "_final_observation", "_final_info"}
    return {key: pick(value, row) if isinstance(value, dict) else value[row] for key, value in batch.items() if key not in left_out}


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(one, other)


@pytest.mark.parametrize(
    ("env_id", "kwargs", "observation"),
    [
        *((*case, "symbolic") for case in SPLITS[:5]),
        (*SPLITS[4], "pixels"),  # pixels are painted from the symbols (test_frames.py), whatever the env
        *(pytest.param(*case, "pixels", marks=pytest.mark.slow) for case in SPLITS[:4]),
    ],
)
def test_same_episodes_whatever_num_envs(env_id, kwargs, observation):
    one, five, many = (recorded(env_id, num_envs, 24, observation=observation, **kwargs) for num_envs in (1, 5, 16))
    assert same(one, five)
    assert same(one, many)


@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_single_env_is_the_batch_of_one(env_id):
    env = gym.make(env_id, observation="symbolic").unwrapped
    venv = gym_causal.make_vec(env_id, 1, observation="symbolic", explanation_text=True)
    result, batch = env.reset(seed=5), venv.reset(seed=5)
    rng = np.random.default_rng(1)
    for _ in range(300):
        assert same(result[0], pick(batch[0], 0)) and same(result[-1], pick(batch[-1], 0))
        assert np.array_equal(env.action_masks(), venv.action_masks()[0])
        action = env.expert_action() if rng.random() < 0.5 else int(rng.integers(env.action_space.n))
        result, batch = env.step(action), venv.step(np.array([action]))
        if result[2] or result[3]:
            assert same(result[0], batch[-1]["final_obs"][0])
            result = env.reset()


@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_seeds_and_domains_give_other_episodes(env_id):
    task = gym_causal.make_vec(env_id, 64, observation="symbolic").task
    starts = []
    for seed, domain in itertools.product((0, 1), SeedDomain):
        task.seed(seed, domain)
        task.begin(np.arange(64), np.arange(64))
        starts.append(task.observations()["view"].tobytes())
    assert len(set(starts)) == len(starts)


def test_a_row_that_lags_behind_still_plays_its_own_episodes():
    """Also when its block was dropped long ago."""
    task = gym_causal.make_vec(CONFOUNDED, 2, observation="symbolic").task
    lagging = np.array([3, 70, 5_000])
    expected = records_of(task, 0, 5_001)[lagging]
    store = EpisodeStore(EpisodeStream(task.draw_block, task.block_size, 0, SeedDomain.INTERACTION), task.block_size, max_blocks=4)
    for block in range(0, 40_000, 512):
        store.take(np.array([block]), oldest=0)
    assert store.num_slots == 4
    assert np.array_equal(store.take(lagging, oldest=0), expected)
    for block in range(0, 60_000, 512):  # nothing grows when no row lags behind
        store.take(np.array([block]), oldest=block)
    assert store.num_slots == 4


@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_nothing_answers_before_reset(env_id):
    env, venv = gym.make(env_id, disable_env_checker=True).unwrapped, gym_causal.make_vec(env_id, 2)
    task = gym_causal.make_task(env_id, 2)
    rows = np.arange(2)
    calls = [
        lambda: env.step(0),
        env.expert_action,
        env.oracle_action,
        env.action_masks,
        lambda: venv.step(np.zeros(2, int)),
        venv.expert_actions,
        venv.oracle_actions,
        venv.action_masks,
        lambda: task.begin(rows, rows),
        lambda: task.step(np.zeros(2, int)),
        task.observations,
        lambda: task.observations_of(rows),
        lambda: task.infos(text=True),
        task.action_masks,
        task.expert_actions,
        task.oracle_actions,
        task.is_choice,
        lambda: task.render(0, "ansi"),
    ]
    for call in calls:
        with pytest.raises(gym.error.ResetNeeded, match=r"call (reset|seed) first"):
            call()
    task.seed(0)
    with pytest.raises(gym.error.ResetNeeded, match="call reset first"):
        task.expert_actions()  # seeded, but no room was drawn
    task.begin(rows, rows)
    assert task.expert_actions().shape == (2,)


@pytest.mark.parametrize("feedback_steps", [0, 2])
@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_actions_have_an_effect_except_in_feedback_steps(env_id, feedback_steps):
    """``has_effect`` says so of observations with any leading axes; where it is False, all actions lead to the same."""
    venv = gym_causal.make_vec(env_id, 32, observation="symbolic", feedback_steps=feedback_steps, expert_info=True)
    observations, infos = venv.reset(seed=0)
    steps, without_effect = [], 0
    for _ in range(40):
        has_effect = venv.task.has_effect(observations)
        assert has_effect.shape == (32,) and has_effect.dtype == bool
        assert np.array_equal(has_effect, infos["expert_action"] >= 0)  # no expert action is reported in feedback steps
        without_effect += (~has_effect).sum()
        steps.append(observations)
        observations, *_, infos = venv.step(venv.expert_actions())
    assert (without_effect > 0) == (feedback_steps > 0)
    stacked = {key: np.stack([step[key] for step in steps]) for key in observations}  # (40, 32, ...)
    assert np.array_equal(venv.task.has_effect(stacked), [venv.task.has_effect(step) for step in steps])
    assert venv.task.has_effect({key: value[0] for key, value in observations.items()}).shape == ()


@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_explanations_are_those_of_the_spec(env_id):
    """Kinds are those of the mode, tokens have the stated length, and their ids are words of the vocabulary."""
    for mode, kinds in MODES.items():
        venv = gym_causal.make_vec(env_id, 64, observation="symbolic", explain=mode)
        spec, found = venv.task.explanations, set()
        _, infos = venv.reset(seed=0)
        for _ in range(30):
            found |= {kind for kinds_of_row in infos["explanation"]["kind"].tolist() for kind in kinds_of_row.split("+")}
            if kinds:
                tokens = infos["explanation"]["tokens"]
                assert tokens.shape == (64, spec.num_tokens) and 0 <= tokens.min() <= tokens.max() < len(spec.vocabulary)
            *_, infos = venv.step(venv.expert_actions())
        assert found - {"none"} == set(kinds)
    assert spec.version == 1 and spec.vocabulary[0] == ""


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_observations_are_in_their_space(env_id, observation):
    venv = gym_causal.make_vec(env_id, 8, observation=observation)
    observations, _ = venv.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert venv.observation_space.contains(observations)
        assert {key: value.dtype for key, value in observations.items()} == {
            key: space.dtype for key, space in venv.observation_space.spaces.items()
        }
        observations, _, terminated, truncated, infos = venv.step(rng.integers(venv.single_action_space.n, size=8))
        for row in np.flatnonzero(terminated | truncated):
            assert venv.single_observation_space.contains(infos["final_obs"][row])
