"""Write the tables of docs/reliability.md from docs/data/reliability, which the commands of the package reliability write.

    make reliability

A table stands between ``<!-- table NAME -->`` and ``<!-- end of table -->``; docs/data/reliability/NAME.json holds its numbers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
PAGE, DATA = DOCS / "reliability.md", DOCS / "data" / "reliability"
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


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


TABLES = {"fuzz": fuzz, "kills": kills, "damage": damage}


def with_tables(text: str) -> str:
    """A page with its tables written anew."""

    def written(match: re.Match[str]) -> str:
        header, *rows = TABLES[match[2]](json.loads((DATA / f"{match[2]}.json").read_text("utf-8")))
        lines = [header, ["---"] * len(header), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{match[1]}\n{table}\n\n{match[3]}"

    return TABLE.sub(written, text)


if __name__ == "__main__":
    page = with_tables(PAGE.read_text("utf-8"))
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))
