"""The tables of docs/benchmark.md are those that docs/data/leaderboard gives, and each file there is a submission."""

from __future__ import annotations

from pathlib import Path

import pytest

from gym_causal.leaderboard import form, protocol
from gym_causal.leaderboard.playing import reference_results
from gym_causal.leaderboard.submission import summarize
from gym_causal.registry import task_spec
from tests.docs_scripts import load_script, page_tables

DOCS = Path(__file__).parents[2] / "docs"
FILES = sorted((DOCS / "data" / "leaderboard").glob("*.json"))
tables = load_script("make_benchmark_tables")


def test_tables_are_current():
    page = (DOCS / "benchmark.md").read_text("utf-8")
    assert page_tables.with_tables(page, tables.TABLES) == page, "run python docs/make_benchmark_tables.py"


def test_every_env_has_a_table_with_its_references():
    page = (DOCS / "benchmark.md").read_text("utf-8")
    assert tuple(sorted(page_tables.table_names(page))) == tuple(sorted(protocol.ENV_IDS))
    for env_id in protocol.ENV_IDS:
        assert {"expert", "random"} <= {each["method"] for each in tables.submissions() if each["env_id"] == env_id}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_a_submission(path):
    document = form.read(path)
    assert form.problems_of(document) == []
    assert document["summary"] == summarize(document["runs"])


def test_the_reference_policies_still_play_the_same():
    """Of one env by default; ``check`` plays those of the others."""
    document = next(each for each in tables.submissions() if each["env_id"] == "CausalDAG-v0")
    for split in task_spec("CausalDAG-v0").splits:
        digests = {name: digest for name, (_, digest) in reference_results("CausalDAG-v0", split).items()}
        assert document["references"][split] == digests


def test_random_play_is_its_own_reference():
    for document in tables.submissions():
        if document["method"] == "random":
            for split, played in document["runs"][0]["splits"].items():
                assert played["digest"] == document["references"][split]["random"]
