"""Write the tables of docs/reliability.md from docs/data/reliability, which the commands of the package reliability write.

    make reliability

docs/data/reliability/NAME.json holds the numbers of the table NAME.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from page_tables import Tables, markdown, write_tables

DOCS = Path(__file__).parent
PAGE, DATA = DOCS / "reliability.md", DOCS / "data" / "reliability"


def fuzz(report: dict[str, Any]) -> list[list[str]]:
    calls = ("resets", "pickled", "copied", "rendered", "asked", "refused")
    header = ["Environment", "steps of rows", "steps of the single env", *calls]
    rows = []
    for env in report["envs"]:
        counts = [env["vector"].get(call, 0) + env["single"].get(call, 0) for call in calls]
        numbers = [env["vector"]["steps"], env["single"]["steps"], *counts]
        rows.append([f"`{env['env_id']}`", *(f"{number:,}" for number in numbers)])
    return [header, *rows]


def kills(report: dict[str, Any]) -> list[list[str]]:
    header = ["Command", "seconds undisturbed", "kills", "while writing", "folders", "files that differ"]
    numbers = ("seconds", "kills", "while_writing", "folders")
    commands = report["commands"]
    rows = [[each["command"], *(str(each[name]) for name in numbers), str(len(each["mismatches"]))] for each in commands]
    totals = [str(sum(each[name] for each in commands)) for name in numbers[1:]]
    return [header, *rows, ["all", "", *totals, str(sum(len(each["mismatches"]) for each in commands))]]


def damage(report: dict[str, Any]) -> list[list[str]]:
    header = ["File", "cut off: refused", "same", "other content", "a byte changed: refused", "same", "other content", "failures"]
    rows = []
    for kind in report["kinds"]:
        counts = [kind[done][outcome] for done in ("truncated", "flipped") for outcome in ("refused", "same", "changed")]
        failed = kind["truncated"]["failed"] + kind["flipped"]["failed"]
        rows.append([f"`{kind['file']}`", *map(str, counts), str(failed)])
    return [header, *rows]


REPORTS = {"fuzz": fuzz, "kills": kills, "damage": damage}
"""Name of a table -> a function that returns its header and its rows, of the numbers."""


def table(name: str) -> str:
    header, *rows = REPORTS[name](json.loads((DATA / f"{name}.json").read_text("utf-8")))
    return markdown(header, rows)


TABLES: Tables = {name: partial(table, name) for name in REPORTS}


if __name__ == "__main__":
    write_tables(PAGE, TABLES)
