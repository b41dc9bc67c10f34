"""Two ways to show an episode: a trial log in words and numbers, and a picture of the graph.

The picture needs the extra ``render``; it is drawn in :mod:`gym_causal.causal_dag.picture`.
"""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from gym_causal.causal_dag.snapshot import EpisodeSnapshot, signed
from gym_causal.extras import needs_extra

# A log wider or longer than this is hard to read; a line of its own states what is left out.
_MAX_LOG_VARIABLES = 12
_MAX_LOG_TRIALS = 12
_LOG_WIDTH = 100  # characters; the table may be wider
_MAX_EXPLANATION_LINES = 6  # info["explanation"] holds all of it


def render(snapshot: EpisodeSnapshot, mode: str) -> Any:
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


# --- the trial log -------------------------------------------------------------------------------------------------------------


def trial_log(snapshot: EpisodeSnapshot) -> str:
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


def _logged_variables(snapshot: EpisodeSnapshot, first_trial: int) -> list[int]:
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
