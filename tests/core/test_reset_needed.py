"""Before the first ``reset`` every call says that one is needed."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.registry import registered_ids

every_id = pytest.mark.parametrize("env_id", registered_ids())


@every_id
@pytest.mark.parametrize("call", ["step", "action_masks", "expert_action", "oracle_action", "render"])
def test_a_single_env_that_was_never_reset(env_id, call):
    env = gym.make(env_id, render_mode="ansi").unwrapped
    if not hasattr(env, call):
        pytest.skip(f"{env_id} has no {call}")
    with pytest.raises(gym.error.ResetNeeded, match=f"^{call}: .*call reset first"):
        getattr(env, call)(*([0] if call == "step" else []))
    env.reset(seed=0)
    getattr(env, call)(*([0] if call == "step" else []))


@every_id
@pytest.mark.parametrize("call", ["step", "action_masks", "expert_actions", "oracle_actions"])
def test_a_vector_env_that_was_never_reset(env_id, call):
    venv = gym_causal.make_vec(env_id, 2)
    if not hasattr(venv, call):
        pytest.skip(f"{env_id} has no {call}")
    arguments = [np.zeros(2, int)] if call == "step" else []
    with pytest.raises(gym.error.ResetNeeded, match=f"^{call}: .*call reset first"):
        getattr(venv, call)(*arguments)
    venv.reset(seed=0)
    getattr(venv, call)(*arguments)


@every_id
def test_a_vector_env_without_a_render_mode_has_no_pictures(env_id):
    venv = gym_causal.make_vec(env_id, 2)
    with pytest.raises(gym.error.ResetNeeded, match=r"^render: "):
        venv.render()
    venv.reset(seed=0)
    with pytest.raises(NotImplementedError, match="a vector env does not render"):
        venv.render()


def test_a_task_that_was_never_seeded(hint_id):
    with pytest.raises(gym.error.ResetNeeded, match="call seed first"):
        gym_causal.make_task(hint_id, 2).begin(np.arange(2), np.arange(2))


@every_id
@pytest.mark.parametrize("call", ["observations", "infos", "action_masks", "expert_actions", "step"])
def test_a_task_without_an_episode(env_id, call):
    task = gym_causal.make_task(env_id, 2)
    arguments = {"infos": {"text": True}, "step": {"actions": np.zeros(2, int)}}.get(call, {})
    with pytest.raises(gym.error.ResetNeeded):
        task.begin(np.arange(2), np.arange(2))
    with pytest.raises(gym.error.ResetNeeded):
        getattr(task, call)(**arguments)
