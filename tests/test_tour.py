"""The notebook runs, and what is stored in it for readers is its own output and says nothing about where it ran."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs_scripts import load_script

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "tour.ipynb"
LOCAL = re.compile(r"site-packages|/(?:home|root|tmp|usr|work|Users)/|[A-Z]:\\\\|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d")


def code_cells(notebook) -> list:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(cell) -> str:
    """All text that a cell shows, in one."""
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "\n".join("".join(text) for text in shown)


def test_outputs_are_stored_without_paths_or_times():
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert [cell["execution_count"] for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    for cell in code_cells(notebook):
        assert cell["metadata"] == {}
        for output in cell["outputs"]:
            assert output["output_type"] in ("stream", "display_data", "execute_result") and output.get("name") != "stderr"
        assert not LOCAL.search(texts(cell)), texts(cell)
    assert sum(bool(cell["outputs"]) for cell in code_cells(notebook)) == len(code_cells(notebook)) - 1  # all but the imports
    images = [output for cell in code_cells(notebook) for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert len(images) == 2  # the episode and the probe
    assert NOTEBOOK.stat().st_size < 400_000


def test_what_is_stored_says_what_the_text_says():
    cells = code_cells(json.loads(NOTEBOOK.read_text("utf-8")))
    (compared,) = (cell for cell in cells if "strategies = " in "".join(cell["source"]))
    rewards = {line.split()[0]: float(line.split()[1]) for line in texts(compared).splitlines() if "[" in line}
    assert rewards["random"] < rewards["change"] < rewards["agent"] < rewards["expert"] == 1.0
    (trained,) = (cell for cell in cells if "trained = train(" in "".join(cell["source"]))
    row = next(line for line in texts(trained).splitlines() if "trained here" in line)
    assert float(row.split()[2]) > 2 * rewards["random"]


NEEDED = ("nbclient", "ipykernel", "torch", "stable_baselines3", "imitation", "tensorboard", "scipy", "pandas", "PIL", "matplotlib")


def test_it_runs():
    for library in NEEDED:
        pytest.importorskip(library)
    module = load_script("make_tour")
    cells, stored = code_cells(module.executed(updates=2)), code_cells(json.loads(NOTEBOOK.read_text("utf-8")))
    assert len(cells) == len(stored)
    for cell, shown in zip(cells, stored, strict=True):
        assert [output["output_type"] for output in cell["outputs"]] == [output["output_type"] for output in shown["outputs"]]
    for index in (2, 4):  # an episode of the expert, and a session with a hint: the same on every machine
        assert texts(cells[index]) == texts(stored[index])
