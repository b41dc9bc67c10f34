"""The tables of a study: rows of all its runs, their summary over training seeds, and what each variation is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from scipy import stats

from agents.algorithms.learning_curve import HISTORY, read_history
from agents.data.csv_rows import read_rows
from agents.policies.loading import build_policy
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import PROBE, Run
from agents.sweeps.study import DEMONSTRATED, EXPERT_REWARD, FRACTION_OF_EXPERT, Column, Variation

SUMMARY_COLUMNS = ["env_id", "split", "policy", "metric", "mean", "low", "high", "lowest", "highest", "seeds"]

_NUMBERS = {HISTORY: ("batch", "mean"), PROBE: ("delta", "response", "slope")}
"""CSV of a run -> those of its columns that are numbers."""
_SHARES = rf"^(?:{DEMONSTRATED})?(?:choice|decoded|explained|exploration|match)_|_rate$"
"""The metrics that are shares, from 0 to 1."""
_AT_MOST_ONE = rf"{_SHARES}|normalized_reward$"
_ENOUGH_SEEDS = 5
"""For an interval by Student's t on a page; with two seeds it reaches six times their difference to either side."""


def combine_results(runs: Sequence[Run], variations: Sequence[str]) -> pd.DataFrame:
    """The tidy rows of finished runs, with ``seed_of_training``, in the given order of variations."""
    ordered = sorted(runs, key=lambda run: variations.index(run.variation))
    return pd.concat([run.results() for run in ordered], ignore_index=True)


def combine_file(runs: Sequence[Run], file: str) -> dict[str, pd.DataFrame]:
    """Variation -> the rows of one CSV of all its runs that have it, with ``seed_of_training``."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for run in runs:
        if (run.folder / file).exists():
            numbers = _NUMBERS[file]
            rows = read_rows(run.folder / file, "a table of a run", columns=numbers, numbers=numbers)
            parts.setdefault(run.variation, []).append(rows.assign(seed_of_training=run.config.seed))
    return {variation: pd.concat(rows, ignore_index=True) for variation, rows in parts.items()}


def with_new_runs(earlier: Path, rows: pd.DataFrame, run: Sequence[str] = ("policy", "seed_of_training")) -> pd.DataFrame:
    """Rows of earlier runs and of new ones; a new run replaces an earlier one of the same variation and seed.

    Args:
        earlier: a CSV with the columns ``run``; without one the new rows are all.
        rows: of the new runs, likewise.
        run: the columns that tell runs apart.
    """
    if not earlier.exists():
        return rows
    table = pd.read_csv(earlier)
    kept = ~pd.MultiIndex.from_frame(table[[*run]]).isin(pd.MultiIndex.from_frame(rows[[*run]]))
    return pd.concat([rows, table[kept]], ignore_index=True)


def summarize_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """Over training seeds: the mean, its 95% interval by Student's t (NaN with one seed), and the lowest and highest seed.

    An interval ends where the metric's values do: those of shares at 0 and 1, those of normalized rewards at 1.

    Args:
        results: tidy rows with ``seed_of_training``.

    Returns:
        A row (``SUMMARY_COLUMNS``) for each policy, split and metric.
    """
    groups = results.groupby(["env_id", "split", "policy", "metric"], sort=False)["mean"]
    summary = groups.agg(mean="mean", spread="std", lowest="min", highest="max", seeds="count").reset_index()
    # The interval is about the mean over all possible training seeds; the intervals in ``results`` are over episodes of one seed.
    half = stats.t.ppf(0.975, summary["seeds"] - 1) * summary["spread"] / np.sqrt(summary["seeds"])
    low, high, metric = summary["mean"] - half, summary["mean"] + half, summary["metric"].str
    low = low.mask(metric.contains(_SHARES), low.clip(lower=0))
    high = high.mask(metric.contains(_AT_MOST_ONE), high.clip(upper=1))
    return summary.assign(low=low, high=high)[SUMMARY_COLUMNS]


def shown_bounds(summary: pd.DataFrame) -> pd.DataFrame:
    """A summary with the bounds that are shown: with two to four seeds the lowest and the highest, as Student's interval says little then.

    Args:
        summary: see :func:`summarize_seeds`.
    """
    few = (summary["seeds"] > 1) & (summary["seeds"] < _ENOUGH_SEEDS)
    return summary.assign(low=summary["low"].mask(few, summary["lowest"]), high=summary["high"].mask(few, summary["highest"]))


def at_levels(rows: pd.DataFrame, variations: Sequence[Variation]) -> pd.DataFrame:
    """The rows of variations that have levels, once for each level, with its ``quantity``, ``value`` and ``line``.

    Args:
        rows: of a table with the column ``policy``, the variation's name.
        variations: of the study.
    """
    levels = pd.DataFrame(
        [(variation.name, level.quantity, level.value, level.line) for variation in variations for level in variation.levels],
        columns=["policy", "quantity", "value", "line"],
    )
    return levels.merge(rows, on="policy")


def learning_curves(runs: Sequence[Run]) -> pd.DataFrame:
    """The learning curves of finished runs, one row per number, with ``seed_of_training`` and the number of ``episodes_seen``.

    Beside the metrics that were evaluated during training there is ``fraction_of_expert``: the return divided by the expert's in the final
    evaluation. (Both are means over many episodes, but not over the same ones.)
    """
    tables = []
    for run in runs:
        history = read_history(run.folder / HISTORY).assign(policy=run.variation, seed_of_training=run.config.seed)
        watched = 0 if run.watched is None else run.watched.num_episodes
        history["episodes_seen"] = watched + history["batch"] * run.config.episodes_per_batch
        results = run.results()
        expert = results[results["metric"] == EXPERT_REWARD].set_index("split")["mean"]
        fraction = history[(history["metric"] == "reward") & history["split"].isin(expert.index)].assign(metric=FRACTION_OF_EXPERT)
        fraction[["mean", "low", "high"]] = fraction[["mean", "low", "high"]].div(fraction["split"].map(expert), axis=0)
        tables += [history, fraction]
    return pd.concat(tables, ignore_index=True)


def summary_table(summary: pd.DataFrame, descriptions: Mapping[str, Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    """Variations as rows, with means over seeds, their intervals, and the number of parameters and updates.

    Args:
        summary: see :func:`summarize_seeds`.
        descriptions: see :func:`describe_variations`.
        columns: of the study.
    """
    title = f"{summary['env_id'].iloc[0]} (mean of {summary['seeds'].max()} training seeds, 95% interval)"
    table = Table("variation", title=title)
    for heading in ("parameters", "updates", *(column.title for column in columns)):
        table.add_column(heading, justify="right")

    for variation in summary["policy"].unique():
        counts = (f"{descriptions[variation][name]:,}" for name in ("parameters", "updates"))
        table.add_row(variation, *counts, *_cells(summary, variation, columns))
    return table


def description_table(descriptions: Mapping[str, Mapping[str, Any]]) -> Table:
    """What each variation is (:func:`describe_variations`)."""
    table = Table("variation", "description", title="Variations")
    for variation, about in descriptions.items():
        table.add_row(variation, about["description"])
    return table


def markdown_table(summary: pd.DataFrame, columns: Sequence[Column]) -> str:
    """The same for a Markdown page, with the number of training seeds instead of parameters and updates.

    Brackets hold :func:`shown_bounds`. Columns without numbers are left out.

    Args:
        summary: see :func:`summarize_seeds`.
        columns: of the study.
    """
    variations = summary["policy"].unique()
    summary = shown_bounds(summary)
    cells = {variation: _cells(summary, variation, columns) for variation in variations}
    shown = [index for index in range(len(columns)) if any(row[index] for row in cells.values())]
    seeds = summary.groupby("policy")["seeds"].max()
    rows = [["Variation", "seeds", *(columns[index].title for index in shown)], ["---"] * (2 + len(shown))]
    rows += [[f"`{variation}`", str(seeds[variation]), *(row[index] for index in shown)] for variation, row in cells.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(summary: pd.DataFrame, variation: str, columns: Sequence[Column]) -> list[str]:
    """What a table shows of a variation: mean and interval over training seeds, "" where nothing was measured."""
    rows = summary[summary["policy"] == variation].set_index(["metric", "split"])
    cells = []
    for column in columns:
        if (column.metric, column.split) in rows.index:
            row = rows.loc[column.metric, column.split]
            interval = "" if np.isnan(row["low"]) else f" [{row['low']:.3f}, {row['high']:.3f}]"
            cells.append(f"{row['mean']:.3f}{interval}")
        else:
            cells.append("")
    return cells


def describe_variations(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Variation -> its description, number of parameters and updates, and its configuration without the seed.

    Raises:
        ValueError: an architecture that cannot act in the env.
    """
    return {
        variation.name: {
            "description": variation.description,
            "parameters": sum(parameter.numel() for parameter in build_policy(config).parameters()),
            "updates": config.training.num_batches,
            "config": {key: value for key, value in config.to_json().items() if key != "seed"},
        }
        for variation, config in recipe.configs()
        if config.seed == recipe.first_seed
    }
