"""Figures of what agents learn, from tidy rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

METRIC = "normalized_reward"


def learning_curves(histories: Mapping[str, pd.DataFrame], palette: Sequence[str], metric: str = METRIC) -> Figure:
    """A panel for each agent: a metric of its active evaluations against the updates made, a line for each split.

    Args:
        histories: agent -> its ``learning_curve.csv``; several seeds of one agent, told apart by a column ``seed_of_training``, become
            thin lines around their mean.
        palette: colours of the splits.
        metric: which one.
    """
    figure = Figure(figsize=(1.2 + 3.6 * len(histories), 3.8), layout="constrained", dpi=150)
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
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
        axes.set_title(name)
        axes.set_xlabel("updates")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(metric.replace("_", " "))
    panels[-1].legend(title="split", frameon=False, loc="lower right")
    return figure
