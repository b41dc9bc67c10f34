"""The table of language models that are trained on texts of several games."""

import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")
from tests.docs_scripts import load_script, page_tables

script = load_script("make_language_in_context")


def test_the_table_is_current():
    page = script.PAGE.read_text("utf-8")
    assert page_tables.with_tables(page, script.tables(pd.read_csv(script.DATA))) == page, "run python docs/make_language_in_context.py"


def write_model(folder, included, **held_out):
    """The results of a model whose test trials are right so often, by the dimension that pays."""
    for dimension, mean in held_out.items():
        (folder / f"held_out_{dimension}").mkdir(parents=True, exist_ok=True)
        rows = [
            {"split": split, "policy": policy, "metric": metric, "mean": value, "low": value - 0.1, "high": value + 0.1}
            for split, right in (("included", included), ("held_out", mean))
            for policy, metric, value in (("none", script.TEST, right), ("none", "reward", 3.0), ("random", script.TEST, 0.36))
        ]
        pd.DataFrame(rows).to_csv(folder / f"held_out_{dimension}" / "results.csv", index=False)


def test_each_held_out_dimension_has_a_column(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- table language_in_context -->\n<!-- end of table -->\n\nAfter.\n", "utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "DATA", tmp_path / "rows.csv")
    write_model(tmp_path / "one" / "none" / "seed_0", 0.9, texture=0.8, size=0.2)
    script.main(script.Args(results=tmp_path / "one"))
    write_model(tmp_path / "two" / "none" / "seed_1", 0.7, color=0.4, shape=0.3, texture=0.6, size=0.5)
    write_model(tmp_path / "two" / "none" / "seed_1", 0.1, color=0.4)  # other examples: not the included games of the table
    script.main(script.Args(results=tmp_path / "two"))
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == "Before." and lines[-1] == "After."
    assert [line for line in lines if line.startswith("| `")] == [
        "| `none` | 0 | 0.900 [0.800, 1.000] |  |  | 0.800 [0.700, 0.900] | 0.200 [0.100, 0.300] |",
        "| `none` | 1 | 0.700 [0.600, 0.800] | 0.400 [0.300, 0.500] | 0.300 [0.200, 0.400] | 0.600 [0.500, 0.700] | 0.500 [0.400, 0.600] |",
    ]
    rows = pd.read_csv(script.DATA)
    assert set(rows["policy"]) == {"none"} and len(rows) == (3 + 5) * 2  # splits of either seed, metrics
