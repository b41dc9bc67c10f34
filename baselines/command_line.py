"""The arguments of an environment as options of a command: ``--env-kwargs.observation symbolic``."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypedDict

import tyro

from gym_causal.core.task_spec import TaskSpec
from gym_causal.registry import load_target, registered_ids, task_spec

_READABLE = {str, int, float, bool, type(None), tuple, list, Sequence, Ellipsis}


def env_kwargs_type(env_id: str, without: Collection[str] = ()) -> Any:
    """A type from which tyro makes the options for an env's arguments.

    Args:
        env_id: the env.
        without: arguments that get no option.

    Returns:
        A TypedDict with the fields of the task's config class, so that arguments that are not given stay out. For an env that is not
        registered here, whose arguments are not known, ``dict[str, str]``: pairs KEY VALUE; see :func:`from_command_line`.
    """
    spec = _registered_spec(env_id)
    if spec is None:
        return dict[str, str]
    config_class = load_target(spec.config)
    hints = typing.get_type_hints(config_class)
    options = {
        field.name: Annotated[hints[field.name] if _is_readable(hints[field.name]) else str, tyro.conf.arg(help=_help(field))]
        for field in dataclasses.fields(config_class)
        if field.name not in without
    }
    return TypedDict("EnvKwargs", options, total=False)  # type: ignore[operator]


def from_command_line(env_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """An env's arguments from what tyro read: for an env that is not ours, values are read as JSON where they can be."""
    if _registered_spec(env_id) is not None:
        return dict(given)
    return {key: _parsed(value) if isinstance(value, str) else value for key, value in given.items()}


def _registered_spec(env_id: str) -> TaskSpec | None:
    """The spec of a registered task, "module:Name-v0" included; None for any other id, an unknown one included."""
    try:
        spec = task_spec(env_id)
    except ValueError:  # said when the env is made
        return None
    return spec if spec.env_id in registered_ids() else None


def _help(field: dataclasses.Field[Any]) -> str:
    return "" if field.default is dataclasses.MISSING else f"The env's default: {field.default!r}."


def _is_readable(hint: Any) -> bool:
    """Whether tyro can read a type from a command line; a function, say, is given by its name instead."""
    arguments = typing.get_args(hint)
    return all(map(_is_readable, arguments)) if arguments else hint in _READABLE


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
