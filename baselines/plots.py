"""The two figures of a comparison, drawn from its tidy rows alone."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

# Okabe and Ito (2008): also distinct for colour-blind readers.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")

matplotlib.rcParams["svg.hashsalt"] = "gym_causal"  # the same results give the same file


def reward_figure(results: pd.DataFrame, metric: str = "normalized_reward") -> Figure:
    """Bars of a metric with 95% intervals: a group for each policy, a colour for each split."""
    policies, splits = results["policy"].unique(), results["split"].unique()
    figure = Figure(figsize=(max(6.0, 1.3 * len(policies)), 4.2), layout="constrained", dpi=150)
    axes = figure.subplots()
    width = 0.8 / len(splits)
    place = np.arange(len(policies))
    for k, split in enumerate(splits):
        mean, low, high = (_grid(results, metric, policies, split, column) for column in ("mean", "low", "high"))
        axes.bar(
            place + (k - (len(splits) - 1) / 2) * width,
            mean,
            width * 0.92,
            yerr=np.abs([mean - low, high - mean]),
            capsize=2,
            color=PALETTE[k % len(PALETTE)],
            error_kw={"linewidth": 1},
            label=split,
        )
    if metric == "normalized_reward":
        axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle="--")
    axes.set_xticks(place, [_label(policy) for policy in policies])
    axes.set_ylabel("reward as a fraction of the optimal" if metric == "normalized_reward" else _label(metric).replace("\n", " "))
    axes.set_title(_title(results))
    axes.legend(title="split", frameon=False, ncols=len(splits), loc="lower center", bbox_to_anchor=(0.5, 1.06))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def match_figure(results: pd.DataFrame) -> Figure:
    """Strategy match as a heat map for each split: the share of a policy's choices that each strategy would make from the same data."""
    policies, splits = results["policy"].unique(), results["split"].unique()
    columns = [metric for metric in results["metric"].unique() if metric.startswith("match_")]
    columns.sort(key=lambda metric: metric == "match_optimum")  # the optimum comes last
    height = 1.6 + 0.45 * len(policies)
    figure = Figure(figsize=(1.8 + 0.62 * len(columns) * len(splits), height), layout="constrained", dpi=150)
    grid = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for axes, split in zip(grid, splits, strict=True):
        rates = np.stack([_grid(results, column, policies, split, "mean") for column in columns], axis=1)
        image = axes.imshow(rates, vmin=0, vmax=1, cmap="cividis", aspect="auto")
        for (i, j), rate in np.ndenumerate(rates):
            axes.text(j, i, f"{rate:.2f}", ha="center", va="center", fontsize=7, color="white" if rate < 0.6 else "black")
        labels = [_label(column.removeprefix("match_")).replace("\n", " ") for column in columns]
        axes.set_xticks(range(len(columns)), labels, rotation=45, ha="right")
        axes.set_yticks(range(len(policies)), [_label(policy).replace("\n", " ") for policy in policies])
        axes.set_title(split)
        axes.set_xlabel("choice of")
    grid[0].set_ylabel("policy")
    figure.colorbar(image, ax=list(grid), label="share of choices that agree")
    figure.suptitle(f"Strategy match: {_title(results)}")
    return figure


def _grid(results: pd.DataFrame, metric: str, policies: np.ndarray, split: str, column: str) -> np.ndarray:
    """(policies,) float; one column of a metric on a split, NaN for a policy without it."""
    rows = results[(results["metric"] == metric) & (results["split"] == split)].set_index("policy")[column]
    return rows.reindex(policies).to_numpy(float)


def _label(name: str) -> str:
    return name.replace("_", " ").replace(" correlation", "\ncorrelation").replace(" without", "\nwithout")


def _title(results: pd.DataFrame) -> str:
    return f"{results['env_id'].iloc[0]}, {results['episodes'].iloc[0]:,} episodes a split"
