"""Figures of what agents learn, from tidy rows alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

METRIC = "normalized_reward"
_COLUMNS = 4  # of panels, at most


def learning_curves(histories: Mapping[str, pd.DataFrame], palette: Sequence[str], metric: str = METRIC) -> Figure:
    """A panel for each agent: a metric of its active evaluations against the updates made, a line for each split.

    Args:
        histories: agent -> its ``learning_curve.csv``; several seeds of one agent, told apart by a column ``seed_of_training``, become
            thin lines around their mean.
        palette: colours of the splits.
        metric: which one.
    """
    figure, panels = _panels(list(histories))
    for axes, history in zip(panels, histories.values(), strict=True):
        rows = history[history["metric"] == metric]
        for color, split in zip(palette, rows["split"].unique(), strict=False):
            curve = rows[rows["split"] == split]
            if "seed_of_training" in curve:
                for _, one in curve.groupby("seed_of_training"):
                    axes.plot(one["batch"], one["mean"], color=color, linewidth=0.7, alpha=0.5)
            else:
                axes.fill_between(curve["batch"], curve["low"], curve["high"], color=color, alpha=0.2, linewidth=0)
            mean = curve.groupby("batch")["mean"].mean()
            axes.plot(mean.index, mean, color=color, marker="o", markersize=3, label=split)
        axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle="--")
        axes.set_ylim(0, 1.05)
    _legend(figure, panels[0])
    _label(figure, panels, "updates", metric.replace("_", " "))
    return figure


def final_rewards(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str], metric: str = METRIC) -> Figure:
    """Bars of a metric, a group for each variation and a colour for each split: means over seeds, their intervals, and seeds as dots.

    Args:
        results: tidy rows with ``seed_of_training``.
        summary: of them, with ``mean``, ``low`` and ``high`` over seeds.
        palette: colours of the splits.
        metric: which one.
    """
    results, summary = (rows[rows["metric"] == metric] for rows in (results, summary))
    figure, axes = _bars_beside_a_line(results, summary, "split", palette, 1.0)
    axes.set_ylim(min(0.0, results["mean"].min() - 0.05), 1.05)
    axes.set_ylabel("reward as a fraction of the optimal" if metric == METRIC else metric.replace("_", " "))
    _legend(figure, axes)
    return figure


def choices(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]) -> Figure:
    """Bars of what agents sample_actions in deconfounded rooms, a group for each variation and a colour for each attribute.

    Args:
        results: as in :func:`final_rewards`.
        summary: likewise.
        palette: colours of the attributes.
    """
    results, summary = (rows[rows["metric"].str.startswith("choice_")] for rows in (results, summary))
    results, summary = (rows.assign(choice=rows["metric"].str.removeprefix("choice_")) for rows in (results, summary))
    figure, axes = _bars_beside_a_line(results, summary, "choice", palette, 0.25)
    axes.set_ylim(0, 1.0)
    axes.set_ylabel("share of touched objects in deconfounded rooms\nthat are odd in ... (dashed: by chance)")
    _legend(figure, axes)
    return figure


def explained(results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]) -> Figure:
    """A panel for each kind of explanation: the share that is predicted right, a group for each variation and a colour for each split.

    Args:
        results: as in :func:`final_rewards`.
        summary: likewise.
        palette: colours of the splits.
    """
    metrics = [metric for metric in summary["metric"].unique() if metric.startswith("explained_")]
    variations = summary[summary["metric"].isin(metrics)]["policy"].unique()
    figure, panels = _panels([metric.removeprefix("explained_") for metric in metrics], panel_width=max(3.0, 0.8 * len(variations)))
    for axes, metric in zip(panels, metrics, strict=True):
        shown = summary[(summary["metric"] == metric) & summary["policy"].isin(variations)]
        _grouped_bars(axes, results[results["metric"] == metric], shown, "split", palette, variations)
        axes.set_ylim(0, 1.05)
    _legend(figure, panels[0])
    _label(figure, panels, "", "share that is predicted right")
    return figure


def by_demonstrations(
    results: pd.DataFrame, numbers: Mapping[str, int], palette: Sequence[str], metrics: Sequence[tuple[str, str]]
) -> Figure:
    """A panel for each metric: against the number of demonstrations, a line for each kind of agent.

    Args:
        results: tidy rows with ``seed_of_training``, of variations called KIND_NUMBER.
        numbers: variation -> demonstrations that it was trained on.
        palette: colours of the kinds.
        metrics: and on which split.
    """
    figure, panels = _panels([f"{metric}, {split}" for metric, split in metrics])
    kinds = list(dict.fromkeys(variation.rpartition("_")[0] for variation in numbers))
    for axes, (metric, split) in zip(panels, metrics, strict=True):
        rows = results[(results["metric"] == metric) & (results["split"] == split)]
        for color, kind in zip(palette, kinds, strict=False):
            those = rows[rows["policy"].isin([name for name in numbers if name.rpartition("_")[0] == kind])]
            those = those.assign(number=those["policy"].map(numbers)).sort_values("number")
            axes.scatter(those["number"], those["mean"], s=10, color=color, alpha=0.5)
            mean = those.groupby("number")["mean"].mean()
            axes.plot(mean.index, mean, color=color, marker="o", markersize=3, label=kind)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.05)
    _legend(figure, panels[0])
    _label(figure, panels, "demonstrations", "")
    return figure


def _bars_beside_a_line(
    results: pd.DataFrame, summary: pd.DataFrame, series: str, palette: Sequence[str], line: float
) -> tuple[Figure, Axes]:
    """A figure of nothing but grouped bars, with a dashed line at a height to compare them with."""
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
    """Means over seeds with their intervals, and seeds as dots: a group for each variation, a colour for each value of ``series``."""
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
            # Side by side, in the order of the seeds: equal ones would hide each other.
            spread = (np.arange(len(seeds)) - (len(seeds) - 1) / 2) * width * 0.6 / max(len(seeds), 1)
            axes.scatter(left + spread, seeds, s=9, color="white", edgecolors="black", linewidths=0.6, zorder=3)
    axes.set_xticks(range(len(variations)), [variation.replace("_", "\n") for variation in variations])
    axes.spines[["top", "right"]].set_visible(False)


def probe_curves(probes: Mapping[str, pd.DataFrame], color: str) -> Figure:
    """A panel for each agent: its reaction to evidence on every pair of variables, the held-out pair's in colour.

    A reaction is the preference's change from no added evidence, so that slopes can be compared at a glance.

    Args:
        probes: agent -> the rows of its probe; those of several seeds, told apart by ``seed_of_training``, are averaged.
        color: of the held-out pair.
    """
    figure, panels = _panels(list(probes))
    for axes, probe in zip(panels, probes.values(), strict=True):
        pairs = probe.pivot_table("response", ["held_out", "cause", "goal"], "delta")
        reactions = pairs.sub(pairs.iloc[:, 0], axis=0)
        for (held_out, cause, goal), reaction in reactions.iterrows():  # held-out ones come last, on top
            label = f"held-out pair, {cause} → {goal}" if held_out else "other pairs"
            axes.plot(reaction.index, reaction, color=color if held_out else "0.6", linewidth=2.2 if held_out else 0.7, label=label)
        axes.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    _legend(figure, panels[0])
    _label(figure, panels, "how much more the goal rose when the cause was set", "change of the preference\nfor setting the cause (logits)")
    return figure


def probe_slopes(probes: Mapping[str, pd.DataFrame]) -> Figure:
    """A map for each agent: the slope of its reaction to evidence on each pair, as a fraction of the trained pairs' mean.

    Args:
        probes: as in :func:`probe_curves`.
    """
    figure, panels = _panels(list(probes), share_x=False)
    for axes, probe in zip(panels, probes.values(), strict=True):
        slopes = probe.pivot_table("slope", "cause", "goal")
        pairs = probe.groupby(["held_out", "cause", "goal"])["slope"].mean()
        fraction = slopes / pairs[~pairs.index.get_level_values("held_out")].mean()
        image = axes.imshow(fraction, vmin=0, vmax=1.5, cmap="cividis")
        for (i, j), value in np.ndenumerate(fraction.to_numpy()):
            if not np.isnan(value) and len(slopes) <= 6:  # else there is no room
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="white" if value < 0.9 else "black")
        for _, cause, goal in (index for index in pairs.index if index[0]):
            place = slopes.columns.get_loc(goal) - 0.5, slopes.index.get_loc(cause) - 0.5
            axes.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor="red", linewidth=2))
        axes.set_xticks(range(len(slopes.columns)), slopes.columns)
        axes.set_yticks(range(len(slopes.index)), slopes.index)
    figure.colorbar(image, ax=panels, label="slope / mean of trained pairs")
    _label(figure, panels, "goal", "cause")
    return figure


def _panels(titles: Sequence[str], *, share_x: bool = True, panel_width: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A grid of as many panels as there are titles, filled row by row."""
    columns = min(len(titles), _COLUMNS)
    rows = math.ceil(len(titles) / columns)
    figure = Figure(figsize=(1.4 + panel_width * columns, 0.8 + 2.6 * rows), layout="constrained", dpi=150)
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_x, squeeze=False).ravel()
    for axes, title in zip(grid, titles, strict=False):
        axes.set_title(title.replace("_", " "), fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(titles) :]:
        axes.remove()
    for axes in grid[max(0, len(titles) - columns) : len(titles)]:
        axes.tick_params(labelbottom=True)  # the lowest of its column, though perhaps not of the grid
    return figure, list(grid[: len(titles)])


def _label(figure: Figure, panels: Sequence[Axes], x: str, y: str) -> None:
    """Axis labels: each panel's own if there is one, else the figure's."""
    if len(panels) == 1:
        panels[0].set_xlabel(x)
        panels[0].set_ylabel(y)
    else:
        figure.supxlabel(x, fontsize=10)
        figure.supylabel(y, fontsize=10)


def _legend(figure: Figure, axes: Axes) -> None:
    """One legend for all panels, above them: they have the same lines."""
    labels = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # each label once
    figure.legend(labels.values(), labels.keys(), frameon=False, ncols=len(labels), loc="outside upper center")
