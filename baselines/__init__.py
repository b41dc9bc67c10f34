"""Strategies that a learned agent is compared with: they see observations and nothing else.

``baselines.make(name, env_id)`` returns a policy, and ``baselines.register_strategy`` adds one of your own.
``python -m baselines.compare`` evaluates them all.
"""

from typing import TYPE_CHECKING, Any

from baselines.registry import compared_strategies, make, register_strategy, strategy_names
from gym_causal.extras import needs_extra

if TYPE_CHECKING:
    from baselines.causal_dag.policies import RandomStrategy, StrategyPolicy

__all__ = ["RandomStrategy", "StrategyPolicy", "compared_strategies", "make", "register_strategy", "strategy_names"]


def __getattr__(name: str) -> Any:
    # Late, because they bring scipy, which the commands' --help does without.
    if name in ("RandomStrategy", "StrategyPolicy"):
        with needs_extra(f"baselines.{name}", "baselines"):
            from baselines.causal_dag import policies  # noqa: PLC0415

        return getattr(policies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
