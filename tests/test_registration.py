"""The ids can be made in every way that Gymnasium offers."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import gym_causal
from gym_causal.registry import register_envs, registered_ids

CAUSAL_DAGS = [env_id for env_id in registered_ids() if env_id.startswith("CausalDAG")]
IS_029 = gym.__version__.startswith("0.29")
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
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("env_id", [env_id for env_id in registered_ids() if env_id not in CAUSAL_DAGS])
def test_arguments_of_a_room_survive_json_and_reach_the_vector_env(env_id):
    kwargs = {"observation": "symbolic", "max_trial_steps": 5, "explain": "outcome"}
    env = gym.make(env_id, **kwargs)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    venv = gym_causal.make_vec(f"gym_causal:{env_id}", num_envs=3, **kwargs)
    assert env.unwrapped.task.config == again.unwrapped.task.config == venv.task.config
    (first, _), (second, _), (batch, _) = env.reset(seed=3), again.reset(seed=3), venv.reset(seed=3)
    assert all(np.array_equal(first[key], second[key]) and np.array_equal(first[key], batch[key][0]) for key in first)


@pytest.mark.parametrize("prefix", ["", "gym_causal:"])
@pytest.mark.parametrize("env_id", CAUSAL_DAGS)
def test_make_vec_passes_every_argument_on(env_id, prefix):
    venv = gym_causal.make_vec(prefix + env_id, num_envs=3, intervention_value=7.0, graph_info=True, explanation_text=True)
    observations, infos = venv.reset(seed=0)
    assert venv.num_envs == 3 and venv.spec.id == env_id and venv.observation_space.contains(observations)
    num_variables = venv.single_action_space.n // 2
    assert infos["weights"].shape == (3, num_variables, num_variables)
    observations, *_ = venv.step(np.zeros(3, int))
    assert (observations["last_intervention"][:, 0] == 7.0).all()


def test_gymnasium_make_vec_finds_it_too():
    mode = "custom" if IS_029 else "vector_entry_point"
    venv = gym.make_vec("CausalDAG-v0", num_envs=4, vectorization_mode=mode)
    observations, _ = venv.reset(seed=0)
    expected, _ = gym_causal.make_vec("CausalDAG-v0", num_envs=4).reset(seed=0)
    assert all(np.array_equal(observations[key], expected[key]) for key in expected)


def test_unknown_id_names_the_known_ones():
    with pytest.raises(ValueError, match=r"CausalDAG-v0, CausalDAGCued-v0.*'CartPole-v1'"):
        gym_causal.make_vec("CartPole-v1")


@pytest.mark.parametrize(("kwargs", "error"), [({"split": "test"}, ValueError), ({"colour": "blue"}, TypeError)])
def test_bad_arguments_are_refused_alike(kwargs, error):
    for make in (lambda: gym.make("CausalDAG-v0", **kwargs), lambda: gym_causal.make_vec("CausalDAG-v0", **kwargs)):
        with pytest.raises(error):
            make()
