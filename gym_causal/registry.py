"""Which tasks there are: one :class:`~gym_causal.core.task_spec.TaskSpec` for each, ours and other people's."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gym_causal.causal_dag.spec import SPECS as _CAUSAL_DAG
from gym_causal.core.task_spec import TaskSpec
from gym_causal.odd_one_out.spec import SPECS as _ODD_ONE_OUT

if TYPE_CHECKING:
    from gym_causal.core.env import TaskEnv
    from gym_causal.core.task import BatchedTask
    from gym_causal.core.vector_env import TaskVectorEnv

_PREFIX = "gym_causal:"
_SPECS: dict[str, TaskSpec] = {spec.env_id: spec for spec in (*_CAUSAL_DAG, *_ODD_ONE_OUT)}


def registered_ids() -> tuple[str, ...]:
    """The ids of all registered tasks, ours first."""
    return tuple(_SPECS)


def canonical_id(env_id: str) -> str:
    """The id without the prefix "gym_causal:", which ``gym.make`` also understands."""
    return env_id.removeprefix(_PREFIX)


def task_spec(env_id: str) -> TaskSpec:
    """The spec of an id.

    Raises:
        ValueError: no such task is registered.
    """
    name = canonical_id(env_id)
    if name not in _SPECS:
        raise ValueError(f"env_id must be one of {', '.join(_SPECS)}, got {env_id!r}")
    return _SPECS[name]


def make_task(env_id: str, num_envs: int = 1, **kwargs: Any) -> BatchedTask:
    """The task of an id, without an env around it.

    Args:
        env_id: a registered id.
        num_envs: B, how many episodes at once.
        kwargs: the env's arguments.

    Raises:
        ValueError: an unknown id, or an argument out of range.
        TypeError: an unknown argument; the message names the nearest one and lists all.
    """
    spec = task_spec(env_id)
    config_class = _load(spec.config)
    check_keywords(spec.env_id, kwargs, [field.name for field in dataclasses.fields(config_class)])
    return _load(spec.task)(config_class(**kwargs), num_envs)


def check_keywords(env_id: str, kwargs: Iterable[str], accepted: list[str]) -> None:
    """See that an env's keyword arguments exist. TypeError names the nearest one that does."""
    for name in kwargs:
        if name not in accepted:
            near = difflib.get_close_matches(name, accepted, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ";"
            raise TypeError(f"{env_id} has no argument {name!r}{hint} It accepts {', '.join(accepted)}")


def _load(target: Any) -> Any:
    """A class or function, from itself or from "module:name"."""
    if not isinstance(target, str):
        return target
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


def register_task(spec: TaskSpec) -> None:
    """Register a task of your own: ``gym.make``, ``make_vec``, ``evaluate``, ``collect``, ``baselines.compare`` and ``agents.train`` then
    know its id.

    Raises:
        ValueError: the id is taken, by us or in Gymnasium's registry.
    """
    from gymnasium.envs.registration import registry  # noqa: PLC0415 - see register_envs

    if spec.env_id in _SPECS or spec.env_id in registry:
        raise ValueError(f"spec: env_id must be a new one, got {spec.env_id!r}, which is registered")
    _SPECS[spec.env_id] = spec
    _register(spec)


def register_envs() -> None:
    """Register every id that is not registered yet. (Also gymnasium 0.29's plugin entry point: it may run before our own import.)"""
    for spec in _SPECS.values():
        _register(spec)


def _register(spec: TaskSpec) -> None:
    # As a plugin this runs while gymnasium itself is being imported: the package has no `registry` yet, this module of it has.
    from gymnasium.envs.registration import register, registry  # noqa: PLC0415

    if spec.env_id not in registry:
        plain = {} if spec.env else {"env_id": spec.env_id}
        register(
            spec.env_id,
            entry_point=spec.env or "gym_causal.registry:make_env",
            vector_entry_point=spec.vector_env or "gym_causal.registry:make_vector_env",
            kwargs=plain,
        )


def make_env(*, env_id: str, render_mode: str | None = None, **kwargs: Any) -> TaskEnv:
    """The plain env of a task that has no class of its own; what ``gym.make`` calls."""
    from gym_causal.core.env import TaskEnv  # noqa: PLC0415

    return TaskEnv(make_task(env_id, 1, **kwargs), render_mode)


def make_vector_env(*, env_id: str, num_envs: int, explanation_text: bool = False, **kwargs: Any) -> TaskVectorEnv:
    """The plain vector env of a task that has no class of its own."""
    from gym_causal.core.vector_env import TaskVectorEnv  # noqa: PLC0415

    return TaskVectorEnv(make_task(env_id, num_envs, **kwargs), explanation_text=explanation_text)


def make_vec(env_id: str, num_envs: int = 1, **kwargs: Any) -> Any:
    """The native batched vector env of an id.

    :func:`gymnasium.make_vec` finds it too, but under another name in every version, and 0.29 drops its arguments.

    Args:
        env_id: a registered id, "CausalDAG-v0" or "gym_causal:CausalDAG-v0".
        num_envs: how many episodes at once.
        kwargs: the arguments of the env; also ``explanation_text=True`` to put explanations into words.

    Raises:
        ValueError: an id that is not ours.
    """
    import gymnasium as gym  # noqa: PLC0415

    spec = gym.spec(task_spec(env_id).env_id)
    assert isinstance(spec.vector_entry_point, str)
    venv = gym.envs.registration.load_env_creator(spec.vector_entry_point)(num_envs=num_envs, **{**spec.kwargs, **kwargs})
    venv.spec = spec
    return venv
