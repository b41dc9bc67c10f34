"""Agents that learn from demonstrations or from reward, and demonstrations in the formats of other libraries."""

from typing import TYPE_CHECKING, Any

from gym_causal.extras import needs_extra

if TYPE_CHECKING:
    from agents.networks.registry import register_network
    from agents.policies.loading import load
    from agents.policies.sharing import push, save

__all__ = ["load", "push", "register_network", "save"]


def __getattr__(name: str) -> Any:
    # Late, because all bring torch, which the conversions of demonstrations do without.
    if name == "load":
        with needs_extra("agents.load", "agents"):
            from agents.policies.loading import load  # noqa: PLC0415

        return load
    if name in ("push", "save"):
        with needs_extra(f"agents.{name}", "agents"):
            from agents.policies import sharing  # noqa: PLC0415

        return getattr(sharing, name)
    if name == "register_network":
        with needs_extra("agents.register_network", "agents"):
            from agents.networks.registry import register_network  # noqa: PLC0415

        return register_network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
