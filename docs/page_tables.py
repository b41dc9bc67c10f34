"""The tables that scripts write into Markdown pages: each stands between ``<!-- table NAME -->`` and ``<!-- end of table -->``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gym_causal.files import write_atomically

TABLE = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
Tables = Mapping[str, Callable[[], str]]
"""Name -> a function that returns the table, as lines of Markdown."""


def table_names(text: str) -> list[str]:
    """The names of a page's tables, in their order."""
    return [name for _, name, _ in TABLE.findall(text)]


def with_tables(text: str, tables: Tables) -> str:
    """A page with those tables written anew; others, which belong to other scripts, stay as they are."""
    return TABLE.sub(lambda match: f"{match[1]}\n{tables[match[2]]()}\n{match[3]}" if match[2] in tables else match[0], text)


def write_tables(page: Path, tables: Tables) -> None:
    """Write the tables of a page anew."""
    text = with_tables(page.read_text("utf-8"), tables)
    write_atomically(page, lambda path: path.write_text(text, encoding="utf-8"))


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of these cells."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def with_interval(mean: float, low: float, high: float) -> str:
    """A cell: a mean with its interval in brackets."""
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"
