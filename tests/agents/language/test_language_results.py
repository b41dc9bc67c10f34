"""The table of models that are trained on game texts."""

import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")
from tests.docs_scripts import load_script, page_tables

script = load_script("make_language_results")


def test_the_tables_are_current():
    tables = script.tables(pd.read_csv(script.DATA))
    for page, name in zip(script.PAGES, tables, strict=True):
        text = page.read_text("utf-8")
        assert name in page_tables.table_names(text)
        assert page_tables.with_tables(text, tables) == text, "run python docs/make_language_results.py"


def write_model(folder, mean, *, concluded):
    """The files of a model whose test trials are right so often."""
    condition = script.condition_of(folder.parent.name)
    for name in ("evaluation", "concluded") if concluded else ("evaluation",):
        (folder / name).mkdir(parents=True)
        common = {"env_id": "OddOneOutText-v0", "metric": "test_correct_rate", "episodes": 500, "seed": 0}
        rows = [
            {**common, "split": split, "policy": policy, "mean": mean + (name == "concluded"), "low": mean - 0.1, "high": mean + 0.1}
            for split in ("included", "held_out")
            for policy in (condition, "random")
        ]
        pd.DataFrame(rows).to_csv(folder / name / "results.csv", index=False)
    evaluated = {"split": "included", "policy": condition, "mean": mean, "low": 0, "high": 1}
    rows = pd.DataFrame([{**common, "batch": batch, **evaluated} for batch in (1, 2)])
    rows.to_csv(folder / "learning_curve.csv", index=False)


def test_models_of_several_sessions_are_put_together(tmp_path, monkeypatch):
    page, readme = tmp_path / "page.md", tmp_path / "README.md"
    for path, name in ((page, "language_models"), (readme, "language_models_in_short")):
        path.write_text(f"Before.\n\n<!-- table {name} -->\n<!-- end of table -->\n\nAfter.\n", "utf-8")
    monkeypatch.setattr(script, "PAGES", (page, readme))
    monkeypatch.setattr(script, "DATA", tmp_path / "data" / "rows.csv")
    monkeypatch.setattr(script, "CURVES", tmp_path / "data" / "curves.csv")
    monkeypatch.setattr(script, "PICTURE", tmp_path / "picture.png")
    write_model(tmp_path / "one" / "reasoning" / "seed_0", 0.25, concluded=True)
    write_model(tmp_path / "one" / "none" / "seed_0", 0.5, concluded=False)
    script.main(script.Args(results=tmp_path / "one"))
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == "Before." and lines[-1] == "After."
    assert "| `none` | 1 | 0.500 [0.400, 0.600] | 0.500 [0.400, 0.600] |  |  |" in lines  # of one seed: the interval over games
    assert any(line.startswith("| `reasoning` | 1 | 0.250 [0.150, 0.350] |") and "1.250" in line for line in lines)
    write_model(tmp_path / "two" / "none" / "seed_1", 0.7, concluded=False)
    write_model(tmp_path / "two" / "none_12" / "seed_0", 0.9, concluded=False)
    write_model(tmp_path / "two" / "none_names_12_longer_2" / "seed_0", 0.8, concluded=False)
    script.main(script.Args(results=tmp_path / "two"))
    text = page.read_text("utf-8")
    assert "| `none` | 2 | 0.600 [0.500, 0.700] |" in text and "| `reasoning` | 1 |" in text  # of few seeds: the lowest and the highest
    assert "| `none_12` | 1 | 0.900 [0.800, 1.000] |" in text  # not mixed with those whose texts have other dimensions
    short = [line for line in readme.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert short == ["| `none` | 2 | 0.600 [0.500, 0.700] | 0.600 [0.500, 0.700] |"]
    curves = pd.read_csv(tmp_path / "data" / "curves.csv").query("batch == 2")
    assert list(zip(curves["policy"], curves["seed_of_training"], strict=True)) == [
        ("none", 0),
        ("none", 1),
        ("none_12", 0),
        ("none_names_12_longer_2", 0),
        ("reasoning", 0),
    ]
    assert (tmp_path / "picture.png").exists()


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"--results: .* holds no MODEL/seed_S"):
        script.main(script.Args(results=tmp_path))
