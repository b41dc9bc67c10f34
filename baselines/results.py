"""The one way in which a command writes its results: tables as CSV, everything as JSON, figures, and an HTML report of all."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

import gym_causal
from baselines.report import write_report
from gym_causal.files import write_atomically

COLUMNS = ["env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"]
"""Of tidy rows: one row per number."""


def save_results(
    out: Path,
    results: pd.DataFrame,
    arguments: Mapping[str, Any],
    *,
    command: str,
    packages: Sequence[str],
    figures: Mapping[str, Figure],
    printed: Sequence[Table] = (),
    **documents: Any,
) -> None:
    """Write a folder of results. Each file is written whole or not at all.

    Args:
        out: the folder; it may exist.
        results: tidy rows, for ``results.csv`` and ``results.json``.
        arguments: of the command, for ``results.json`` and the report.
        command: that made the results, without its arguments, for the report.
        packages: whose versions are recorded, beside those of Python, gym_causal and, where it was used, torch.
        figures: file name, which ends in ``.png`` or ``.svg`` -> figure. The report shows the SVG where there are both.
        printed: the tables that the command prints, for the report.
        documents: further entries of ``results.json`` by name. A table is also written to ``NAME.csv``.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = {**{name: value for name, value in documents.items() if isinstance(value, pd.DataFrame)}, "results": results}
    arguments = {name: str(value) if isinstance(value, Path) else value for name, value in arguments.items()}
    versions = _versions(packages)
    document = {
        "arguments": arguments,
        "versions": versions,
        **{name: value for name, value in documents.items() if name not in tables},
        **{name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()},
    }
    for name, table in tables.items():
        write_atomically(out / f"{name}.csv", partial(table.to_csv, index=False))
    write_atomically(out / "results.json", lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))
    for name, figure in figures.items():
        write_atomically(out / name, partial(figure.savefig, metadata={"Date": None}))  # the same figure gives the same file
    vector_first = sorted(figures, key=lambda name: not name.endswith(".svg"))
    write_report(out, command, results, tables=printed, figures=vector_first, arguments=arguments, versions=versions)


def _versions(packages: Sequence[str]) -> dict[str, str]:
    """Package -> version."""
    used = [*packages, *(["torch"] if "torch" in sys.modules and "torch" not in packages else [])]
    versions = {package: importlib.metadata.version(package) for package in used}
    return {"python": platform.python_version(), "gym_causal": gym_causal.__version__, **versions}
