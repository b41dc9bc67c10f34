"""Figures of learning curves and of studies, drawn from tidy rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.analysis.panels import add_legend, label_axes, make_panels

METRIC = "normalized_reward"


def learning_curves(histories: Mapping[str, pd.DataFrame], palette: Sequence[str], metric: str = METRIC) -> Figure:
    """A metric against the number of updates: a panel for each agent, a line for each split.

    Args:
        histories: agent -> rows of its ``learning_curve.csv``. With a column ``seed_of_training`` the seeds are thin lines around their
            mean, which is drawn where all of them were evaluated.
        palette: colours of the splits.
        metric: the one to draw.
    """
    figure, panels = make_panels(list(histories))
    for axes, history in zip(panels, histories.values(), strict=True):
        rows = history[history["metric"] == metric]
        for color, split in zip(palette, rows["split"].unique(), strict=False):
            curve = rows[rows["split"] == split]
            if "seed_of_training" in curve:
                for _, one in curve.groupby("seed_of_training"):
                    axes.plot(one["batch"], one["mean"], color=color, linewidth=0.7, alpha=0.5)
            else:
                axes.fill_between(curve["batch"], curve["low"], curve["high"], color=color, alpha=0.2, linewidth=0)
            mean = _where_all_seeds_are(curve, "batch").groupby("batch")["mean"].mean()
            axes.plot(mean.index, mean, color=color, marker="o", markersize=3, label=split)
        if metric == METRIC:  # others have no common scale
            axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle="--")
            axes.set_ylim(0, 1.05)
    add_legend(figure, panels[0])
    label_axes(figure, panels, "updates", metric.replace("_", " "))
    return figure


def against_episodes(curves: pd.DataFrame, palette: Sequence[str], metric: str = METRIC) -> Figure:
    """A metric against the number of episodes seen: a panel for each split, a line for each variation.

    Lines are means over seeds, bands go from the lowest to the highest seed, both where all seeds were evaluated.

    Args:
        curves: tidy rows with ``seed_of_training`` and ``episodes_seen``.
        palette: colours of the variations; they are used again, with dashed lines, where there are more variations.
        metric: the one to draw.
    """
    rows = curves[curves["metric"] == metric]
    splits = list(rows["split"].unique())
    figure, panels = make_panels(splits)
    for axes, split in zip(panels, splits, strict=True):
        of_split = rows[rows["split"] == split]
        for k, variation in enumerate(rows["policy"].unique()):
            color, style = palette[k % len(palette)], "-" if k < len(palette) else "--"
            curve = _where_all_seeds_are(of_split[of_split["policy"] == variation], "episodes_seen")
            seeds = curve.groupby("episodes_seen")["mean"].agg(["mean", "min", "max"])
            axes.plot(seeds.index, seeds["mean"], style, color=color, marker="o", markersize=3, label=variation.replace("_", " "))
            axes.fill_between(seeds.index, seeds["min"], seeds["max"], color=color, alpha=0.2, linewidth=0)
        axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle="--")
        axes.set_ylim(0, 1.05)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    add_legend(figure, panels[0])
    label_axes(figure, panels, "episodes seen", "reward as a fraction of the optimal" if metric == METRIC else metric.replace("_", " "))
    return figure


def _where_all_seeds_are(curve: pd.DataFrame, x: str) -> pd.DataFrame:
    """The rows of one line at places that all its seeds have: a mean over some of them would jump where others join."""
    if "seed_of_training" not in curve:
        return curve
    seeds = curve.groupby(x)["seed_of_training"].transform("nunique")
    return curve[seeds == curve["seed_of_training"].nunique()]


def final_rewards(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str], metric: str = METRIC) -> Figure:
    """Bars of a metric: means over seeds with their intervals, seeds as dots; a group for each variation, a colour for each split.

    Args:
        results: tidy rows with ``seed_of_training``.
        summary: their ``mean``, ``low`` and ``high`` over seeds.
        palette: colours of the splits.
        metric: the one to draw.
    """
    results, summary = (rows[rows["metric"] == metric] for rows in (results, summary))
    figure, axes = _bars_and_line(results, summary, "split", palette, 1.0)
    axes.set_ylim(min(0.0, results["mean"].min() - 0.05), 1.05)
    axes.set_ylabel("reward as a fraction of the optimal" if metric == METRIC else metric.replace("_", " "))
    add_legend(figure, axes)
    return figure


def choices(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]) -> Figure:
    """Bars of which object agents touch in deconfounded rooms: a group for each variation, a colour for each attribute.

    Args:
        results: as in :func:`final_rewards`.
        summary: likewise.
        palette: colours of the attributes.
    """
    results, summary = (rows[rows["metric"].str.startswith("choice_")] for rows in (results, summary))
    results, summary = (rows.assign(choice=rows["metric"].str.removeprefix("choice_")) for rows in (results, summary))
    figure, axes = _bars_and_line(results, summary, "choice", palette, 0.25)
    axes.set_ylim(0, 1.0)
    axes.set_ylabel("share of touched objects in deconfounded rooms\nthat are odd in ... (dashed: by chance)")
    add_legend(figure, axes)
    return figure


def explained(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]) -> Figure:
    """Explanation accuracy: a panel for each of its metrics, a group for each variation, a colour for each split.

    Args:
        results: as in :func:`final_rewards`.
        summary: likewise.
        palette: colours of the splits.
    """
    metrics = [metric for metric in summary["metric"].unique() if metric.startswith("explained_")]
    variations = summary[summary["metric"].isin(metrics)]["policy"].unique()
    figure, panels = make_panels([metric.removeprefix("explained_") for metric in metrics], panel_width=max(3.0, 0.8 * len(variations)))
    for axes, metric in zip(panels, metrics, strict=True):
        shown = summary[(summary["metric"] == metric) & summary["policy"].isin(variations)]
        _grouped_bars(axes, results[results["metric"] == metric], shown, "split", palette, variations)
        axes.set_ylim(0, 1.05)
    add_legend(figure, panels[0])
    label_axes(figure, panels, "", "share predicted correctly")
    return figure


def against_quantity(
    results: pd.DataFrame, summary: pd.DataFrame, quantity: str, palette: Sequence[str], metrics: Sequence[tuple[str, str]]
) -> Figure:
    """Metrics against a quantity in which variations differ: a panel for each metric, a line for each kind of agent.

    Means over seeds with their intervals, seeds as dots. A dashed line is the metric of the demonstrations themselves, if the rows have it.

    Args:
        results: as in :func:`final_rewards`, with the columns ``value``, of the quantity, and ``line``, the kind of agent.
        summary: likewise.
        quantity: label of the axis. Values of at least 1 are counts, on a logarithmic scale.
        palette: colours of the kinds.
        metrics: (metric, split) of each panel.
    """
    figure, panels = make_panels([f"{metric}, {split}" for metric, split in metrics])
    lines = summary["line"].unique()
    for axes, (metric, split) in zip(panels, metrics, strict=True):
        seeds, means, demonstrated = (
            rows[(rows["metric"] == name) & (rows["split"] == split)].sort_values("value")
            for rows, name in ((results, metric), (summary, metric), (summary, f"demonstrated_{metric}"))
        )
        for color, line in zip(palette, lines, strict=False):
            dots, mean = seeds[seeds["line"] == line], means[means["line"] == line]
            axes.scatter(dots["value"], dots["mean"], s=10, color=color, alpha=0.5)
            axes.plot(mean["value"], mean["mean"], color=color, marker="o", markersize=3, label=line)
            axes.fill_between(mean["value"], mean["low"], mean["high"], color=color, alpha=0.2, linewidth=0)
        if len(demonstrated):
            expert = demonstrated.groupby("value")["mean"].mean()
            axes.plot(expert.index, expert, color="0.4", linestyle="--", marker=".", label="demonstrations")
        if results["value"].min() >= 1:
            axes.set_xscale("log")
        axes.set_ylim(0, 1.05)
    add_legend(figure, panels[0])
    label_axes(figure, panels, quantity, "")
    return figure


def _bars_and_line(results: pd.DataFrame, summary: pd.DataFrame, series: str, palette: Sequence[str], line: float) -> tuple[Figure, Axes]:
    """A figure of grouped bars and a dashed line at a height to compare them with."""
    figure = Figure(figsize=(max(6.0, 1.5 * summary["policy"].nunique()), 4.4), layout="constrained", dpi=150)
    axes = figure.subplots()
    _grouped_bars(axes, results, summary, series, palette)
    axes.axhline(line, color="0.4", linewidth=0.8, linestyle="--")
    return figure, axes


def _grouped_bars(
    axes: Axes,
    results: pd.DataFrame,
    summary: pd.DataFrame,
    series: str,
    palette: Sequence[str],
    variations: Sequence[str] | None = None,
) -> None:
    """Means over seeds with their intervals, seeds as dots: a group for each variation, a colour for each value of ``series``."""
    variations = summary["policy"].unique() if variations is None else variations
    kinds = summary[series].unique()
    width = 0.84 / len(kinds)
    for k, kind in enumerate(kinds):
        bars = summary[summary[series] == kind].set_index("policy").reindex(variations)
        place = np.arange(len(variations)) + (k - (len(kinds) - 1) / 2) * width
        axes.bar(place, bars["mean"], width * 0.92, color=palette[k % len(palette)], alpha=0.75, label=kind)
        error = np.abs([bars["mean"] - bars["low"], bars["high"] - bars["mean"]])
        axes.errorbar(place, bars["mean"], error, fmt="none", ecolor="black", elinewidth=1, capsize=2)
        for left, variation in zip(place, variations, strict=True):
            seeds = results[(results[series] == kind) & (results["policy"] == variation)].sort_values("seed_of_training")["mean"]
            # Side by side, in the order of the seeds: dots of equal height would hide each other.
            spread = (np.arange(len(seeds)) - (len(seeds) - 1) / 2) * width * 0.6 / max(len(seeds), 1)
            axes.scatter(left + spread, seeds, s=9, color="white", edgecolors="black", linewidths=0.6, zorder=3)
    axes.set_xticks(range(len(variations)), [variation.replace("_", "\n") for variation in variations])
    axes.spines[["top", "right"]].set_visible(False)
