"""Checks of arguments. Every message names the argument, what is accepted and what came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def check_one_of(name: str, value: Any, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(accepted)}, got {value!r}")


def check_integer(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an int from {low} to {high}, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be an int from {low} to {high}, got {value!r}")


def check_number(name: str, value: Any, low: float, high: float, *, low_included: bool = True) -> None:
    accepted = f"a number {'>=' if low_included else '>'} {low:g}" + (f" and <= {high:g}" if high < math.inf else "")
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be {accepted}, got {value!r}")
    if not (low <= value <= high and math.isfinite(value)) or (value == low and not low_included):
        raise ValueError(f"{name} must be {accepted}, got {value!r}")


def check_pair(name: str, value: Any, low: float, high: float, *, whole: bool) -> None:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise TypeError(f"{name} must be a pair (low, high), got {value!r}")
    for bound in value:
        if whole:
            check_integer(name, bound, int(low), int(high))
        else:
            check_number(name, bound, low, high)
    if value[0] > value[1]:
        raise ValueError(f"{name} must be (low, high) with low <= high, got {value!r}")


def check_names(name: str, value: Any, accepted: tuple[str, ...], count: int | None = None, *, words: str | None = None) -> None:
    """Raise an error unless a value is None, or a tuple or list of different names.

    Args:
        name: of the argument.
        value: that was given.
        accepted: the names that are accepted.
        count: how many there must be; None: one or more.
        words: what the message calls them; None: it lists them.
    """
    if value is None:
        return
    expected = f"None or {count or 'one or more'} different ones of {words or ', '.join(accepted)}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be {expected}, in a tuple or list, got {value!r}")
    if len(value) != (count or max(1, len(value))) or len(set(value)) != len(value) or any(each not in accepted for each in value):
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def checked_actions(name: str, actions: Any, num_envs: int, num_actions: int) -> np.ndarray:
    """The actions as an array (B,) of ints.

    Raises:
        ValueError: they are no B = ``num_envs`` integers in 0..num_actions - 1.
    """
    actions = np.asarray(actions)
    if actions.shape != (num_envs,) or actions.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers of shape {(num_envs,)}, got {actions.dtype} of shape {actions.shape}")
    if actions.min() < 0 or actions.max() >= num_actions:
        raise ValueError(f"{name} must be in 0..{num_actions - 1}, got {actions.min()}..{actions.max()}")
    return actions
