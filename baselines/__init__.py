"""Strategies that a learned agent is compared with: they see observations and nothing else.

``baselines.make(name, env_id)`` gives a policy; ``python -m baselines.compare`` evaluates them all.
"""

from baselines.causal_dag.policies import RandomStrategy, StrategyPolicy
from baselines.registry import SUITES, make

__all__ = ["SUITES", "RandomStrategy", "StrategyPolicy", "make"]
