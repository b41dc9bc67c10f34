"""Files that are written whole or not at all, and JSON of unknown origin."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file atomically.

    Args:
        path: the file.
        write: writes the content to the path that it is given: another name in the same folder, renamed to ``path`` afterwards.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    try:
        write(Path(temporary))
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read_json(path: Path) -> Any:
    """The document in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def reason(error: BaseException) -> str:
    """What an error says, as one line: the first of its message, or its name if it has none."""
    message = f"there is no {error}" if isinstance(error, KeyError) else str(error)
    return next(filter(None, map(str.strip, message.splitlines())), type(error).__name__)
