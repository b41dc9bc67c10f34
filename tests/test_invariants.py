"""What holds for every registered env, in every split."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import gym_causal
from gym_causal.registry import registered_ids, task_spec
from gym_causal.scm import StructuralCausalModels
from tests.conftest import row, same

# The rooms, whose episodes differ in length, have tests/odd_one_out/test_room_contract.py.
CAUSAL_DAGS = ("CausalDAG-v0", "CausalDAGCued-v0", "CausalDAGText-v0")
IDS = (*CAUSAL_DAGS, "OddOneOutText-v0")
SPLITS = ("train", "eval_target", "eval_path", "unrestricted")
LARGE_GAME = {"num_experiments": 2, "num_dimensions": 6, "num_objects": 4, "num_distractors": 2}
CASES = [
    *((env_id, {"split": split}) for env_id in CAUSAL_DAGS for split in SPLITS),
    ("CausalDAGText-v0", {"split": "train", "observation": "symbolic"}),
    ("OddOneOutText-v0", {"split": "train"}),
    ("OddOneOutText-v0", {"split": "train", "observation": "symbolic"}),
    ("OddOneOutText-v0", {"split": "train", "observation": "symbolic", **LARGE_GAME}),
]
NAMES = ["-".join([env_id, *map(str, kwargs.values())]) for env_id, kwargs in CASES]
every_env = pytest.mark.parametrize(("env_id", "kwargs"), CASES, ids=NAMES)
every_id = pytest.mark.parametrize("env_id", IDS)
every_causal_dag = pytest.mark.parametrize("env_id", CAUSAL_DAGS)


def is_in_words(env_id: str, kwargs: dict[str, Any]) -> bool:
    return env_id.endswith("Text-v0") and kwargs.get("observation") != "symbolic"


def all_infos(env_id: str) -> dict[str, Any]:
    """The arguments that put more into the infos."""
    return {"expert_info": True, **({"graph_info": True} if env_id in CAUSAL_DAGS else {})}


def random_actions(env: Any, steps: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(env.action_space.n, size=steps).tolist()


def play(env: gym.Env, seed: int, episodes: int, action_seed: int = 0) -> list[Any]:
    """Everything that an env returns, copied, over some episodes of random actions."""
    rng, record = np.random.default_rng(action_seed), []
    for episode in range(episodes):
        record.append(copy.deepcopy(env.reset(seed=seed if episode == 0 else None)))
        done = False
        while not done:
            result = env.step(int(rng.integers(env.action_space.n)))
            done = result[2] or result[3]
            record.append(copy.deepcopy(result))
    return record


@every_env
def test_gymnasium_finds_nothing_to_complain_about(env_id, kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(env_id, **kwargs).unwrapped, skip_render_check=True)


@every_env
def test_stable_baselines_finds_nothing_to_complain_about(env_id, kwargs):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    if is_in_words(env_id, kwargs):
        pytest.skip("stable-baselines3 has no policies that read text")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(gym.make(env_id, **kwargs).unwrapped, warn=True)


@every_env
def test_same_seed_same_episodes_whatever_num_envs(env_id, kwargs):
    """Episode i, step by step, infos included: from the single env, and from vector envs of 1, 7, 64 and 4,096 rows."""
    kwargs = {**kwargs, "explain": "all", **all_infos(env_id)}
    single = gym.make(env_id, **kwargs)
    episodes = 9  # more than 7: the last two are the second ones of their rows
    trials = single.unwrapped.task.config.trials
    actions = np.random.default_rng(1).integers(single.action_space.n, size=(trials, 4_096))
    expected = []
    for episode in range(episodes):
        steps = [single.reset(seed=11 if episode == 0 else None)]
        steps += [single.step(actions[trial, episode]) for trial in range(trials)]
        expected.append(steps)
    for num_envs in (1, 7, 64, 4_096):
        venv = gym_causal.make_vec(env_id, num_envs, explanation_text=num_envs < 100, **kwargs)
        observations, infos = venv.reset(seed=11)
        for first in range(0, episodes, num_envs):
            rows = range(first, min(first + num_envs, episodes))
            for b, episode in enumerate(rows):
                assert same(row(observations, b), expected[episode][0][0])
                assert same(without_text(row(without_final(infos), b)), without_text(expected[episode][0][1]))
            for trial in range(trials):
                action = actions[trial, (first + np.arange(num_envs)) % 4_096]
                observations, rewards, terminated, truncated, infos = venv.step(action)
                for b, episode in enumerate(rows):
                    obs, reward, ended, cut, info = expected[episode][1 + trial]
                    last = trial == trials - 1
                    assert (rewards[b], bool(terminated[b]), bool(truncated[b])) == (reward, ended, cut)
                    assert same(infos["final_obs"][b] if last else row(observations, b), obs)
                    got = row(infos.ended.infos if last else infos, b)
                    assert same(without_text(got), without_text(info))
                    if num_envs < 100:
                        assert got["explanation"]["text"] == info["explanation"]["text"]


def without_text(info: dict[str, Any]) -> dict[str, Any]:
    explanation = {key: value for key, value in info["explanation"].items() if key != "text"}
    return {**info, "explanation": explanation}


def without_final(infos: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in infos.items() if not key.lstrip("_").startswith("final")}


@every_env
def test_the_same_seed_gives_the_same_episodes_again_and_another_seed_others(env_id, kwargs):
    env = gym.make(env_id, **kwargs)
    first, again, other = (play(env, seed, episodes=2) for seed in (3, 3, 4))
    assert all(same(list_of(a), list_of(b)) for a, b in zip(first, again, strict=True))
    assert not same(first[0][0], other[0][0])


def list_of(result: tuple) -> dict[str, Any]:
    return dict(enumerate(result))  # type: ignore[arg-type]


@every_env
@pytest.mark.parametrize("explain", ["none", "properties", "reward", "full", "outcome", "all", "reasoning", "target"])
def test_infos_keep_their_keys_shapes_and_dtypes(env_id, kwargs, explain):
    if explain not in gym_causal.make_task(env_id).explanations.modes:
        pytest.skip(f"{env_id} has no such mode")
    env = gym.make(env_id, explain=explain, **all_infos(env_id), **kwargs)
    infos = [step[-1] for step in play(env, 0, episodes=2)]
    shape = [layout(info) for info in infos]
    assert all(other == shape[0] for other in shape)


def layout(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: layout(entry) for key, entry in value.items()}
    if isinstance(value, tuple):  # as many sentences as there are legal actions
        return {layout(entry) for entry in value}
    return "str" if isinstance(value, str) else (np.asarray(value).dtype, np.shape(value))


@every_env
def test_observations_are_in_their_space_to_the_end(env_id, kwargs):
    env = gym.make(env_id, **kwargs)
    for step in play(env, 0, episodes=3):
        assert step[0] in env.observation_space
    venv = gym_causal.make_vec(env_id, 3, **kwargs)
    observations, _ = venv.reset(seed=0)
    assert observations in venv.observation_space
    assert venv.step(np.arange(3))[0] in venv.observation_space


@every_id
@pytest.mark.parametrize("num_envs", [1, 40])
def test_what_is_returned_is_the_users_own(env_id, num_envs):
    """Scribbling over observations and infos changes nothing that comes later."""
    clean, scribbled = (gym_causal.make_vec(env_id, num_envs, explain="all", expert_info=True) for _ in range(2))
    results = [venv.reset(seed=0) for venv in (clean, scribbled)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        scribble(results[1][0])
        scribble(results[1][-1])
        actions = rng.integers(clean.single_action_space.n, size=num_envs)
        results = [venv.step(actions) for venv in (clean, scribbled)]
        assert same(results[0][0], results[1][0]) and np.array_equal(results[0][1], results[1][1])
        assert same(without_final(results[0][-1]), without_final(results[1][-1]))
        assert np.array_equal(clean.expert_actions(), scribbled.expert_actions())


def scribble(values: Any) -> None:
    if isinstance(values, tuple):
        return  # of strings
    for value in values.values():
        if isinstance(value, dict):
            scribble(value)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fib":
            value[...] = 1


@every_id
def test_rows_are_independent(env_id):
    """Other actions in half of the rows change nothing in the other half."""
    first, second = (gym_causal.make_vec(env_id, 30, explain="all", expert_info=True) for _ in range(2))
    assert same(without_final(first.reset(seed=5)[1]), without_final(second.reset(seed=5)[1]))
    rng = np.random.default_rng(1)
    changed = rng.random(30) < 0.5
    for _ in range(2 * first.task.config.trials + 1):
        actions = rng.integers(first.single_action_space.n, size=30)
        others = np.where(changed, rng.integers(first.single_action_space.n, size=30), actions)
        (observations, rewards, *_, infos), (observations2, rewards2, *_, infos2) = first.step(actions), second.step(others)
        assert np.array_equal(rewards[~changed], rewards2[~changed])
        for b in np.flatnonzero(~changed):
            assert same(row(observations, b), row(observations2, b))
            assert same(row(without_final(infos), b), row(without_final(infos2), b))


@every_causal_dag
def test_rows_with_the_same_model_and_other_noise_differ(env_id):
    """A model of the user's own is given to every row; the noise stays that of the row's episode."""
    has_cue = env_id == "CausalDAGCued-v0"
    model = StructuralCausalModels.from_weights(np.diag(np.ones(9), 1) if has_cue else np.diag(np.ones(9), 1)[:5, :5])
    venv = gym_causal.make_vec(env_id, 3, graph_info=True, **task_spec(env_id).compact_kwargs)
    cue = {"cue": np.arange(10) < 5} if has_cue else {}
    observations, infos = venv.reset(seed=0, options={"model": model, "goal": 1, **cue})
    assert (infos["weights"] == infos["weights"][0]).all() and len(np.unique(observations["initial_values"], axis=0)) == 3


@every_id
def test_envs_survive_pickling_in_the_middle_of_an_episode(env_id):
    env = gym.make(env_id)
    env.reset(seed=0)
    env.step(1)
    twin = pickle.loads(pickle.dumps(env))
    for action in (2, 3, 0):
        assert same(list_of(env.step(action)), list_of(twin.step(action)))


@every_id
def test_flattening_gives_a_vector(env_id):
    env = gym.wrappers.FlattenObservation(gym.make(env_id))
    observation, _ = env.reset(seed=0)
    assert observation.ndim == 1 and observation in env.observation_space


@every_id
def test_vector_wrappers_may_replace_final_observations(env_id):
    venv = gym_causal.make_vec(env_id, 3)
    venv.reset(seed=0)
    for _ in range(venv.task.config.trials):
        infos = venv.step(np.zeros(3, int))[-1]
    final = infos["final_obs"]
    assert len(final) == 3 and infos["_final_obs"].all() and infos["final_observation"] is final
    if env_id.endswith("Text-v0"):
        assert final[1] == infos.ended.observations[1] and "There are" not in final[1] and "values are" not in final[1]
    else:
        assert same(final[1], row(infos.ended.observations, 1)) and not final[1]["initial_values"].any()
    final[1] = "replaced"
    assert list(infos["final_obs"])[1] == "replaced" and final.shape == (3,)


@every_id
@pytest.mark.parametrize("action", [-1, 1_000, 0.5, "A", None])
def test_bad_actions_are_refused_and_change_nothing(env_id, action):
    env = gym.make(env_id).unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be an int in 0\.\."):
        env.step(action)
    reference = gym.make(env_id).unwrapped
    reference.reset(seed=0)
    assert same(list_of(env.step(0)), list_of(reference.step(0)))


@pytest.mark.parametrize("actions", [[0, 1], [0, 1, 99], [0.0, 1.0, 2.0], [[0], [1], [2]]])
def test_bad_vector_actions_are_refused(actions):
    venv = gym_causal.make_vec("CausalDAG-v0", 3)
    venv.reset(seed=0)
    with pytest.raises(ValueError, match="actions must be"):
        venv.step(np.array(actions))


@pytest.mark.parametrize("env_id", registered_ids())
def test_after_the_end_there_is_no_step_and_no_expert_or_oracle_action(env_id):
    """(Calls before the first reset: tests/core/test_reset_needed.py.)"""
    env = gym.make(env_id).unwrapped
    env.reset(seed=0)
    while not any(env.step(0)[2:4]):
        pass
    with pytest.raises(gym.error.ResetNeeded, match="step: the episode is over"):
        env.step(0)
    for call in ("expert_action", "oracle_action") if hasattr(env, "oracle_action") else ("expert_action",):
        with pytest.raises(gym.error.ResetNeeded, match=f"{call}: the episode is over"):
            getattr(env, call)()


def test_a_vector_env_takes_one_seed():
    with pytest.raises(TypeError, match="seed must be one int"):
        gym_causal.make_vec("CausalDAG-v0", 2).reset(seed=[0, 1])


@pytest.mark.parametrize("num_envs", [0, -1, 2.5])
def test_num_envs_is_checked(num_envs):
    with pytest.raises(ValueError, match="num_envs"):
        gym_causal.make_vec("CausalDAG-v0", num_envs)


def test_unseeded_envs_differ():
    observations = [gym.make("CausalDAG-v0").reset()[0]["initial_values"] for _ in range(2)]
    assert not np.array_equal(*observations)


def numbers(values: Any) -> list[np.ndarray]:
    if isinstance(values, tuple):
        return []
    return [x for value in values.values() for x in (numbers(value) if isinstance(value, dict) else [value]) if x.dtype.kind in "biuf"]


@pytest.mark.parametrize("num_envs", [1, 3, 1_000])
@pytest.mark.parametrize("explain", ["outcome", "none", "all"])
@every_id
def test_every_number_lies_where_torch_takes_it(env_id, explain, num_envs):
    """It refuses arrays whose strides are not multiples of their numbers' size, as those in a record of mixed types may be."""
    venv = gym_causal.make_vec(env_id, num_envs, explain=explain)
    steps = [venv.reset(seed=0)]
    for action in range(3):
        observations, *_, infos = venv.step(np.full(num_envs, action))
        steps.append((observations, infos))
    for observations, infos in steps:
        for array in (*numbers(observations), *numbers(infos)):
            assert array.flags.aligned and not any(stride % array.itemsize for stride in array.strides)
