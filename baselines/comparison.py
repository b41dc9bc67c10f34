"""Policies compared in the same episodes: the evaluations, their tables and their figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import gym_causal
from baselines import plots
from baselines.registry import RANDOM, compared_strategies, make, strategy_names
from baselines.report import REPORT
from baselines.results import COLUMNS, save_results
from gym_causal.arguments import check_integer
from gym_causal.policies import Policy, has_expert
from gym_causal.registry import make_task, task_spec

EXPERT = "expert"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Which policies are evaluated on which splits of an env.

    Attributes:
        env_id: a registered id, or one that Gymnasium knows.
        policies: "expert", "random", names of strategies, or those of ``agents``; none named: the expert if there is one, random and
            the env's strategies.
        splits: of the env; none named: those that its results are reported on.
        episodes: of each split. Every policy plays the same ones.
        seed: of episodes and policies.
        env_kwargs: further arguments of the env.
        agents: policies by name, evaluated before the others.
    """

    env_id: str
    policies: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    episodes: int = 2_000
    seed: int = 0
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    agents: Mapping[str, Policy] = field(default_factory=dict)

    @property
    def compared_policies(self) -> tuple[str, ...]:
        """The names of all policies that are compared, each once, in the order of the tables."""
        names = self.policies or (*((EXPERT,) if self._has_expert else ()), *compared_strategies(self.env_id))
        return tuple(dict.fromkeys((*self.agents, *names)))

    @property
    def compared_splits(self) -> tuple[str, ...]:
        """The splits that policies are compared on, each once."""
        return tuple(dict.fromkeys(self.splits)) or task_spec(self.env_id).splits

    def check(self) -> None:
        """Raise a ValueError for an unknown id, policy, split or env argument, before anything is played."""
        check_integer("episodes", self.episodes, 1, 10**9)
        check_integer("seed", self.seed, 0, 2**32 - 1)
        try:
            for split in self.compared_splits:
                make_task(self.env_id, 1, split=split, **self.env_kwargs)
        except TypeError as error:
            raise ValueError(str(error)) from error
        for name in self.compared_policies:
            self._policy(name, self.seed)
        if EXPERT in self.policies and not self._has_expert:
            raise ValueError(f"policies must be policies of {self.env_id}, got 'expert', which it does not have")

    def evaluate(self) -> Iterator[pd.DataFrame]:
        """Evaluate every policy on every split.

        Each result also has the strategy match: how often a policy makes the choice that each of the env's strategies would make.

        Yields:
            The tidy rows of one policy on one split (``COLUMNS``), split by split.
        """
        references = [name for name in compared_strategies(self.env_id) if name != RANDOM]
        for split in self.compared_splits:
            for name in self.compared_policies:
                result = gym_causal.evaluate(
                    self._policy(name, self.seed),
                    self.env_id,
                    split=split,
                    num_episodes=self.episodes,
                    seed=self.seed,
                    # Ties are broken by numbers of their own: agreement by the same seed would mean nothing.
                    references={reference: self._policy(reference, self.seed + 1) for reference in references},
                    name=name,
                    **self.env_kwargs,
                )
                yield pd.DataFrame(result.rows(), columns=COLUMNS)

    @cached_property
    def _has_expert(self) -> bool:
        return has_expert(make_task(self.env_id, 1, split=self.compared_splits[0], **self.env_kwargs))

    def _policy(self, name: str, seed: int) -> Policy | str:
        """A policy by name."""
        if name in self.agents:
            return self.agents[name]
        if name == EXPERT or (name == RANDOM and RANDOM not in strategy_names(self.env_id)):
            return name  # evaluate() binds it to the task
        return make(name, self.env_id, seed, **self.env_kwargs)


def results_table(results: pd.DataFrame, metric: str = "normalized_reward") -> Table:
    """Policies as rows, splits as columns, means with their 95% intervals."""
    results = results[results["metric"] == metric]
    cells = results.set_index(["policy", "split"])
    table = Table(title=f"{metric} in {results['env_id'].iloc[0]} (mean, 95% interval)")
    table.add_column("policy")
    splits = results["split"].unique()
    for split in splits:
        table.add_column(split, justify="right")
    for policy in results["policy"].unique():
        found = [cells.loc[(policy, split)] if (policy, split) in cells.index else None for split in splits]
        table.add_row(policy, *("" if cell is None else f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]" for cell in found))
    return table


def run_comparison(
    out: Path, comparison: Comparison, arguments: Mapping[str, Any], command: str = "baselines.comparison.run_comparison"
) -> pd.DataFrame:
    """Evaluate with a progress bar, print the tables, and save results and figures.

    Args:
        out: folder for results.csv, results.json, report.html, figure.png, figure.svg and, where the env has strategies,
            strategy_match.png.
        comparison: what to evaluate.
        arguments: of the command, for results.json and the report.
        command: its name, or that of the function, for the report.

    Returns:
        All tidy rows.

    Raises:
        ValueError: see :meth:`Comparison.check`. Nothing is written then.
        OSError: the folder cannot be made. Nothing is played then.
    """
    comparison.check()
    out.mkdir(parents=True, exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 120)  # a log has no width of its own
    policies, splits = comparison.compared_policies, comparison.compared_splits
    if not comparison.policies and EXPERT not in policies:
        console.print(f"{comparison.env_id} has no expert; the comparison leaves it out.")
    parts = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(comparison.env_id, total=len(policies) * len(splits))
        for part in comparison.evaluate():
            parts.append(part)
            progress.update(bar, advance=1, description=f"{part['policy'][0]} on {part['split'][0]}")
    results = pd.concat(parts, ignore_index=True)
    metrics = [metric for metric in task_spec(comparison.env_id).metrics if metric in set(results["metric"])] or ["reward"]
    tables = [results_table(results, metric) for metric in metrics]
    console.print(*tables, sep="\n")
    rewards = plots.reward_figure(results, metrics[0])
    figures = {"figure.png": rewards, "figure.svg": rewards}
    if results["metric"].str.startswith("match_").any():
        figures["strategy_match.png"] = plots.match_figure(results)
    packages = ("gymnasium", "numpy", "scipy")
    save_results(out, results, arguments, command=command, packages=packages, figures=figures, printed=tables)
    console.print(f"Wrote {', '.join((str(out / 'results.csv'), 'results.json', REPORT, *figures))}")
    return results
