"""Which strategies each environment has, by name: ours and those that other people register."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gym_causal.arguments import check_integer
from gym_causal.extras import needs_extra
from gym_causal.policies import Policy
from gym_causal.registry import argument_names, canonical_id, check_keywords, registered_ids, task_spec

StrategyFactory = Callable[[int, dict[str, Any]], Policy]
"""(seed, the env's keyword arguments) -> policy."""

RANDOM = "random"


@dataclass(frozen=True)
class Strategy:
    """A registered strategy."""

    factory: StrategyFactory
    compared: bool  # whether a comparison includes it unless it is told which policies to compare


# Modules with our own strategies, by id, in STRATEGIES. They are imported when a strategy is first asked for: scipy takes a second.
_MODULES = {
    "CausalDAG-v0": "baselines.causal_dag.policies",
    "CausalDAGCued-v0": "baselines.causal_dag.policies",
    "CausalDAGText-v0": "baselines.causal_dag.policies",
    "OddOneOut-v0": "baselines.odd_one_out.policies",
    "OddOneOutConfounded-v0": "baselines.odd_one_out.policies",
    "OddOneOutIntervention-v0": "baselines.odd_one_out.policies",
    "OddOneOutText-v0": "baselines.odd_one_out_text.policies",
}
# A comparison leaves these out unless they are named.
_VARIANTS = ("total_correlation_without_goal_trial", "partial_correlation_without_goal_trial")
_STRATEGIES: dict[str, dict[str, Strategy]] = {}


def register_strategy(env_id: str, name: str, factory: StrategyFactory, compared: bool = True) -> None:
    """Register a strategy: ``baselines.make`` and ``python -m baselines.compare`` then know its name.

    Args:
        env_id: a registered id, or one that Gymnasium knows.
        name: of the strategy in tables and on the command line.
        factory: called as ``factory(seed, env_kwargs)``; returns the policy.
        compared: whether a comparison includes it unless it is told which policies to compare.

    Raises:
        ValueError: an unknown id, or a name that is taken.
    """
    strategies = _strategies(env_id)
    if name in strategies or name == "expert":
        raise ValueError(f"name must be a new one for {canonical_id(env_id)}, got {name!r}, which is registered")
    strategies[name] = Strategy(factory, compared)


def strategy_names(env_id: str) -> tuple[str, ...]:
    """The names that :func:`make` accepts for an env. ValueError for an unknown id."""
    return tuple(_strategies(env_id))


def compared_strategies(env_id: str) -> tuple[str, ...]:
    """The strategies of an env that a comparison includes by default, "random" first: every env has that one.

    Raises:
        ValueError: an unknown id.
    """
    named = (name for name, strategy in _strategies(env_id).items() if strategy.compared and name != RANDOM)
    return RANDOM, *named


def make(name: str, env_id: str, seed: int = 0, **env_kwargs: Any) -> Policy:
    """A baseline, as a policy.

    Args:
        name: of the strategy. Causal DAGs: random, value, change, total_correlation, partial_correlation, structure, or one of the
            correlations with ``_without_goal_trial`` appended, which ignores the outcome of the trial that set the goal itself. Odd one
            out: random, nearest, color, texture, shape, odd_one_out, and in the intervention task elimination; in words random, win_stay,
            elimination. Also any name that :func:`register_strategy` added.
        env_id: the id of the env that the policy acts in.
        seed: of the policy's own random numbers (order of exploration, ties), >= 0.
        env_kwargs: the arguments that the env is made with. Those that say how the expert explores also apply to the policy.

    Raises:
        ValueError: an unknown name or id, or env arguments that the strategy cannot handle.
        TypeError: an argument that the env does not have.
    """
    check_integer("seed", seed, 0, 2**63 - 1)
    spec, strategies = task_spec(env_id), _strategies(env_id)
    if not strategies:
        raise ValueError(f"env_id must be that of an env with strategies, got {env_id!r}, for which none is registered")
    if name not in strategies:
        raise ValueError(f"name must be one of {', '.join(strategies)}, got {name!r}")
    if spec.env_id in registered_ids():  # the arguments of others are not known
        check_keywords(spec.env_id, env_kwargs, argument_names(spec.env_id))
    return strategies[name].factory(seed, env_kwargs)


def _strategies(env_id: str) -> dict[str, Strategy]:
    """Name -> strategy of an id."""
    name = task_spec(env_id).env_id
    if name not in _STRATEGIES:
        _STRATEGIES[name] = _own_strategies(name)
    return _STRATEGIES[name]


def _own_strategies(env_id: str) -> dict[str, Strategy]:
    """What the modules of this package define for an id."""
    if env_id not in _MODULES:
        return {}
    with needs_extra(f"the strategies of {env_id}", "baselines"):
        factories = importlib.import_module(_MODULES[env_id]).STRATEGIES[env_id]
    return {name: Strategy(factory, compared=name not in _VARIANTS) for name, factory in factories.items()}
