"""The protocol of docs/benchmark.md, as data: what every submission has in common."""

from __future__ import annotations

from typing import Any

from gym_causal.registry import make_task, task_spec

FORMAT = "gym_causal submission 1"
ENV_IDS = ("CausalDAG-v0", "CausalDAGCued-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0")
"""The envs with held-out splits, with their default arguments."""
NUM_EPISODES = 2_000
"""Of each split."""
EPISODES_SEED = 0
"""Of the evaluated episodes, in the evaluation domain."""
TRAINING_SEEDS = (0, 1, 2, 3, 4)
TRACKS = ("passive", "active", "untrained")
"""Learns from recordings alone; learns from reward (too); does not learn, or knows what is hidden."""
UNTRAINED = "untrained"

_BEST_EXPERT: dict[str, dict[str, Any]] = {"OddOneOutIntervention-v0": {"expert": "oracle"}}
"""Arguments under which an env's expert also knows what has to be found out: nobody earns more."""


ALWAYS_MEASURED = ("reward", "normalized_reward")
"""Metrics that every policy has; others may have nothing to count."""


def metrics(env_id: str) -> tuple[str, ...]:
    """What is reported of an env."""
    return ("reward", *task_spec(env_id).metrics)


def metric_range(metric: str) -> tuple[float, float]:
    """The lowest and the highest value that a metric can have, in theory."""
    if metric == "reward":
        return -float("inf"), float("inf")
    return (-float("inf"), 1.0) if metric == "normalized_reward" else (0.0, 1.0)


def explanation_modes(env_id: str) -> tuple[str, ...]:
    """The explanations of an env that a method may learn from."""
    return tuple(make_task(env_id, 1).explanations.modes)


def references(env_id: str) -> dict[str, dict[str, Any]]:
    """Reference policy -> the arguments of the env with which it is played."""
    compact = dict(task_spec(env_id).compact_kwargs)
    return {"expert": {**compact, **_BEST_EXPERT.get(env_id, {})}, "random": compact}
