"""What the observations of an episode show about each variable, and nothing else that a task knows."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from gym_causal.core.task import Observations


class Finding(IntEnum):
    """What was observed about a variable."""

    NOT_CUED = 0  # it is not in the graph, so nothing that was observed matters
    NOT_TRIED = 1
    TRIED = 2  # and there is no goal yet
    IS_GOAL = 3
    MOVED_DOWN = 4  # the goal, in the trial that set the variable last
    DID_NOT_MOVE = 5
    MOVED_UP = 6


class Experiments:
    """What was observed in the trials of B episodes so far: for each variable, the last trial that set it."""

    def __init__(self, num_envs: int, num_variables: int) -> None:
        self.tried_value = np.zeros((num_envs, num_variables), np.float32)  # the value it was set to; 0: it was not tried
        # [b, i, j] outcome minus initial value of variable j in the trial that set i last.
        self.changes = np.zeros((num_envs, num_variables, num_variables), np.float32)

    def record(self, observations: Observations) -> None:
        """Add the trial that observations, (B, ...) each, show as the last one."""
        row, variable = np.nonzero(observations["last_intervention"])
        self.tried_value[row, variable] = observations["last_intervention"][row, variable]
        self.changes[row, variable] = (observations["last_outcome"] - observations["last_initial_values"])[row]


class Evidence(NamedTuple):
    """What was observed of B episodes when the next trial begins."""

    tried_value: np.ndarray  # (B, N) float32; the value that each variable was last set to, 0: it was not tried
    finding: np.ndarray  # (B, N) int8 of Finding
    change: np.ndarray  # (B, N) float32; of the goal in that trial, 0 where the finding is of another kind
    goals: np.ndarray | None  # (B,) int; None in exploration

    @classmethod
    def of(cls, experiments: Experiments, relevant: np.ndarray, goals: np.ndarray | None) -> Evidence:
        """What experiments show.

        Args:
            experiments: of the trials so far.
            relevant: (B, N) bool; the variables that the cue names, all of them where there is none.
            goals: (B,) int; None in exploration.
        """
        tried, row = experiments.tried_value != 0, np.arange(len(relevant))
        change = np.zeros(relevant.shape, np.float32)
        finding = np.where(tried, Finding.TRIED, Finding.NOT_TRIED)
        if goals is not None:
            counts = tried & relevant
            counts[row, goals] = False
            change[counts] = experiments.changes[row, :, goals][counts]
            finding = np.where(tried, Finding.DID_NOT_MOVE + np.sign(change), Finding.NOT_TRIED)
            finding[row, goals] = Finding.IS_GOAL
        finding = np.where(relevant, finding, Finding.NOT_CUED)
        return cls(experiments.tried_value, finding.astype(np.int8), change, goals)
