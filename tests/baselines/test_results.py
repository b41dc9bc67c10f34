"""A folder of results: what is in it, and that a failure leaves no half-written file."""

import json
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from baselines.results import save_results

ROWS = pd.DataFrame({"env_id": "Some-v0", "split": "train", "policy": ["a", "b"], "mean": [0.1, 1 / 3], "episodes": 3, "seed": 0})
FILES = {"results.csv", "summary.csv", "results.json", "report.html", "figure.png", "figure.svg"}
SUMMARY = pd.DataFrame({"policy": ["a"], "mean": [0.2]})


def save(out: Path, **changes) -> None:
    arguments = {"out": out, "episodes": 3}
    given = {
        "command": "python -m something",
        "packages": ("numpy",),
        "figures": {"figure.png": Figure(), "figure.svg": Figure()},
        "notes": {"a": 1},
        "summary": SUMMARY,
    }
    save_results(out, ROWS, arguments, **{**given, **changes})


def test_tables_are_in_csv_and_json_with_how_they_came_about(tmp_path):
    out = tmp_path / "new" / "results"
    save(out)
    assert {path.name for path in out.iterdir()} == FILES
    pd.testing.assert_frame_equal(pd.read_csv(out / "results.csv"), ROWS)
    pd.testing.assert_frame_equal(pd.read_csv(out / "summary.csv"), SUMMARY)
    document = json.loads((out / "results.json").read_text())
    assert list(document) == ["arguments", "versions", "notes", "summary", "results"]
    assert document["arguments"] == {"out": str(out), "episodes": 3} and document["notes"] == {"a": 1}
    assert set(document["versions"]) - {"torch"} == {"python", "gym_causal", "numpy"}
    pd.testing.assert_frame_equal(pd.DataFrame(document["results"]), ROWS)


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path):
    class Broken(Figure):
        def savefig(self, path, *args, **kwargs):
            Path(path).write_text("half")
            raise OSError("disk full")

    save(tmp_path)
    before = (tmp_path / "figure.png").read_bytes()
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path, figures={"figure.png": Broken()})
    assert (tmp_path / "figure.png").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == FILES
