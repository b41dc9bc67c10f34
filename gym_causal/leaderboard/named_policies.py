"""Policies by what a user writes on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gym_causal.extras import needs_extra
from gym_causal.policies import load_policy
from gym_causal.registry import canonical_id, load_target, registered_ids

ACCEPTED = (
    "expert, random, module:name, the name of a strategy of the env, an agent's folder, hf://user/name of an agent, "
    "or the id of an env with a pretrained one"
)


def named_policy(reference: str, env_id: str, **env_kwargs: Any) -> Any:
    """A policy as :func:`gym_causal.evaluate` takes it.

    Args:
        reference: one of ``ACCEPTED``.
        env_id: where it acts.
        env_kwargs: the arguments of that env.

    Raises:
        ValueError: there is no such policy.
        ExtraNotInstalled: the extra of agents or strategies is missing.
    """
    if reference in ("expert", "random"):
        return reference
    if Path(reference).is_dir() or reference.startswith("hf://") or canonical_id(reference) in registered_ids():
        return _imported("agents:load", "agents")(reference)
    if ":" in reference:
        return load_policy(reference)
    if reference not in (names := _imported("baselines.registry:strategy_names", "baselines")(env_id)):
        raise ValueError(f"policy must be {ACCEPTED} ({', '.join(names)}), got {reference!r}")
    return _imported("baselines.registry:make", "baselines")(reference, env_id, **env_kwargs)


def _imported(target: str, extra: str) -> Any:
    """Of a package that the core does not need: it is imported for a policy that only it has."""
    with needs_extra("this policy", extra):
        return load_target(target)
