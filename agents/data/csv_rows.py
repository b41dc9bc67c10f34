"""Tidy rows in CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gym_causal.files import reason, write_atomically


def read_rows(path: Path, what: str, columns: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """The rows of a file. Numbers are exactly those that were written.

    Args:
        path: of the file.
        what: it is, for the message, for example "a learning curve".
        columns: that it must have, at least.
        numbers: those of them that must be numbers throughout.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not such a file.
    """
    try:
        # Numbers must come back as they were written, or a resumed training's file would differ. Python's parser does that in every
        # version of pandas; its own does by default from 3.1 on, which deprecates float_precision="round_trip".
        rows = pd.read_csv(path, engine="python")
        if not path.read_bytes().endswith(b"\n"):
            raise ValueError("its last line is cut off")
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is not {what}: {reason(error)}") from error
    if missing := [name for name in columns if name not in rows]:
        raise ValueError(f"{str(path)!r} is not {what}: it has no {', '.join(missing)}")
    if wrong := [name for name in numbers if not pd.api.types.is_numeric_dtype(rows[name])]:
        raise ValueError(f"{str(path)!r} is not {what}: {', '.join(wrong)} must be numbers")
    return rows


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Write rows to a file in a folder that exists, whole or not at all."""
    write_atomically(path, lambda target: rows.to_csv(target, index=False))
