"""What Gymnasium calls to make an env: ``"gym_causal.entry_points:env/<id>"`` and ``"gym_causal.entry_points:vector_env/<id>"``."""

from __future__ import annotations

from functools import partial
from typing import Any

from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.registry import load_target, make_task, split_arguments, task_spec


def make_env(*, env_id: str, render_mode: str | None = None, **kwargs: Any) -> Any:
    """The env of an id: of its own class, if its spec names one, else a plain :class:`TaskEnv`.

    Args:
        env_id: a registered id.
        render_mode: None, or one of the task's.
        kwargs: the env's arguments, and ``flatten``.
    """
    env_class = task_spec(env_id).env
    if env_class is not None:
        return load_target(env_class)(render_mode=render_mode, **kwargs)
    adapter, arguments = split_arguments("gym.make", kwargs)
    return TaskEnv(make_task(env_id, 1, **arguments), render_mode, **adapter)


def make_vector_env(
    *, env_id: str, num_envs: int = 1, explanation_text: bool = False, max_episode_steps: int | None = None, **kwargs: Any
) -> Any:
    """The vector env of an id: of its own class, if its spec names one, else a plain :class:`TaskVectorEnv`.

    Args:
        env_id: a registered id.
        num_envs: how many episodes at once.
        explanation_text: put explanations into words, ``infos["explanation"]["text"]``.
        max_episode_steps: None, or what ``spec.max_episode_steps`` says; Gymnasium's ``make_vec`` passes it to every vector env.
        kwargs: the env's arguments, and the others of :class:`TaskVectorEnv`.

    Raises:
        ValueError: another ``max_episode_steps``: episodes have a length of their own.
    """
    env_class = task_spec(env_id).vector_env
    if env_class is not None:
        venv = load_target(env_class)(num_envs=num_envs, explanation_text=explanation_text, **kwargs)
    else:
        adapter, arguments = split_arguments("make_vec", kwargs)
        venv = TaskVectorEnv(make_task(env_id, num_envs, **arguments), explanation_text=explanation_text, **adapter)
    if max_episode_steps is not None and max_episode_steps != venv.task.max_episode_steps:
        raise ValueError(f"max_episode_steps must be None, episodes have a length of their own, got {max_episode_steps!r}")
    return venv


def __getattr__(name: str) -> Any:
    """``env/<id>`` and ``vector_env/<id>`` as functions of the remaining arguments."""
    kind, slash, env_id = name.partition("/")
    if not slash or kind not in ("env", "vector_env"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    make: Any = partial(make_env if kind == "env" else make_vector_env, env_id=env_id)
    make.metadata = load_target(task_spec(env_id).task).metadata  # by which gym.make knows the render modes
    return make
