"""Summaries and tables of studies, with numbers by hand."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")

from agents.sweeps.recipes import Recipe
from agents.sweeps.studies import STUDIES
from agents.sweeps.study import Column, Level, Variation
from agents.sweeps.tables import at_levels, describe_variations, markdown_table, summarize_seeds, summary_table


def rows(policy: str, means: list[float], metric: str = "normalized_reward", split: str = "train") -> list[dict]:
    """A row for each training seed."""
    head = {"env_id": "CausalDAG-v0", "split": split, "policy": policy, "metric": metric, "low": 0.0, "high": 1.0, "episodes": 9, "seed": 0}
    return [{**head, "mean": mean, "seed_of_training": seed} for seed, mean in enumerate(means)]


def test_summary_is_student_s_interval_over_seeds():
    summary = summarize_seeds(pd.DataFrame(rows("a", [0.1, 0.2, 0.6]) + rows("b", [0.5]))).set_index("policy")
    # Mean 0.3, sample variance (0.04 + 0.01 + 0.09) / 2, and t of 2 degrees of freedom is 4.302653.
    half = 4.302653 * np.sqrt(0.07) / np.sqrt(3)
    assert summary.loc["a", ["mean", "low", "high"]].tolist() == pytest.approx([0.3, 0.3 - half, 0.3 + half], abs=1e-6)
    assert summary.loc["a", ["lowest", "highest", "seeds"]].tolist() == [0.1, 0.6, 3]
    assert summary.loc["b", "mean"] == 0.5 and np.isnan(summary.loc["b", "low"]) and summary.loc["b", "seeds"] == 1


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("choice_shape", 0.0, 1.0),
        ("demonstrated_timeout_rate", 0.0, 1.0),
        ("normalized_reward", -0.770620, 1.0),  # it is below 0 where the choices do harm
        ("fraction_of_expert", -0.770620, 1.770620),  # an agent may earn more than the expert
        ("explainable", -0.770620, 1.770620),  # of another task
    ],
)
def test_an_interval_ends_where_the_values_of_its_metric_do(metric: str, low: float, high: float):
    summary = summarize_seeds(pd.DataFrame(rows("a", [0.4, 0.6], metric))).iloc[0]  # half: 12.706205 * 0.141421 / sqrt(2) = 1.270620
    assert (summary["low"], summary["high"]) == pytest.approx((low, high), abs=1e-4)


def test_table_has_variations_as_rows_and_splits_as_columns():
    results = pd.DataFrame(
        rows("a", [0.4, 0.6]) + rows("a", [0.5], split="eval_path") + rows("a", [0.25], "held_out_ratio") + rows("b", [1.0])
    )
    descriptions = {"a": {"parameters": 1_234, "updates": 10}, "b": {"parameters": 5, "updates": 10_000}}
    shown = summary_table(summarize_seeds(results), descriptions, STUDIES["trial"].columns)
    headers = ["variation", "parameters", "updates", "train", "eval_target", "eval_path", "held-out ratio"]
    assert [column.header for column in shown.columns] == headers
    cells = [list(column.cells) for column in shown.columns]
    assert [column[0] for column in cells] == ["a", "1,234", "10", "0.500 [-0.771, 1.000]", "", "0.500", "0.250"]
    assert [column[1] for column in cells] == ["b", "5", "10,000", "1.000", "", "", ""]


def test_a_table_has_the_columns_it_is_asked_for():
    results = pd.DataFrame(rows("a", [0.25], "choice_shape", "eval") + rows("a", [0.75]) + rows("b", [0.5], "choice_shape"))
    descriptions = {name: {"parameters": 1, "updates": 1} for name in "ab"}
    shown = summary_table(summarize_seeds(results), descriptions, [Column(title="shape", metric="choice_shape", split="eval")])
    assert [column.header for column in shown.columns] == ["variation", "parameters", "updates", "shape"]
    assert list(shown.columns[3].cells) == ["0.250", ""]  # b's is of another split


def test_a_markdown_table_leaves_out_columns_without_numbers():
    few, enough = [0.4, 0.6], [0.4, 0.45, 0.5, 0.55, 0.6]  # of five the standard deviation is 0.079057, and t of four degrees 2.776445
    results = pd.DataFrame(rows("a", few) + rows("a", [0.25], "held_out_ratio") + rows("b", [1.0]) + rows("c", enough))
    assert markdown_table(summarize_seeds(results), STUDIES["trial"].columns).splitlines() == [
        "| Variation | seeds | train | held-out ratio |",
        "| --- | --- | --- | --- |",
        "| `a` | 2 | 0.500 [0.400, 0.600] | 0.250 |",
        "| `b` | 1 | 1.000 |  |",
        "| `c` | 5 | 0.500 [0.402, 0.598] |  |",
    ]


def test_variations_are_described_with_their_size():
    described = describe_variations(Recipe(study="trial", seeds=2, variations=("trial", "wide"), batches=5))
    assert list(described) == ["trial", "wide"]
    assert described["wide"]["description"] == "Width 96." and described["wide"]["updates"] == 5
    assert described["wide"]["parameters"] > 3 * described["trial"]["parameters"]  # nearly all grow with the square of the width
    assert described["wide"]["config"]["architecture"]["width"] == 96 and "seed" not in described["wide"]["config"]


def test_rows_are_repeated_for_each_level_of_their_variation():
    levels = {"a": (Level(quantity="rate", value=0.5, line="x"), Level(quantity="share", value=0.0, line="y")), "b": ()}
    variations = [Variation(name=name, description="X.", levels=each) for name, each in levels.items()]
    found = at_levels(pd.DataFrame(rows("a", [0.1, 0.2]) + rows("b", [0.9])), variations)
    columns = ["policy", "quantity", "value", "line", "mean"]
    expected = [("a", "rate", 0.5, "x", 0.1), ("a", "rate", 0.5, "x", 0.2), ("a", "share", 0.0, "y", 0.1), ("a", "share", 0.0, "y", 0.2)]
    assert list(found[columns].itertuples(index=False, name=None)) == expected
    assert at_levels(pd.DataFrame(rows("b", [0.9])), variations).empty
