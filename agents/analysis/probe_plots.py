"""Figures of the probe, drawn from its rows (agents.analysis.probe)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from agents.analysis.panels import add_legend, label_axes, make_panels


def probe_curves(probes: Mapping[str, pd.DataFrame], color: str) -> Figure:
    """Reactions to evidence on every pair of variables: a panel for each agent, the held-out pair in colour.

    A reaction is the preference minus the preference without added evidence, so all lines start at zero.

    Args:
        probes: agent -> the rows of its probe; rows of several seeds are averaged.
        color: of the held-out pair.
    """
    figure, panels = make_panels(list(probes))
    for axes, probe in zip(panels, probes.values(), strict=True):
        pairs = probe.pivot_table("response", ["held_out", "cause", "goal"], "delta")
        reactions = pairs.sub(pairs.iloc[:, 0], axis=0)
        for (held_out, cause, goal), reaction in reactions.iterrows():  # the held-out pair comes last and is drawn on top
            label = f"held-out pair, {cause} → {goal}" if held_out else "other pairs"
            axes.plot(reaction.index, reaction, color=color if held_out else "0.6", linewidth=2.2 if held_out else 0.7, label=label)
        axes.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    add_legend(figure, panels[0])
    label_axes(
        figure, panels, "how much more the goal rose when the cause was set", "change of the preference\nfor setting the cause (logits)"
    )
    return figure


def probe_slopes(probes: Mapping[str, pd.DataFrame]) -> Figure:
    """Slopes of the reactions as a heat map for each agent, as a fraction of the mean over pairs that were not held out.

    Args:
        probes: as in :func:`probe_curves`.
    """
    figure, panels = make_panels(list(probes), share_x=False)
    for axes, probe in zip(panels, probes.values(), strict=True):
        slopes = probe.pivot_table("slope", "cause", "goal")
        pairs = probe.groupby(["held_out", "cause", "goal"])["slope"].mean()
        fraction = slopes / pairs[~pairs.index.get_level_values("held_out")].mean()
        image = axes.imshow(fraction, vmin=0, vmax=1.5, cmap="cividis")
        for (i, j), value in np.ndenumerate(fraction.to_numpy()):
            if not np.isnan(value) and len(slopes) <= 6:  # more do not fit
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="white" if value < 0.9 else "black")
        for _, cause, goal in (index for index in pairs.index if index[0]):
            place = slopes.columns.get_loc(goal) - 0.5, slopes.index.get_loc(cause) - 0.5
            axes.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor="red", linewidth=2))
        axes.set_xticks(range(len(slopes.columns)), slopes.columns)
        axes.set_yticks(range(len(slopes.index)), slopes.index)
    figure.colorbar(image, ax=panels, label="slope / mean of trained pairs")
    label_axes(figure, panels, "goal", "cause")
    return figure
