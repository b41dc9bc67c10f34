"""A folder of results as one HTML file: tables, figures, and how they were made. It needs nothing else: no script, no network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Column, Table

from gym_causal.files import write_atomically

REPORT = "report.html"
_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
_STYLE = """
:root { color-scheme: light dark; --line: #d0d0d0; --quiet: #666; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9em; }
caption { text-align: left; padding: .4em 0; color: var(--quiet); }
th, td { text-align: left; vertical-align: top; padding: .25em .8em .25em 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } .number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; margin: 1em 0; } code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
figure { margin: 1.5em 0; } figcaption { color: var(--quiet); font-size: .9em; }
img { max-width: 100%; background: #fff; border-radius: 4px; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --quiet: #aaa; } body { color: #ddd; background: #181818; } }
@media print { body { max-width: none; margin: 0; color: #000; background: #fff; } .wide { overflow: visible; }
tr, figure { break-inside: avoid; } h2 { break-after: avoid; } }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style></head><body>
<h1>{title}</h1>
<p>{summary}</p>
<h2>Results</h2>
{tables}
<h2>Figures</h2>
{figures}
<h2>How this was made</h2>
<p><code>{command}</code> with these arguments:</p>
{arguments}
<p>Versions:</p>
{versions}
</body></html>
"""


def write_report(
    out: Path,
    command: str,
    results: pd.DataFrame,
    *,
    tables: Sequence[Table],
    figures: Sequence[str],
    arguments: Mapping[str, Any],
    versions: Mapping[str, str],
) -> None:
    """Write ``report.html``, whole or not at all. The same results give the same file.

    Args:
        out: folder of the report and of the figures.
        command: that made the results, without its arguments.
        results: tidy rows; they say which env, seeds and episodes it was.
        tables: that the command prints.
        figures: names of files in ``out`` that end in ``.png`` or ``.svg``. Of several that differ in that alone, the first is shown.
        arguments: of the command.
        versions: package -> version.
    """
    shown = {Path(name).stem: name for name in reversed(figures)}
    page = _PAGE.format(
        title=html.escape(f"Results in {', '.join(results['env_id'].unique())}"),
        style=_STYLE,
        summary=html.escape(_summary(results)),
        tables="\n".join(map(_table, tables)),
        figures="\n".join(_figure(out / shown[stem]) for stem in reversed(shown)),
        command=html.escape(command),
        arguments=_pairs("argument", "value", arguments),
        versions=_pairs("package", "version", versions),
    )
    write_atomically(out / REPORT, lambda path: path.write_text(page, encoding="utf-8"))


def _summary(results: pd.DataFrame) -> str:
    """One sentence on which episodes were played, and which trainings they compare."""

    def values(column: str) -> str:
        return ", ".join(f"{value:,}" if column == "episodes" else str(value) for value in results[column].dropna().unique())

    text = f"Splits: {values('split')}. Episodes: {values('episodes')} a split, of seed {values('seed')}."
    return f"{text} Training seeds: {values('seed_of_training')}." if "seed_of_training" in results else text


def _table(table: Table) -> str:
    """A table that is printed, as HTML. The first column holds the headings of the rows."""
    caption = f"<caption>{html.escape(str(table.title))}</caption>" if table.title else ""
    header = "".join(f'<th scope="col"{_alignment(column)}>{html.escape(str(column.header))}</th>' for column in table.columns)
    rows = zip(*(column.cells for column in table.columns), strict=True)
    body = "\n".join(f"<tr>{''.join(map(_cell, range(len(row)), table.columns, row))}</tr>" for row in rows)
    return f'<div class="wide"><table>{caption}<thead><tr>{header}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _cell(place: int, column: Column, content: Any) -> str:
    tag, scope = ("td", "") if place else ("th", ' scope="row"')
    return f"<{tag}{scope}{_alignment(column)}>{html.escape(str(content))}</{tag}>"


def _alignment(column: Column) -> str:
    return ' class="number"' if column.justify == "right" else ""


def _figure(path: Path) -> str:
    """A file as a data URI. Unlike SVG within the page, it brings neither ids nor scripts into it."""
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    name = html.escape(path.stem.replace("_", " "))
    image = f'<img alt="{name}: its numbers are in results.csv" src="data:{_MEDIA_TYPES[path.suffix]};base64,{content}">'
    return f"<figure>{image}<figcaption>{name}</figcaption></figure>"


def _pairs(heading: str, value_heading: str, values: Mapping[str, Any]) -> str:
    """A table of names and values."""
    table = Table(heading, value_heading)
    for name, value in values.items():
        table.add_row(name, value if isinstance(value, str) else json.dumps(value, default=str))
    return _table(table)
