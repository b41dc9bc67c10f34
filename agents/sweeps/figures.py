"""Which figures a study has: those that its metrics and files allow."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from agents.algorithms.learning_curve import HISTORY
from agents.analysis import plots, probe_plots
from agents.sweeps.runs import PROBE, Run
from agents.sweeps.study import HELD_OUT_RATIO, Study
from agents.sweeps.tables import at_levels, combine_file, shown_bounds


def study_figures(
    study: Study, runs: Sequence[Run], results: pd.DataFrame, curves: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]
) -> dict[str, Figure]:
    """File name -> figure, each as PNG and as SVG.

    Args:
        study: whose runs they are.
        runs: the finished ones.
        results: their tidy rows with ``seed_of_training``.
        curves: their learning curves (:func:`agents.sweeps.tables.learning_curves`).
        summary: of them, over seeds.
        palette: colours.
    """
    summary = shown_bounds(summary)
    figures = {
        "learning_curves": plots.learning_curves(combine_file(runs, HISTORY), palette),
        "rewards": plots.final_rewards(results, summary, palette, study.metric),
    }
    if len({variation.algorithm for variation in study.variations}) > 1:
        figures["episodes_seen"] = plots.against_episodes(curves, palette, study.metric)
    if results["metric"].str.startswith("choice_").any():
        figures["choices"] = plots.choices(results, summary, palette)
    if results["metric"].str.startswith("explained_").any():
        figures["explained"] = plots.explained(results, summary, palette)
    figures |= quantity_figures(study, results, summary, palette)
    if probes := combine_file(runs, PROBE):
        figures["probe"] = probe_plots.probe_curves(probes, palette[5])
        figures["probe_slopes"] = probe_plots.probe_slopes(probes)
    return {f"{name}{suffix}": figure for name, figure in figures.items() for suffix in (".png", ".svg")}


def quantity_figures(study: Study, results: pd.DataFrame, summary: pd.DataFrame, palette: Sequence[str]) -> dict[str, Figure]:
    """Name -> figure of the metrics against a quantity, for each quantity of which variations have several values.

    Args:
        study: whose variations they are.
        results: tidy rows with ``seed_of_training``.
        summary: of them, over seeds, with the bounds to show.
        palette: colours.
    """
    leveled_results, leveled_summary = (at_levels(rows, study.variations) for rows in (results, summary))
    metrics = [(column.metric, column.split) for column in study.columns if column.metric != HELD_OUT_RATIO]  # of another scale
    figures = {}
    for quantity, means in leveled_summary.groupby("quantity", sort=False):
        if means["value"].nunique() > 1:
            seeds = leveled_results[leveled_results["quantity"] == quantity]
            figures[str(quantity).replace(" ", "_")] = plots.against_quantity(seeds, means, str(quantity), palette, metrics)
    return figures
