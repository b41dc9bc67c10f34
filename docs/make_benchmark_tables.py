"""Write the tables of docs/benchmark.md from docs/data/leaderboard: ``python docs/make_benchmark_tables.py``.

The table of an env is called by its id and has a row for each submission in that env.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from page_tables import Tables, markdown, with_interval, write_tables

from gym_causal.leaderboard import form, protocol
from gym_causal.registry import task_spec

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "leaderboard", DOCS / "benchmark.md"
METRIC = "normalized_reward"


def submissions() -> list[dict[str, Any]]:
    """What docs/data/leaderboard holds, in the order of tracks; the best on the last split comes first."""
    documents = [form.read(path) for path in sorted(DATA.glob("*.json"))]
    return sorted(documents, key=lambda each: (protocol.TRACKS.index(each["track"]), -list(each["summary"].values())[-1][METRIC]["mean"]))


def cell(document: dict[str, Any], split: str) -> str:
    """Mean and interval on a split: over training seeds, or over episodes if there is a single run."""
    runs, value = document["runs"], document["summary"][split][METRIC]
    value = runs[0]["splits"][split]["metrics"][METRIC] if len(runs) == 1 else value
    return with_interval(value["mean"], value["low"], value["high"])


def table(env_id: str) -> str:
    splits = task_spec(env_id).splits
    rows = []
    for document in submissions():
        if document["env_id"] == env_id:
            seeds = "" if document["track"] == protocol.UNTRAINED else str(len(document["runs"]))
            rows.append([document["method"], document["track"], seeds, *(cell(document, split) for split in splits)])
    return markdown(["Method", "track", "seeds", *splits], rows)


TABLES: Tables = {env_id: partial(table, env_id) for env_id in protocol.ENV_IDS}


if __name__ == "__main__":
    write_tables(PAGE, TABLES)
