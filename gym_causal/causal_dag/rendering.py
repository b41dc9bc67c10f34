"""What there is to show of an episode, and two ways to show it: a trial log in words and numbers, and a picture of the graph.

The picture needs the extra ``render``; it is drawn in :mod:`gym_causal.causal_dag.picture`.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.extras import needs_extra

# A log wider or longer than this is no longer read; what is left out is said in a line of its own.
_MAX_LOG_VARIABLES = 12
_MAX_LOG_TRIALS = 12
_LOG_WIDTH = 100  # characters; the table may be wider
_MAX_EXPLANATION_LINES = 6  # info["explanation"] holds all of it


@dataclass(frozen=True)
class Snapshot:
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
        """Whether the agent knows the goal by now; until then it is not shown either."""
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


def render(snapshot: Snapshot, mode: str) -> Any:
    """A picture of an episode.

    Args:
        snapshot: what to show.
        mode: ``ansi`` for the trial log, a str: what the agent saw, and the explanation. ``rgb_array`` for the graph with the last
            outcome, (H, W, 3) uint8; it shows the graph, which the agent does not see. Same snapshot, same result.

    Raises:
        ImportError: ``rgb_array`` without the extra ``render``.
        ValueError: another mode.
    """
    if mode == "ansi":
        return trial_log(snapshot)
    if mode != "rgb_array":
        raise ValueError(f"mode must be 'ansi' or 'rgb_array', got {mode!r}")
    with needs_extra("rendering", "render"):
        from gym_causal.causal_dag.picture import picture  # noqa: PLC0415 - an optional extra that the core does not import
    return picture(snapshot)


def signed(value: float, decimals: int = 2) -> str:
    """A value with its sign, never "-0.00", and in short when it is large."""
    if abs(value) >= 1000:
        return f"{value:+.0e}"
    return f"{round(float(value), decimals) + 0.0:+.{decimals}f}"


# --- the trial log -------------------------------------------------------------------------------------------------------------


def trial_log(snapshot: Snapshot) -> str:
    """One pair of lines a trial, initial values above the outcome; then the coming trial's initial values and the explanation."""
    first = max(0, snapshot.played - _MAX_LOG_TRIALS)
    shown = _logged_variables(snapshot, first)
    notes = []
    if not snapshot.relevant.all():
        relevant = ", ".join(np.array(snapshot.names)[snapshot.relevant])
        notes.append(f"Relevant: {relevant}; the other variables are noise.")
    if len(shown) < len(snapshot.names):
        notes.append(f"Showing {len(shown)} of {len(snapshot.names)} variables: the goal, those set last, then the others in order.")
    if first:
        notes.append(f"Showing the last {snapshot.played - first} of {snapshot.played} trials.")

    rows = [["trial", "", *(snapshot.names[variable] for variable in shown), "reward" if snapshot.shows_goal else ""]]
    for trial in range(first, snapshot.played):
        reward = signed(snapshot.rewards[trial]) if trial >= snapshot.exploration_trials else ""
        rows.append([str(trial + 1), "initial", *map(signed, snapshot.initial_values[trial, shown]), ""])
        rows.append(["", snapshot.intervention(trial), *map(signed, snapshot.outcomes[trial, shown]), reward])
    if not snapshot.is_over:
        rows.append([str(snapshot.played + 1), "initial", *map(signed, snapshot.initial_values[-1, shown]), ""])
    lines = [snapshot.heading, *(line for note in notes for line in textwrap.wrap(note, _LOG_WIDTH)), "", *_aligned(rows)]
    if snapshot.explanation:
        lines += ["", *textwrap.wrap(snapshot.explanation, _LOG_WIDTH, max_lines=_MAX_EXPLANATION_LINES, placeholder=" [...]")]
    return "\n".join(lines)


def _logged_variables(snapshot: Snapshot, first_trial: int) -> list[int]:
    """The variables that have a column: all, or the goal, those set last, the relevant ones, and others while there is room."""
    goal = [snapshot.goal] if snapshot.shows_goal else []
    was_set = [snapshot.do_target(trial) for trial in reversed(range(first_trial, snapshot.played))]
    by_relevance = np.argsort(~snapshot.relevant, kind="stable").tolist()
    wanted = dict.fromkeys(variable for variable in [*goal, *was_set, *by_relevance] if variable >= 0)
    return sorted(list(wanted)[:_MAX_LOG_VARIABLES])


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of cells as lines: columns two spaces apart, to the right but for the second, no spaces at a line's end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for trial, what, *cells in rows:
        numbers = [cell.rjust(width) for cell, width in zip(cells, widths[2:], strict=True)]
        lines.append("  ".join([trial.rjust(widths[0]), what.ljust(widths[1]), *numbers]).rstrip())
    return lines
