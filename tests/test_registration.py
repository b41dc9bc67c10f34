"""The ids can be made in every way that Gymnasium offers."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import gym_causal
from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.registry import register_envs, registered_ids, task_spec
from tests.conftest import row, same
from tests.hint_task import BY_CLASS, HintConfig, HintTask

CAUSAL_DAGS = [env_id for env_id in registered_ids() if env_id.startswith("CausalDAG")]
IS_029 = gym.__version__.startswith("0.29")
CUSTOM = "custom" if IS_029 else "vector_entry_point"
PLUGIN = [point for point in metadata.entry_points(group="gymnasium.envs") if point.value.startswith("gym_causal")]


def run(code: str) -> str:
    """What a fresh interpreter prints; any warning is an error there."""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("env_id", registered_ids())
def test_made_without_an_import(env_id):
    assert run(f"import gymnasium as gym; print(gym.make('gym_causal:{env_id}').spec.id)") == env_id


@pytest.mark.parametrize("imports", ["gymnasium, gym_causal", "gym_causal, gymnasium", "gym_causal.scm, gymnasium"])
def test_made_after_an_import_in_either_order(imports):
    assert run(f"import {imports}; print(gymnasium.make('CausalDAG-v0').spec.id)") == "CausalDAG-v0"


@pytest.mark.skipif(not (IS_029 and PLUGIN), reason="plugins are gymnasium 0.29's, and the package must be installed")
def test_made_by_the_plugin():
    assert run("import gymnasium as gym; print(gym.make('CausalDAG-v0').spec.id)") == "CausalDAG-v0"


def test_registering_again_changes_nothing(recwarn):
    before = dict(gym.registry)
    register_envs()
    assert gym.registry == before and not recwarn.list


@pytest.mark.parametrize("env_id", CAUSAL_DAGS)
def test_spec_survives_json(env_id):
    env = gym.make(env_id, split="eval_path", min_effect=2.0)
    spec = EnvSpec.from_json(env.spec.to_json())
    assert json.loads(env.spec.to_json())["kwargs"] == {"split": "eval_path", "min_effect": 2.0}
    again = gym.make(spec)
    (first, _), (second, _) = env.reset(seed=3), again.reset(seed=3)
    assert same(first, second)


@pytest.mark.parametrize("env_id", [env_id for env_id in registered_ids() if env_id not in CAUSAL_DAGS])
def test_arguments_of_an_odd_one_out_task_survive_json_and_reach_the_vector_env(env_id):
    own = {"rewarded_dimensions": ["shape"], "num_experiments": 1} if env_id == "OddOneOutText-v0" else {"max_trial_steps": 5}
    kwargs = {"observation": "symbolic", "explain": "outcome", **own}
    env = gym.make(env_id, **kwargs)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    venv = gym_causal.make_vec(f"gym_causal:{env_id}", num_envs=3, **kwargs)
    assert env.unwrapped.task.config == again.unwrapped.task.config == venv.task.config
    (first, _), (second, _), (batch, _) = env.reset(seed=3), again.reset(seed=3), venv.reset(seed=3)
    assert all(np.array_equal(first[key], second[key]) and np.array_equal(first[key], batch[key][0]) for key in first)


@pytest.mark.parametrize("prefix", ["", "gym_causal:"])
@pytest.mark.parametrize("env_id", CAUSAL_DAGS)
def test_make_vec_passes_every_argument_on(env_id, prefix):
    compact = task_spec(env_id).compact_kwargs
    venv = gym_causal.make_vec(prefix + env_id, num_envs=3, intervention_value=7.0, graph_info=True, explanation_text=True, **compact)
    observations, infos = venv.reset(seed=0)
    assert venv.num_envs == 3 and venv.spec.id == env_id and venv.observation_space.contains(observations)
    num_variables = venv.single_action_space.n // 2
    assert infos["weights"].shape == (3, num_variables, num_variables)
    observations, *_ = venv.step(np.zeros(3, int))
    assert (observations["last_intervention"][:, 0] == 7.0).all()


@pytest.mark.parametrize("env_id", registered_ids())
def test_gymnasium_make_vec_finds_it_too(env_id):
    """On 0.29 with its "custom" mode, which passes ``max_episode_steps`` and drops every argument of the env."""
    venv = gym.make_vec(env_id, num_envs=4, vectorization_mode=CUSTOM)
    assert type(venv) is type(gym_causal.make_vec(env_id, num_envs=4)) and venv.num_envs == 4 and venv.spec.id == env_id
    observations, _ = venv.reset(seed=0)
    expected, _ = gym_causal.make_vec(env_id, num_envs=4).reset(seed=0)
    assert same(observations, expected)


@pytest.mark.skipif(IS_029, reason="0.29 drops the arguments")
def test_gymnasium_make_vec_passes_every_argument_on():
    venv = gym.make_vec("CausalDAG-v0", num_envs=4, explanation_text=True, intervention_value=7.0)
    assert venv.task.config.intervention_value == 7 and "text" in venv.reset(seed=0)[1]["explanation"]


def test_a_time_limit_of_the_users_own_is_refused():
    with pytest.raises(ValueError, match=r"max_episode_steps must be None, .* got 5"):
        gym_causal.make_vec("OddOneOut-v0", 2, max_episode_steps=5)


def test_unknown_ids_are_told_the_known_ones():
    for make in (gym_causal.make_vec, gym_causal.make_task):
        for env_id in ("Nothing-v0", "gym_causal:Nothing-v0", "no_such_module:Nothing-v0"):
            with pytest.raises(ValueError, match=rf"CausalDAG-v0, CausalDAGCued-v0.*any other id that Gymnasium knows, got '{env_id}'"):
                make(env_id)


def every_way(env_id: str) -> list[Callable[..., object]]:
    return [
        lambda **kwargs: gym.make(env_id, **kwargs),
        lambda **kwargs: gym_causal.make_vec(env_id, 2, **kwargs),
        lambda **kwargs: gym_causal.make_task(env_id, 2, **kwargs),
        lambda **kwargs: gym_causal.evaluate("random", env_id, **kwargs),
        lambda **kwargs: gym_causal.collect("random", env_id, **kwargs),
        *([] if IS_029 else [lambda **kwargs: gym.make_vec(env_id, 2, **kwargs)]),
    ]


@pytest.mark.parametrize("env_id", registered_ids())
def test_bad_arguments_are_refused_alike(env_id):
    for make in every_way(env_id):
        with pytest.raises(ValueError, match=r"split must be one of .*, got 'test'"):
            make(split="test")
        unexpected = "got an unexpected keyword argument"  # TorchRL's GymEnv knows these words
        with pytest.raises(
            TypeError, match=rf"{env_id} {unexpected} 'expert_inf'; did you mean 'expert_info'\? It accepts split, .*explain"
        ):
            make(expert_inf=True)
        also = "gym.make also render_mode, flatten; make_vec also render_mode"
        with pytest.raises(TypeError, match=rf"{unexpected} 'zzz'\. It accepts split, .*{also}"):
            make(zzz=1)


def test_arguments_of_another_way_to_make_an_env_are_told_apart():
    single, *_ = every_way("CausalDAG-v0")
    for argument in ({"explanation_text": True}, {"autoreset_mode": "next_step"}):
        with pytest.raises(TypeError, match=f"'{next(iter(argument))}' is an argument of make_vec only"):
            single(**argument)
    for argument in ({"render_mode": "ansi"}, {"flatten": True}):
        with pytest.raises(TypeError, match=f"'{next(iter(argument))}' is an argument of gym.make and make_vec only"):
            gym_causal.evaluate("random", "CausalDAG-v0", num_episodes=2, **argument)
    with pytest.raises(TypeError, match="did you mean 'render_mode'"):
        single(rendermode="ansi")


# --- a task of one's own -----------------------------------------------------------------------------------------------


def test_a_registered_task_is_made_in_every_way(hint_spec):
    env_id = hint_spec.env_id
    assert env_id in registered_ids() and task_spec(env_id) is hint_spec
    env, again = gym.make(env_id, prize=2.0), gym.make(EnvSpec.from_json(gym.make(env_id, prize=2.0).spec.to_json()))
    venv, foreign = gym_causal.make_vec(env_id, 3, explanation_text=True), gym.make_vec(env_id, num_envs=3, vectorization_mode=CUSTOM)
    (observation, info), (batch, infos) = env.reset(seed=3), venv.reset(seed=3)
    assert same(observation, again.reset(seed=3)[0]) and same(observation, row(batch, 0)) and same(batch, foreign.reset(seed=3)[0])
    assert info["explanation"]["text"] == infos["explanation"]["text"][0] == ("zero", "one", "two")[observation["hint"]]
    assert env.unwrapped.expert_action() == observation["hint"]
    assert env.step(observation["hint"])[1] == again.step(observation["hint"])[1] == 2.0
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'prise'; did you mean 'prize'"):
        gym.make(env_id, prise=2.0)


def test_a_registered_task_is_evaluated_and_recorded(hint_spec):
    env_id = hint_spec.env_id
    expert, random = (gym_causal.evaluate(policy, env_id, num_episodes=300, prize=2.0) for policy in ("expert", "random"))
    assert expert.reward.mean == 4 and random.reward.low < 4 / 3 < random.reward.high
    episodes = gym_causal.collect("expert", env_id, num_episodes=20)
    assert np.array_equal(episodes.stacked(episodes.observations["hint"])[:, :2], episodes.stacked(episodes.actions))
    assert episodes.explanation_version == 3 and np.array_equal(episodes.explanations["tokens"][:, 0], 1 + episodes.observations["hint"])


def test_an_env_class_of_ones_own_is_used(hint_id):
    spec = dataclasses.replace(BY_CLASS, env_id="tests/HintEnv-v0", env=HintEnv, vector_env="tests.test_registration:HintVectorEnv")
    gym_causal.register_task(spec)
    env, venv = gym.make(spec.env_id, prize=3.0), gym_causal.make_vec(spec.env_id, 2, prize=3.0)
    assert type(env.unwrapped) is HintEnv and type(venv) is HintVectorEnv and env.unwrapped.task.config.prize == venv.task.config.prize == 3


class HintEnv(TaskEnv):
    def __init__(self, render_mode: str | None = None, **config: Any) -> None:
        super().__init__(HintTask(HintConfig(**config), 1), render_mode)


class HintVectorEnv(TaskVectorEnv):
    def __init__(self, num_envs: int, explanation_text: bool = False, **config: Any) -> None:
        super().__init__(HintTask(HintConfig(**config), num_envs), explanation_text=explanation_text)


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "tests/Hint-v0", "CartPole-v1"])
def test_an_id_is_registered_once(hint_id, env_id):
    with pytest.raises(ValueError, match=f"env_id must be a new one, got '{env_id}'"):
        gym_causal.register_task(dataclasses.replace(BY_CLASS, env_id=env_id))


def test_a_class_has_a_name_of_a_known_form():
    with pytest.raises(ValueError, match=r"spec: task must be a class or \"module:Class\", got 'tests.hint_task.HintTask'"):
        gym_causal.register_task(dataclasses.replace(BY_CLASS, env_id="Dotted-v0", task="tests.hint_task.HintTask"))
    assert "Dotted-v0" not in gym.registry


@pytest.mark.parametrize("env_id", [None, 3])
def test_an_id_is_a_word(env_id):
    for make in (gym_causal.make_vec, gym_causal.make_task, lambda env_id: gym_causal.evaluate("expert", env_id)):
        with pytest.raises(TypeError, match=f"env_id must be a str, got {env_id}"):
            make(env_id)


def test_a_number_of_envs_is_no_truth_value():
    with pytest.raises(ValueError, match="num_envs must be an int of at least 1, got True"):
        gym_causal.make_vec("CausalDAG-v0", True)
