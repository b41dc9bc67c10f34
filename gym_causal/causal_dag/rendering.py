"""Pictures of an episode: a readable trial log and the graph. The graph needs the extra ``render``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Snapshot:
    """What there is to show of one row after t of T trials; privileged: it holds the graph and the goal."""

    names: list[str]
    weights: np.ndarray  # (N, N); [i, j] direct effect of i on j
    relevant: np.ndarray  # (N,) bool
    goal: int
    exploration_trials: int
    trials: int
    initial_values: np.ndarray  # (t + 1, N); the last row is the coming trial's (zeros when the episode is over)
    interventions: np.ndarray  # (t, N); the value set, 0 = none
    outcomes: np.ndarray  # (t, N)
    explanation: str


def render(snapshot: Snapshot, mode: str) -> Any:
    """A str for ``ansi``, (H, W, 3) uint8 for ``rgb_array``."""
    raise NotImplementedError(mode)
