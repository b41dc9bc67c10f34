"""The page of other libraries shows its scripts as they are, and a library that fails does not stop the others."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("tyro")

from tests.docs_scripts import load_script

ROOT = Path(__file__).parents[1]
FOLDER, PAGE = ROOT / "examples" / "integrations", ROOT / "docs" / "other_libraries.md"


@pytest.fixture
def integrations():
    return load_script("make_integrations")


def test_the_page_is_current(integrations):
    text = PAGE.read_text("utf-8")
    assert integrations.renewed(text) == text, "run python docs/make_integrations.py --only"
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert sorted(blocks) == sorted(path.read_text("utf-8") for path in FOLDER.glob("*.py"))


def test_every_script_has_an_environment_and_rows_are_of_pinned_versions(integrations):
    assert set(integrations.SCRIPTS) == {path.name for path in FOLDER.glob("*.py")}
    assert {environment for environment, _ in integrations.SCRIPTS.values()} == set(integrations.REQUIREMENTS)
    rows = list(csv.DictReader(integrations.DATA.read_text("utf-8").splitlines()))
    run = [row["script"] for row in rows]
    assert run == [script for script in integrations.SCRIPTS if script in run]
    pinned = {
        name.partition("[")[0]: version
        for line in integrations.REQUIREMENTS.values()
        for name, version in (requirement.split("==") for requirement in line if "==" in requirement)
    }
    for row in rows:
        assert row["version"].partition("+")[0] == pinned.get(row["library"], row["version"].partition("+")[0]), row["script"]


def test_a_failure_does_not_stop_the_others(integrations, tmp_path, monkeypatch):
    (tmp_path / "bad.py").write_text("import no_such_library")
    (tmp_path / "good.py").write_text("print('fine')")

    def install(environment, torch):
        if environment == "broken":
            raise OSError("no such package")

    def python_of(environment):
        return sys.executable if environment == "whole" else str(tmp_path / "no_python")

    scripts = {"none.py": ("broken", "numpy"), "bad.py": ("whole", "numpy"), "good.py": ("whole", "numpy")}
    replaced = {"SCRIPTS": scripts, "FOLDER": tmp_path, "LOGS": tmp_path / "logs", "DATA": tmp_path / "rows.csv"}
    for name, value in (replaced | {"install": install, "python_of": python_of}).items():
        monkeypatch.setattr(integrations, name, value)
    rows = [row for environment in ("broken", "whole") for row in integrations.run_environment(environment, "torch")]
    assert [(row["script"], row["ok"]) for row in rows] == [("none.py", "no"), ("bad.py", "no"), ("good.py", "yes")]
    assert rows[0]["version"] == "" and rows[1]["version"] == rows[2]["version"] != ""
    assert "no_such_library" in (tmp_path / "logs" / "bad.log").read_text()
    integrations.DATA.write_text("script,ok\nbad.py,yes\ngone.py,yes\nnone.py,yes\n")  # earlier rows: replaced, dropped, kept
    outcomes = [(row["script"], row["ok"]) for row in integrations.merged(rows[1:])]
    assert outcomes == [("none.py", "yes"), ("bad.py", "no"), ("good.py", "yes")]
