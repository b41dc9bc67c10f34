"""The registered tasks: one :class:`~gym_causal.core.task_spec.TaskSpec` for each, ours and other people's."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gym_causal.causal_dag.spec import SPECS as _CAUSAL_DAG
from gym_causal.core.task_spec import TaskSpec
from gym_causal.odd_one_out.spec import SPECS as _ODD_ONE_OUT
from gym_causal.odd_one_out_text.spec import SPECS as _ODD_ONE_OUT_TEXT

if TYPE_CHECKING:
    from gym_causal.core.task import BatchedTask

_PREFIX = "gym_causal:"
_SPECS: dict[str, TaskSpec] = {spec.env_id: spec for spec in (*_CAUSAL_DAG, *_ODD_ONE_OUT, *_ODD_ONE_OUT_TEXT)}
# Arguments of each way to make an env, beside those of the task.
_ADAPTER_ARGUMENTS = {
    "gym.make": ("render_mode", "flatten"),
    "make_vec": ("render_mode", "flatten", "explanation_text", "autoreset_mode"),
}


def registered_ids() -> tuple[str, ...]:
    """The ids of all registered tasks, ours first."""
    return tuple(_SPECS)


def canonical_id(env_id: str) -> str:
    """The id without the prefix "gym_causal:", which ``gym.make`` also understands."""
    if not isinstance(env_id, str):
        raise TypeError(f"env_id must be a str, got {env_id!r}")
    return env_id.removeprefix(_PREFIX)


def task_spec(env_id: str) -> TaskSpec:
    """The spec of a registered task, or a plain one for any other id that Gymnasium knows.

    Args:
        env_id: "CausalDAG-v0", "gym_causal:CausalDAG-v0", "CartPole-v1" or "minigrid:MiniGrid-Empty-5x5-v0".

    Raises:
        ValueError: Gymnasium does not know the id either.
    """
    name = canonical_id(env_id)
    if name not in _SPECS:
        known = _gymnasium_spec(name)  # imports the module of "module:Name-v0", which may register a task
        name = name if known is None or known.id not in _SPECS else known.id
    if name in _SPECS:
        return _SPECS[name]
    if known is None:
        raise ValueError(f"env_id must be one of {', '.join(_SPECS)}, or any other id that Gymnasium knows, got {env_id!r}")
    module = "gym_causal.core.gymnasium_task"
    return TaskSpec(env_id=name, task=f"{module}:GymnasiumTask", config=f"{module}:GymnasiumConfig")


def make_task(env_id: str, num_envs: int = 1, **kwargs: Any) -> BatchedTask:
    """The task of an id, without an env around it.

    Args:
        env_id: a registered id; or any other id that Gymnasium knows, which gives a
            :class:`~gym_causal.core.gymnasium_task.GymnasiumTask`.
        num_envs: B, how many episodes at once.
        kwargs: the env's arguments.

    Raises:
        ValueError: an unknown id, or an argument out of range.
        TypeError: an unknown argument; the message names the nearest one and lists all.
    """
    spec = task_spec(env_id)
    config_class = load_target(spec.config)
    if spec.env_id not in _SPECS:
        config = config_class.from_kwargs(spec.env_id, kwargs)
    else:
        check_keywords(spec.env_id, kwargs, argument_names(spec.env_id))
        config = config_class(**kwargs)
    return load_target(spec.task)(config, num_envs)


def argument_names(env_id: str) -> list[str]:
    """The names of a registered env's arguments.

    Raises:
        ValueError: an unknown id.
    """
    return [field.name for field in dataclasses.fields(load_target(task_spec(env_id).config))]


def check_keywords(env_id: str, kwargs: Iterable[str], accepted: list[str]) -> None:
    """Raise a TypeError for a keyword argument that the env does not accept; it names the nearest one that exists and lists all."""
    for name in kwargs:
        if name in accepted:
            continue
        if places := [place for place, arguments in _ADAPTER_ARGUMENTS.items() if name in arguments]:
            problem = f"{env_id}: {name!r} is an argument of {' and '.join(places)} only."
        else:
            near = difflib.get_close_matches(name, [*accepted, *sum(_ADAPTER_ARGUMENTS.values(), ())], n=1)
            # Python's own words, by which TorchRL's GymEnv knows that it has to leave out its `frameskip`.
            problem = f"{env_id} got an unexpected keyword argument {name!r}{f'; did you mean {near[0]!r}?' if near else '.'}"
        also = "; ".join(f"{place} also {', '.join(arguments)}" for place, arguments in _ADAPTER_ARGUMENTS.items())
        raise TypeError(f"{problem} It accepts {', '.join(accepted)}; {also}")


def split_arguments(place: str, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments as those of the adapter and those of the task.

    Args:
        place: "gym.make" or "make_vec".
        kwargs: of both kinds.
    """
    ours = {name: value for name, value in kwargs.items() if name in _ADAPTER_ARGUMENTS[place]}
    return ours, {name: value for name, value in kwargs.items() if name not in ours}


def load_target(target: Any) -> Any:
    """A class or function, from itself or from "module:name"."""
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def register_task(spec: TaskSpec) -> None:
    """Register a task of your own: ``gym.make``, ``make_vec``, ``evaluate``, ``collect``, ``baselines.compare`` and ``agents.train`` then
    know its id.

    Raises:
        ValueError: the id is taken, by us or in Gymnasium's registry; or a class is given by a name that is not "module:Class".
    """
    from gymnasium.envs.registration import registry  # noqa: PLC0415 - see _register

    for name in ("task", "config", "env", "vector_env"):
        target = getattr(spec, name)
        if isinstance(target, str) and not re.fullmatch(r"[\w.]+:\w+", target):
            raise ValueError(f'spec: {name} must be a class or "module:Class", got {target!r}')
    if spec.env_id in _SPECS or spec.env_id in registry:
        raise ValueError(f"spec: env_id must be a new one, got {spec.env_id!r}, which is registered")
    _register(spec)
    _SPECS[spec.env_id] = spec


def register_envs() -> None:
    """Register every id that is not registered yet. (Also gymnasium 0.29's plugin entry point: it may run before our own import.)"""
    for spec in _SPECS.values():
        _register(spec)


def _register(spec: TaskSpec) -> None:
    # As a plugin this runs while gymnasium itself is being imported: the package has no `registry` yet, this module of it has.
    from gymnasium.envs.registration import register, registry  # noqa: PLC0415

    if spec.env_id not in registry:
        # Strings, so that a spec can be written as JSON, and one for each id: 0.29's make_vec passes on no arguments, not even the id.
        register(
            spec.env_id,
            entry_point=spec.env if isinstance(spec.env, str) else f"gym_causal.entry_points:env/{spec.env_id}",
            vector_entry_point=f"gym_causal.entry_points:vector_env/{spec.env_id}",
        )


def _gymnasium_spec(env_id: str) -> Any:
    """Gymnasium's own spec of "Name-v0" or "module:Name-v0", which imports the module; None if there is none."""
    from gymnasium.envs.registration import registry  # noqa: PLC0415

    module, _, name = env_id.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # the module exists, and something that it imports does not
            return None
    return registry.get(name)


def make_vec(env_id: str, num_envs: int = 1, **kwargs: Any) -> Any:
    """The native batched vector env of an id.

    :func:`gymnasium.make_vec` finds it too, but under another name in every version, and 0.29 drops its arguments.

    Args:
        env_id: a registered id, "CausalDAG-v0" or "gym_causal:CausalDAG-v0". Of any other id that Gymnasium knows, the envs are
            stepped one after the other.
        num_envs: how many episodes at once.
        kwargs: the arguments of the env, and those of :class:`~gym_causal.core.vector_env.TaskVectorEnv`: ``explanation_text``,
            ``autoreset_mode``, ``render_mode`` and ``flatten``.

    Raises:
        ValueError: an unknown id, or an argument out of range.
        TypeError: an unknown argument; the message names the nearest one and lists all.
    """
    from gym_causal.entry_points import make_vector_env  # noqa: PLC0415 - it imports this module

    spec = task_spec(env_id)
    venv = make_vector_env(env_id=spec.env_id, num_envs=num_envs, **kwargs)
    venv.spec = _gymnasium_spec(spec.env_id)
    return venv
