"""Every argument is checked and reaches the single and the vector env alike."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig
from gym_causal.causal_dag.env import CausalDAGEnv
from gym_causal.scm import StructuralCausalModels

CHANGED = {
    "value_limit": 1.0,
    "split": "unrestricted",
    "num_variables": 6,
    "num_exploration_trials": 3,
    "num_exploitation_trials": 4,
    "intervention_value": 2.0,
    "held_out_link": ("A", "B"),
    "min_effect": 0.5,
    "num_roots": (2, 3),
    "num_parents": (2, 3),
    "weight_range": (0.5, 1.0),
    "noise_scale_mean": 0.0,
    "noise_scale_std": 0.01,
    "negative_slope": 1.0,
    "shuffle_names": False,
    "shared_noise": True,
    "exploration_sign": "random",
    "expert_exploration": "random",
    "expert_temperature": 2.0,
    "explain": "none",
    "expert_info": True,
    "graph_info": True,
    "models": StructuralCausalModels.from_weights(np.diag([1.0, 1.0, 1.0, 0.0], 1)).to_dict(),  # A -> B -> C -> D, and E
    "num_relevant": 3,
    "cue_modulus": 3,
    "cue_residue": 2,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(CausalDAGCuedConfig)])
def test_every_argument_changes_the_episodes_or_their_infos(name):
    """Single and vector env receive it, and it is no dead option."""
    env_id = "CausalDAG-v0" if name in {field.name for field in dataclasses.fields(CausalDAGConfig)} else "CausalDAGCued-v0"
    split = {"split": "eval_target"} if name == "min_effect" else {}
    arguments = {**split, name: CHANGED[name]}
    single, vector = gym.make(env_id, **arguments).unwrapped, gym_causal.make_vec(env_id, 40, **arguments)
    assert getattr(single.task.config, name) == getattr(vector.task.config, name) == CHANGED[name]
    assert episode(vector) != episode(gym_causal.make_vec(env_id, 40, **split))


def episode(venv) -> list[str]:
    """An expert's episode, as text."""
    observation, info = venv.reset(seed=0)
    record = [str(observation), str(info)]
    for _ in range(venv.task.config.trials):
        observation, reward, _, _, info = venv.step(venv.expert_actions())
        info["final_obs"] = "final_obs" in info and info.ended.observations
        record += [str(observation), str(reward), str({key: value for key, value in info.items() if key != "final_observation"})]
    return record


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"split": "test"}, ValueError, "split must be one of train, eval_target, eval_path, unrestricted, got 'test'"),
        ({"num_variables": 1}, ValueError, "num_variables must be an int from 2 to 702, got 1"),
        ({"num_variables": 5.0}, TypeError, "num_variables must be an int"),
        ({"num_exploration_trials": -1}, ValueError, "num_exploration_trials"),
        ({"num_exploitation_trials": 0}, ValueError, "num_exploitation_trials"),
        ({"intervention_value": 0}, ValueError, "intervention_value must be a number > 0"),
        ({"intervention_value": float("nan")}, ValueError, "intervention_value"),
        ({"held_out_link": ("D", "D")}, ValueError, "two different variables"),
        ({"held_out_link": ("D", "Z")}, ValueError, "held_out_link: a variable must be one of A..E or 0..4, got 'Z'"),
        ({"held_out_link": "DE"}, ValueError, "pair"),
        ({"min_effect": -1}, ValueError, "min_effect"),
        ({"num_roots": (1, 6)}, ValueError, "num_roots"),
        ({"num_roots": 2}, TypeError, "num_roots must be a pair"),
        ({"num_parents": (2, 1)}, ValueError, "low <= high"),
        ({"num_parents": (0, 1)}, ValueError, "num_parents"),
        ({"weight_range": (1, "2")}, TypeError, "weight_range"),
        ({"noise_scale_mean": -0.1}, ValueError, "noise_scale_mean"),
        ({"noise_scale_std": float("inf")}, ValueError, "noise_scale_std"),
        ({"negative_slope": 0}, ValueError, "negative_slope"),
        ({"negative_slope": 1.5}, ValueError, "negative_slope"),
        ({"shuffle_names": 1}, TypeError, "shuffle_names must be True or False"),
        ({"exploration_sign": "negative"}, ValueError, "exploration_sign"),
        ({"expert_exploration": "none"}, ValueError, "expert_exploration must be one of systematic, random, got 'none'"),
        ({"expert_temperature": -1}, ValueError, "expert_temperature"),
        ({"explain": "everything"}, ValueError, "explain must be one of none, properties, reward, full, .*, all, got 'everything'"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"render_mode": "pdf"}, ValueError, "render_mode"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        CausalDAGEnv(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_relevant": 11}, "num_relevant must be an int from 2 to 10"),
        ({"cue_modulus": 1}, "cue_modulus"),
        ({"cue_residue": 4}, "cue_residue must be an int from 0 to 3"),
        ({"num_roots": (1, 7)}, "num_roots"),
    ],
)
def test_bad_cue_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gym.make("CausalDAGCued-v0", **arguments)


def test_defaults_follow_the_number_of_variables():
    assert CausalDAGConfig(num_variables=3).link.cause == 1 and CausalDAGConfig(num_variables=3).link.effect == 2
    assert CausalDAGConfig(num_variables=20).link.cause == 3 and CausalDAGConfig(num_variables=20).exploration_trials == 20
    assert CausalDAGCuedConfig().exploration_trials == 5 and CausalDAGCuedConfig().names[-1] == "J"


def test_numpy_numbers_are_numbers():
    assert gym.make("CausalDAG-v0", num_variables=np.int64(4), intervention_value=np.float32(3)).unwrapped.task.config.trials == 6
