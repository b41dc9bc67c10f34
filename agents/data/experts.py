"""Who demonstrates: a task's own expert, or a policy of one's own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any


def load_expert(reference: str | None) -> Any:
    """The policy whose actions are cloned, as :func:`gym_causal.collect` takes it.

    Args:
        reference: "module:name" of a policy: a callable(observations, state, episode_starts), or an object with stable-baselines3's
            ``predict``. A class or function without arguments is called: what it returns is the policy. None: the task's own expert.

    Raises:
        ValueError: there is no such thing.
    """
    if reference is None:
        return "expert"
    module, _, name = reference.partition(":")
    try:
        found = importlib.import_module(module) if module and name else None
    except ImportError as error:
        raise ValueError(f"expert must be module:name of a policy, got {reference!r}: {error}") from error
    if found is None or not hasattr(found, name):
        raise ValueError(f"expert must be module:name of a policy, got {reference!r}" + (f": {module} has no {name}" if found else ""))
    policy = getattr(found, name)
    return policy() if isinstance(policy, type) or (callable(policy) and _takes_nothing(policy)) else policy


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C, without a signature
        return False
