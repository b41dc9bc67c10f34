"""The table of right choices by the order in which dimensions are named."""

import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")
from tests.docs_scripts import load_script, page_tables

script = load_script("make_language_orders")


def test_the_table_is_current():
    page = script.PAGE.read_text("utf-8")
    assert "language_orders" in page_tables.table_names(page)
    assert page_tables.with_tables(page, script.tables(pd.read_csv(script.DATA))) == page, "run python docs/make_language_orders.py"


def test_each_order_has_a_row_and_each_rewarded_dimension_a_column(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("<!-- table language_orders -->\n<!-- end of table -->\n", "utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "DATA", tmp_path / "rows.csv")
    for order, (color, shape, texture) in {"color_shape_texture": (0.9, 0.8, 0.3), "texture_color_shape": (0.4, 0.5, 0.9)}.items():
        for rewarded, included in (("color", color), ("shape", shape)):
            folder = tmp_path / "reasoning_judged_names_12" / "seed_1" / f"order_{order}" / rewarded
            folder.mkdir(parents=True)
            rows = [
                {"split": split, "policy": policy, "metric": script.TEST, "mean": mean, "low": mean - 0.1, "high": mean + 0.1}
                for split, right in (("included", included), ("held_out", texture))
                for policy, mean in (("reasoning_judged", right), ("random", 0.36))
            ]
            pd.DataFrame(rows).to_csv(folder / "results.csv", index=False)
    script.main(script.Args(results=tmp_path))
    model = "| `reasoning_judged_names_12`, seed 1 |"
    assert page.read_text("utf-8").splitlines()[4:6] == [
        f"{model} color, shape, texture | 0.900 [0.800, 1.000] | 0.800 [0.700, 0.900] | 0.300 [0.200, 0.400] |",
        f"{model} texture, color, shape | 0.400 [0.300, 0.500] | 0.500 [0.400, 0.600] | 0.900 [0.800, 1.000] |",
    ]
    assert len(pd.read_csv(script.DATA)) == 6
