"""The learning curve: a tidy CSV that survives kills, TensorBoard's files, and Weights & Biases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from stable_baselines3.common.logger import KVWriter
from torch.utils.tensorboard import SummaryWriter

from agents.data.csv_rows import read_rows, write_rows
from gym_causal.extras import needs_extra
from gym_causal.files import write_atomically

HISTORY, TENSORBOARD, WANDB_ID = "learning_curve.csv", "tensorboard", "wandb_id.txt"
Tracker = Literal["tensorboard", "wandb"]
"""Where numbers of a training can be watched: TensorBoard's files alone, or Weights & Biases too."""
_LOGGED = ("bc/loss", "bc/neglogp", "bc/prob_true_act", "bc/learning_rate")
"""Of what BC reports; the rest are zeros and its own counts, which begin at 0 when training is resumed."""
_LOGGED_GROUPS = ("train/", "rollout/")
"""What stable-baselines3 reports of learning and of playing."""


class History:
    """Tidy rows, one per number, with the ``batch`` (number of updates) after which it was measured.

    Args:
        path: of the CSV; an existing one is continued.
        batch: rows of later batches are dropped: they will be measured again.

    Raises:
        ValueError: the file is not such a curve.
    """

    def __init__(self, path: Path, batch: int) -> None:
        self.path = path
        self.rows = pd.DataFrame({"batch": pd.Series(dtype=int)})
        if batch and path.exists():
            rows = read_history(path)
            self.rows = rows[rows["batch"] <= batch]

    def add(self, batch: int, rows: Iterable[dict[str, Any]]) -> None:
        """Rows that were measured after ``batch`` updates."""
        new = pd.DataFrame({"batch": batch, **row} for row in rows)
        self.rows = pd.concat([self.rows, new], ignore_index=True) if len(self.rows) else new

    def save(self) -> None:
        """Write the file, whole or not at all; without rows there is none."""
        if len(self.rows):
            write_rows(self.path, self.rows)

    @property
    def last_batch(self) -> int:
        """Updates made before the last evaluation; 0: there was none."""
        return int(self.rows["batch"].max()) if len(self.rows) else 0

    def latest(self, metric: str) -> dict[str, float]:
        """split -> a metric's mean in the last evaluation; empty if there was none."""
        if not len(self.rows):
            return {}
        last = self.rows[(self.rows["metric"] == metric) & (self.rows["batch"] == self.last_batch)]
        return {str(split): float(mean) for split, mean in zip(last["split"], last["mean"], strict=True)}


def read_history(path: Path) -> pd.DataFrame:
    """The rows of a learning curve.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not such a curve.
    """
    return read_rows(path, "a learning curve", ("batch", "split", "metric", "mean"), numbers=("batch", "mean"))


class TensorBoard(KVWriter):
    """TensorBoard's files, with the number of updates as the step. (imitation's BC counts its own reports, from 0 in every process.)

    Args:
        folder: for the files.
        batch: updates made so far; what an earlier process logged of later ones is no longer shown.
    """

    def __init__(self, folder: Path, batch: int) -> None:
        self.batch = batch
        self._writer = SummaryWriter(str(folder), purge_step=batch)

    def add(self, values: Mapping[str, Any]) -> None:
        """Log numbers by name, as of update ``self.batch``; anything else is left out."""
        for name, value in values.items():
            if isinstance(value, (int, float)):
                self._writer.add_scalar(name, value, self.batch)
        self._writer.flush()

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        self.add({name: value for name, value in key_values.items() if name in _LOGGED or name.startswith(_LOGGED_GROUPS)})

    def close(self) -> None:
        self._writer.close()


class Wandb(TensorBoard):
    """Weights & Biases beside TensorBoard's files, with the same numbers. Whether it is online is what ``WANDB_MODE`` says.

    Args:
        folder: of the training; it keeps the id of the run, so that a resumed training goes on with it.
        batch: updates made so far. (What was logged of later ones stays as it is: Weights & Biases takes no number twice.)
        config: of the agent, as JSON.

    Raises:
        ExtraNotInstalled: the extra "wandb" is missing.
    """

    def __init__(self, folder: Path, batch: int, config: Mapping[str, Any]) -> None:
        wandb = import_wandb()
        super().__init__(folder / TENSORBOARD, batch)
        path = folder / WANDB_ID
        known = path.read_text(encoding="utf-8").strip() if path.is_file() else None
        self._run = wandb.init(project="gym_causal", name=folder.name, dir=str(folder), id=known, resume="allow", config=dict(config))
        write_atomically(path, lambda target: target.write_text(f"{self._run.id}\n", encoding="utf-8"))

    def add(self, values: Mapping[str, Any]) -> None:
        super().add(values)
        self._run.log({name: value for name, value in values.items() if isinstance(value, (int, float))}, step=self.batch)

    def close(self) -> None:
        super().close()
        self._run.finish()


def import_wandb() -> Any:
    """The module, or an error that names its extra."""
    with needs_extra("--track wandb", "wandb"):
        import wandb  # noqa: PLC0415 - optional
    return wandb
