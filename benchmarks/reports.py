"""Saves what a benchmark measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gym_causal.files import write_atomically


def save_report(path: Path, report: dict[str, Any]) -> None:
    """Write ``report`` as JSON, whole or not at all; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8"))
