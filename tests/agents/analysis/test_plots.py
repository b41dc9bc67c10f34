"""What figures of studies show, from rows by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")

from matplotlib.collections import PathCollection

from agents.analysis import plots
from agents.sweeps.tables import summarize_seeds
from baselines.plots import PALETTE


def rows(policy: str, metric: str, split: str, means: list[float]) -> list[dict]:
    """A row for each training seed."""
    head = {"env_id": "OddOneOutConfounded-v0", "split": split, "policy": policy, "metric": metric, "low": 0.0, "high": 1.0}
    return [{**head, "mean": mean, "seed_of_training": seed} for seed, mean in enumerate(means)]


def bars(axes) -> list[float]:
    return [patch.get_height() for patch in axes.patches]


def dots(axes) -> list[list[float]]:
    return [seeds.get_offsets()[:, 1].tolist() for seeds in axes.collections if isinstance(seeds, PathCollection)]


def names(axes) -> list[str]:
    return [label.get_text().replace("\n", "_") for label in axes.get_xticklabels()]


def legend(figure) -> list[str]:
    (shown,) = figure.legends
    return [text.get_text() for text in shown.get_texts()]


def test_choices_have_a_bar_for_each_attribute():
    results = pd.DataFrame(
        rows("none", "choice_color", "eval", [0.2, 0.4])
        + rows("none", "choice_shape", "eval", [0.7, 0.5])
        + rows("shape_only", "choice_color", "eval", [0.0, 0.1])
        + rows("shape_only", "choice_shape", "eval", [1.0, 0.9])
        + rows("shape_only", "normalized_reward", "eval", [0.33, 0.33])
        + rows("shape_only", "explained_shape", "eval", [0.44, 0.44])
    )
    figure = plots.choices(results, summarize_seeds(results), PALETTE)
    (axes,) = figure.axes
    assert bars(axes) == pytest.approx([0.3, 0.05, 0.6, 0.95])
    assert dots(axes) == [[0.2, 0.4], [0.0, 0.1], [0.7, 0.5], [1.0, 0.9]]
    assert names(axes) == ["none", "shape_only"] and legend(figure) == ["color", "shape"]
    chance = [line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert 0.25 in chance


def test_explained_has_a_panel_for_each_kind_and_leaves_out_who_explains_nothing():
    results = pd.DataFrame(
        rows("none", "normalized_reward", "train", [1.0])
        + rows("shape", "explained_statement", "train", [0.9])
        + rows("shape", "explained_statement", "eval", [0.8])
        + rows("shape", "explained_shape", "train", [0.7])
        + rows("color", "explained_statement", "train", [0.6])
        + rows("color", "explained_color", "train", [0.5])
    )
    figure = plots.explained(results, summarize_seeds(results), PALETTE)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert list(panels) == ["statement", "shape", "color"]
    assert all(names(axes) == ["shape", "color"] for axes in panels.values())  # the same places in each
    assert bars(panels["statement"]) == pytest.approx([0.9, 0.6, 0.8, np.nan], nan_ok=True)
    assert bars(panels["shape"]) == pytest.approx([0.7, np.nan], nan_ok=True)
    assert bars(panels["color"]) == pytest.approx([np.nan, 0.5], nan_ok=True)
    assert dots(panels["color"]) == [[], [0.5]] and legend(figure) == ["train", "eval"]


def at(line: str, value: float, table: list[dict]) -> list[dict]:
    """Rows of a variation that has so much of the quantity."""
    return [{**row, "line": line, "value": value} for row in table]


def against(quantity: str, rows_: list[dict], metrics: list[tuple[str, str]]):
    """The figure of rows, and for each panel its lines as label -> (values, means)."""
    results = pd.DataFrame(rows_)
    levels = results[["policy", "line", "value"]].drop_duplicates()
    figure = plots.against_quantity(results, summarize_seeds(results).merge(levels, on="policy"), quantity, PALETTE, metrics)
    lines = [{line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines} for axes in figure.axes]
    return figure, lines


def test_counts_are_on_a_logarithmic_scale_in_whatever_order_rows_come():
    figure, (first, second) = against(
        "demonstrations",
        at("shape", 4_000, rows("b", "choice_shape", "eval", [0.8, 1.0]))
        + at("shape", 1_000, rows("a", "choice_shape", "eval", [0.4]))
        + at("none", 4_000, rows("d", "choice_shape", "eval", [0.3]))
        + at("none", 1_000, rows("c", "choice_shape", "eval", [0.25]) + rows("c", "choice_shape", "train", [0.99]))
        + at("none", 1_000, rows("c", "reward", "train", [0.5])),
        [("choice_shape", "eval"), ("reward", "train")],
    )
    assert [axes.get_title() for axes in figure.axes] == ["choice shape, eval", "reward, train"]
    assert first == {"shape": ([1_000, 4_000], [0.4, pytest.approx(0.9)]), "none": ([1_000, 4_000], [0.25, 0.3])}
    seeds = {tuple(place) for dots in figure.axes[0].collections for place in dots.get_offsets().tolist()}
    assert seeds >= {(4_000, 0.8), (4_000, 1.0), (1_000, 0.4), (4_000, 0.3), (1_000, 0.25)}
    assert second == {"shape": ([], []), "none": ([1_000], [0.5])}
    assert figure.axes[0].get_xscale() == "log" and legend(figure) == ["shape", "none"]


def test_rates_have_intervals_over_seeds_and_the_demonstrations_as_a_line():
    figure, (lines,) = against(
        "error rate",
        at("none", 0.0, rows("a", "reward", "train", [0.8, 1.0]))
        + at("none", 0.5, rows("b", "reward", "train", [0.3, 0.5]) + rows("b", "demonstrated_reward", "train", [0.2, 0.2])),
        [("reward", "train")],
    )
    (axes,) = figure.axes
    assert lines == {"none": ([0, 0.5], pytest.approx([0.9, 0.4])), "demonstrations": ([0.5], pytest.approx([0.2]))}
    assert axes.get_xscale() == "linear" and legend(figure) == ["none", "demonstrations"]
    (band,) = (patch for patch in axes.collections if not isinstance(patch, PathCollection))
    half = 12.706205 * 0.1  # t of one degree of freedom, and the standard error
    ends = band.get_paths()[0].vertices
    assert (ends[:, 1].min(), ends[:, 1].max()) == pytest.approx((0.4 - half, 0.9 + half))


@pytest.mark.parametrize(
    ("metric", "label"), [("normalized_reward", "reward as a fraction of the optimal"), ("fraction_of_expert", "fraction of expert")]
)
def test_final_rewards_are_of_the_metric_asked_for_and_say_so(metric, label):
    results = pd.DataFrame(rows("a", "normalized_reward", "train", [0.4]) + rows("a", "fraction_of_expert", "train", [0.6]))
    (axes,) = plots.final_rewards(results, summarize_seeds(results), PALETTE, metric).axes
    assert bars(axes) == [0.4 if metric == "normalized_reward" else 0.6] and axes.get_ylabel() == label


def test_final_rewards_show_every_seed():
    results = pd.DataFrame(
        rows("a", "normalized_reward", "train", [0.4, 0.6])
        + rows("b", "normalized_reward", "train", [0.9, 0.7])
        + rows("a", "normalized_reward", "eval_path", [0.1, 0.2])
    )
    (axes,) = plots.final_rewards(results, summarize_seeds(results), PALETTE).axes
    assert bars(axes) == pytest.approx([0.5, 0.8, 0.15, np.nan], nan_ok=True)
    assert dots(axes) == [[0.4, 0.6], [0.9, 0.7], [0.1, 0.2], []]


def test_learning_curves_of_many_agents_are_a_grid_with_one_legend():
    curve = pd.DataFrame(rows("a", "normalized_reward", "train", [0.2, 0.4])).assign(batch=[1, 1])
    curve = pd.concat([curve, curve.assign(batch=2, mean=curve["mean"] * 2)])
    figure = plots.learning_curves({f"agent_{i}": curve for i in range(6)}, PALETTE)
    assert [axes.get_title() for axes in figure.axes] == [f"agent {i}" for i in range(6)]
    assert len({axes.get_subplotspec().rowspan.start for axes in figure.axes}) == 2 and len(figure.legends) == 1
    one, other, mean, _ = (line.get_ydata() for line in figure.axes[0].lines)
    assert list(one) == [0.2, 0.4] and list(other) == [0.4, 0.8] and list(mean) == pytest.approx([0.3, 0.6])


def test_the_mean_over_seeds_is_drawn_where_all_were_evaluated():
    curve = pd.DataFrame(rows("a", "normalized_reward", "train", [0.2, 0.4])).assign(batch=10, episodes_seen=100)
    evaluated = {20: slice(0, 1), 30: slice(1, 2), 40: slice(2)}  # number of updates -> which of the two seeds
    later = [curve.assign(batch=batch, episodes_seen=10 * batch, mean=curve["mean"] + 0.1)[seeds] for batch, seeds in evaluated.items()]
    both = pd.concat([curve, *later])
    (axes,) = plots.learning_curves({"a": both}, PALETTE).axes
    one, other, mean, _ = axes.lines
    assert list(one.get_xdata()) == [10, 20, 40] and list(other.get_xdata()) == [10, 30, 40]
    assert list(mean.get_xdata()) == [10, 40] and list(mean.get_ydata()) == pytest.approx([0.3, 0.4])
    (axes,) = plots.against_episodes(both, PALETTE).axes
    assert list(axes.lines[0].get_xdata()) == [100, 400] and list(axes.lines[0].get_ydata()) == pytest.approx([0.3, 0.4])
