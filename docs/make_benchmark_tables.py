"""Write the tables of docs/benchmark.md from docs/data/leaderboard: ``python docs/make_benchmark_tables.py``.

A table stands between ``<!-- table ENV_ID -->`` and ``<!-- end of table -->`` and has a row for each submission in that env.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gym_causal.files import write_atomically
from gym_causal.leaderboard import form, protocol
from gym_causal.registry import task_spec

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "leaderboard", DOCS / "benchmark.md"
BEGIN, END = "<!-- table {} -->", "<!-- end of table -->"
TABLE = re.compile(BEGIN.format(r"([\w-]+)") + ".*?" + END, re.DOTALL)
METRIC = "normalized_reward"


def submissions() -> list[dict[str, Any]]:
    """What docs/data/leaderboard holds, in the order of tracks; the best on the last split comes first."""
    documents = [form.read(path) for path in sorted(DATA.glob("*.json"))]
    return sorted(documents, key=lambda each: (protocol.TRACKS.index(each["track"]), -list(each["summary"].values())[-1][METRIC]["mean"]))


def cell(document: dict[str, Any], split: str) -> str:
    """Mean and interval on a split: over training seeds, or over episodes if there is a single run."""
    runs, value = document["runs"], document["summary"][split][METRIC]
    value = runs[0]["splits"][split]["metrics"][METRIC] if len(runs) == 1 else value
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def table(env_id: str) -> str:
    splits = task_spec(env_id).splits
    rows = [["Method", "track", "seeds", *splits], ["---"] * (3 + len(splits))]
    for document in submissions():
        if document["env_id"] == env_id:
            seeds = "" if document["track"] == protocol.UNTRAINED else str(len(document["runs"]))
            rows.append([document["method"], document["track"], seeds, *(cell(document, split) for split in splits)])
    escaped = ([each.replace("|", "\\|") for each in row] for row in rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)


def with_tables(text: str) -> str:
    """A page with its tables written anew."""
    return TABLE.sub(lambda match: f"{BEGIN.format(match[1])}\n\n{table(match[1])}\n{END}", text)


if __name__ == "__main__":
    page = with_tables(PAGE.read_text("utf-8"))
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))
