"""What there is to show of an episode: data for the trial log and the picture alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EpisodeSnapshot:
    """What there is to show of one row after t of T trials; privileged: it holds the graph and the goal."""

    names: list[str]
    weights: np.ndarray  # (N, N); [i, j] direct effect of i on j
    relevant: np.ndarray  # (N,) bool
    goal: int  # shown from the first exploitation trial on
    exploration_trials: int
    trials: int  # T
    initial_values: np.ndarray  # (t + 1, N); the last row is the coming trial's (zeros when the episode is over)
    interventions: np.ndarray  # (t, N); the value set, 0 = none
    outcomes: np.ndarray  # (t, N)
    explanation: str  # of the last trial; "" = none

    @property
    def played(self) -> int:
        """t; how many trials were played."""
        return len(self.outcomes)

    @property
    def is_over(self) -> bool:
        return self.played == self.trials

    @property
    def shows_goal(self) -> bool:
        """Whether the agent has observed the goal; until then it is not shown either."""
        return self.played >= self.exploration_trials

    @property
    def rewards(self) -> np.ndarray:
        """(t,) float; what each trial paid, 0 in exploration."""
        return np.where(np.arange(self.played) >= self.exploration_trials, self.outcomes[:, self.goal], 0.0)

    @property
    def heading(self) -> str:
        """Phase, trial, goal and reward in one line."""
        goal = self.names[self.goal]
        if self.is_over:
            return f"Over after {self.trials} trials: the goal was {goal}, reward {signed(self.rewards.sum())}"
        trial = f"trial {self.played + 1} of {self.trials}"
        return f"Exploitation, {trial}: the goal is {goal}" if self.shows_goal else f"Exploration, {trial}: no goal yet"

    def do_target(self, trial: int) -> int:
        """The variable that was set in a trial, -1 = none."""
        was_set = np.nonzero(self.interventions[trial])[0]
        return int(was_set[0]) if was_set.size else -1

    def intervention(self, trial: int) -> str:
        """``do(C=+5)``, or ``nothing set`` for an action that is not allowed."""
        target = self.do_target(trial)
        return f"do({self.names[target]}={self.interventions[trial, target]:+g})" if target >= 0 else "nothing set"


def signed(value: float, decimals: int = 2) -> str:
    """A value with its sign, never "-0.00", and in short when it is large."""
    if abs(value) >= 1000:
        return f"{value:+.0e}"
    return f"{round(float(value), decimals) + 0.0:+.{decimals}f}"
