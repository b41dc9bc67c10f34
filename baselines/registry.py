"""Which strategies each env has, by name, and what a comparison of them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from baselines.causal_dag import policies
from baselines.odd_one_out import policies as odd_one_out
from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig
from gym_causal.policies import Policy


@dataclass(frozen=True)
class Suite:
    """The strategies of an env, and what of it a comparison shows unless asked otherwise."""

    strategies: dict[str, Callable[[int, dict[str, Any]], Policy]]  # name -> (seed, env_kwargs) -> policy
    compared: tuple[str, ...]
    splits: tuple[str, ...]
    headlines: tuple[str, ...]  # metrics that are printed; the first is drawn
    has_exploration_sign: bool = False  # whether the env's expert, and so its strategies, can explore with either sign
    env_kwargs: dict[str, Any] = field(default_factory=dict)  # arguments that the env is compared with


def _causal_dag(config_class: type[CausalDAGConfig], *more: str) -> Suite:
    return Suite(
        strategies=policies.strategies(config_class),
        compared=("random", "value", "change", "total_correlation", "partial_correlation", "structure"),
        splits=("train", "eval_target", "eval_path"),
        headlines=("normalized_reward", "optimal_action_rate", *more),
        has_exploration_sign=True,
    )


def _rooms(env_id: str, *more: str) -> Suite:
    strategies = odd_one_out.STRATEGIES[env_id]
    return Suite(
        strategies=strategies,
        compared=tuple(strategies),
        splits=odd_one_out.SPLITS[env_id],
        headlines=("normalized_reward", *more),
        env_kwargs={"observation": "symbolic"},  # the same rooms as pixels show, many times as fast
    )


SUITES: dict[str, Suite] = {
    "CausalDAG-v0": _causal_dag(CausalDAGConfig),
    "CausalDAGCued-v0": _causal_dag(CausalDAGCuedConfig, "exploration_relevance", "exploration_coverage"),
    "OddOneOut-v0": _rooms("OddOneOut-v0"),
    "OddOneOutConfounded-v0": _rooms("OddOneOutConfounded-v0", "choice_color", "choice_texture", "choice_shape", "choice_none"),
    "OddOneOutIntervention-v0": _rooms("OddOneOutIntervention-v0", "test_correct_rate"),
}


def suite(env_id: str) -> Suite:
    """The suite of an env; ValueError for an id that has none."""
    name = env_id.removeprefix("gym_causal:")
    if name not in SUITES:
        raise ValueError(f"env_id must be one of {', '.join(SUITES)}, got {env_id!r}")
    return SUITES[name]


def make(name: str, env_id: str, seed: int = 0, **env_kwargs: Any) -> Policy:
    """A baseline, as a policy.

    Args:
        name: of the strategy. Causal DAGs: random, value, change, total_correlation, partial_correlation, structure, or one of the
            correlations with ``_without_goal_trial`` appended, which ignores the outcome of the trial that set the goal itself. Odd one
            out: random, nearest, color, texture, shape, odd_one_out, and in the intervention task elimination.
        env_id: the id of the env that it is to act in.
        seed: of the policy's own random numbers (order of exploration, ties), >= 0.
        env_kwargs: the arguments that the env is made with; those among them that say how the expert explores are also the policy's.

    Raises:
        ValueError: an unknown name or id, or env arguments that the strategy cannot handle.
    """
    strategies = suite(env_id).strategies
    if name not in strategies:
        raise ValueError(f"name must be one of {', '.join(strategies)}, got {name!r}")
    return strategies[name](seed, env_kwargs)
