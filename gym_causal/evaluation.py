"""Evaluation of a policy: every metric is a ratio of sums over episodes, with a bootstrap interval over episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.core.streams import SeedDomain
from gym_causal.policies import Bindable, Policy, Predictor, bind, name_of
from gym_causal.rollouts import Step, play, seeded_task

NUM_RESAMPLES = 1_000
"""Bootstrap resamples of an interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class EvaluationResult:
    """The result of :func:`evaluate`. Metrics are attributes too: ``result.normalized_reward.mean``, ``.low``, ``.high``."""

    env_id: str
    split: str
    policy: str
    episodes: int
    seed: int
    metrics: dict[str, Estimate]

    def __getattr__(self, name: str) -> Estimate:
        metrics = self.__dict__.get("metrics", {})
        if name in metrics:
            return metrics[name]
        raise AttributeError(f"no metric {name!r}; there are {', '.join(metrics)}")

    def rows(self) -> list[dict[str, Any]]:
        """One tidy row per number, as in ``results.csv``."""
        head = {"env_id": self.env_id, "split": self.split, "policy": self.policy}
        tail = {"episodes": self.episodes, "seed": self.seed}
        return [
            {**head, "metric": metric, "mean": value.mean, "low": value.low, "high": value.high, **tail}
            for metric, value in self.metrics.items()
        ]


def evaluate(
    policy: Policy | Predictor | Bindable | str,
    env_id: str,
    *,
    split: str = "train",
    num_episodes: int = 2_000,
    seed: int = 0,
    references: Mapping[str, Policy | Predictor | Bindable | str] | None = None,
    name: str | None = None,
    domain: SeedDomain = SeedDomain.EVALUATION,
    on_step: Callable[[Step], object] | None = None,
    **env_kwargs: Any,
) -> EvaluationResult:
    """Evaluate a policy on exactly episodes 0..num_episodes - 1 of a seed.

    They are drawn from the evaluation domain: disjoint from what ``gym.make`` and :func:`gym_causal.collect` play under any seed.

    Args:
        policy: "expert", "random", a callable with the one policy signature, or an object with stable-baselines3's ``predict``
            (:func:`gym_causal.policies.bind` says how it is called, and how a policy gets action masks). If it has a method
            ``step_scores()``, as a task has, that is called after each step and adds metrics of its own.
        env_id: a registered id, or any other that Gymnasium knows.
        split: a split of that env.
        num_episodes: >= 1.
        seed: >= 0, of the episodes and of "random".
        references: name -> a policy that gets the same observations, and whose actions are not played. Each adds the metric
            ``match_<name>``: the share of choices (in the causal DAG: exploitation trials in which some intervention raises the goal)
            in which the policy took the same action.
        name: of the policy in the result; default: its own name.
        domain: which of the disjoint families of episodes.
        on_step: called with each :class:`~gym_causal.rollouts.Step` that is played.
        env_kwargs: further arguments of the env.

    Returns:
        ``reward`` (the mean undiscounted return of an episode) and the env's own metrics (docs/evaluation.md), each a mean with the
        2.5% and 97.5% quantiles of 1,000 bootstrap resamples of the episodes.
    """
    with closing(seeded_task(env_id, num_episodes, seed, domain, **{"explain": "none", **env_kwargs}, split=split)) as task:
        totals: dict[str, np.ndarray] = {"reward": np.stack([np.zeros(num_episodes), np.ones(num_episodes)])}  # (2, n) each

        def add(metric: str, numerator: np.ndarray, denominator: np.ndarray) -> None:
            total = totals.setdefault(metric, np.zeros((2, num_episodes)))
            # A row plays one episode at a time, so no episode is listed twice.
            total[0, step.episodes[step.valid]] += numerator[step.valid]
            total[1, step.episodes[step.valid]] += denominator[step.valid]

        observers = {key: bind(reference, task, seed) for key, reference in (references or {}).items()}
        player = bind(policy, task, seed)
        own_scores = getattr(player, "step_scores", dict)  # of a policy that has metrics of its own
        for step in play(player, task, num_episodes, observers):
            if on_step is not None:
                on_step(step)
            add("reward", step.rewards, np.zeros(task.num_envs))
            scores = {**task.step_scores(), **own_scores()}
            if taken := {f"match_{key}" for key in observers} & scores.keys():
                raise ValueError(f"references: the env has metrics of its own called {', '.join(sorted(taken))}; choose other names")
            for metric, (numerator, denominator) in scores.items():
                add(metric, numerator, denominator)
            for key, choice in step.observer_actions.items():
                add(f"match_{key}", (step.is_choice & (choice == step.actions)).astype(float), step.is_choice.astype(float))
    intervals = bootstrap(totals, np.random.default_rng(seed))
    return EvaluationResult(env_id, split, name_of(policy) if name is None else name, int(num_episodes), int(seed), intervals)


def resample_counts(num_episodes: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """``NUM_RESAMPLES`` bootstrap resamples (Efron 1979): (num_episodes,) int each, how often every episode is in it."""
    for _ in range(NUM_RESAMPLES):
        yield np.bincount(rng.integers(num_episodes, size=num_episodes), minlength=num_episodes)


def bootstrap(totals: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, Estimate]:
    """Ratios of means with percentile intervals (Efron 1979), all metrics from the same resamples of the episodes.

    Args:
        totals: metric -> (2, n), numerators and denominators of n episodes. A metric whose denominators sum to 0 is NaN.
        rng: source of the resamples.
    """
    metrics = list(totals)
    stacked = np.stack([totals[metric] for metric in metrics])  # (M, 2, n)
    sums = np.stack([stacked @ counts for counts in resample_counts(stacked.shape[2], rng)])  # (R, M, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = sums[..., 0] / sums[..., 1]  # (R, M)
        means = stacked[:, 0].sum(axis=1) / stacked[:, 1].sum(axis=1)
    low, high = np.quantile(resampled, (0.025, 0.975), axis=0)
    return {metric: Estimate(float(means[i]), float(low[i]), float(high[i])) for i, metric in enumerate(metrics)}
