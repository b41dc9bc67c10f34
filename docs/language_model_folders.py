"""The folders of trained language models, as the commands of docs/language_results.md lay them out: MODEL/seed_S.

MODEL is the condition of the texts, with _N behind it if their dimensions are drawn from N, and _names_N if these are renamed, too;
_longer follows if it began as another model (--init), and _longer_2 if as one with _longer. A model's games without a prompt are in its
folder ``evaluation``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class ModelFolder(NamedTuple):
    """One trained model."""

    path: Path
    model: str
    seed: int  # of its training


def model_folders(results: Path, file: str) -> list[ModelFolder]:
    """The models that have a file, in the order of their names. Ends the command with an error if there is none.

    Args:
        results: the folder that holds MODEL/seed_S.
        file: within MODEL/seed_S.
    """
    paths = [path for path in sorted(results.glob("*/seed_*")) if (path / file).exists()]
    if not paths:
        raise SystemExit(f"error: --results: {str(results)!r} holds no MODEL/seed_S/{file}")
    return [ModelFolder(path, path.parent.name, int(path.name.removeprefix("seed_"))) for path in paths]


def condition_of(model: str) -> str:
    """The condition of a model's texts: "reasoning" of "reasoning_12", of "reasoning_names_12" and of "reasoning_names_12_longer_2"."""
    return re.sub(r"(_names)?_\d+(_longer(_\d+)?)?$", "", model)
