"""The state of B rooms and their dynamics: walk, transform, touch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_causal.odd_one_out.config import RoomConfig
from gym_causal.odd_one_out.features import (
    NEARNESS,
    NEXT_CELL,
    NUM_CELLS,
    NUM_MOVES,
    NUM_OBJECTS,
    ODD_OBJECT,
    STAY,
    first_adjacent,
)
from gym_causal.odd_one_out.generators import NUM_ATTRIBUTES, episode_dtype

NO_TOUCH = -1
"""The value of ``odd_attribute_mask`` while there is no touch to report."""

_EPISODE_OVER = -1  # the value of feedback_left once an episode is over
_OBJECTS = np.arange(NUM_OBJECTS, dtype=np.uint8)[:, None]  # (4, 1)
_NEXT_CELL = NEXT_CELL.astype(np.intp).ravel()
_NEARNESS = NEARNESS.ravel()


class Touch(NamedTuple):
    """Touches in n rows."""

    rows: np.ndarray  # (n,) int
    objects: np.ndarray  # (n,) int; which one was touched
    unique: np.ndarray  # (4 attributes, n) bool; in which attributes it is odd
    correct: np.ndarray  # (n,) bool; whether it is odd in the rewarded one


class Rooms:
    """The rooms of the present trials of ``num_envs`` rows.

    Arrays about objects have the batch axis last, so that operations over four objects run on long contiguous vectors.
    """

    def __init__(self, config: RoomConfig, num_envs: int) -> None:
        self.config, self.num_envs = config, num_envs
        self._transforms_of = np.array(config.transforms)
        self._has_transforms = bool(self._transforms_of.any())
        self.draws = np.zeros(num_envs, episode_dtype(config.trials))  # (B,) everything drawn for the episode
        self.trial = np.zeros(num_envs, int)  # (B,); T once the episode is over
        self.steps = np.zeros(num_envs, int)  # (B,) in this trial, without feedback steps
        self.feedback_left = np.zeros(num_envs, int)  # (B,) feedback steps to come, or _EPISODE_OVER
        self.agent = np.zeros(num_envs, np.intp)  # (B,) its cell
        self.cells = np.zeros((NUM_OBJECTS, num_envs), np.intp)
        self.patterns = np.zeros((NUM_ATTRIBUTES, num_envs), np.uint8)
        self.features = np.zeros((NUM_ATTRIBUTES, NUM_OBJECTS, num_envs), np.int8)  # values
        self.transforms = np.zeros(num_envs, int)  # (B,) how many are left
        self.touched = np.full(num_envs, -1, np.int8)  # (B,) the object, -1 = none yet
        self.odd_attribute_mask = np.full(num_envs, NO_TOUCH, np.intp)  # (B,) attributes in which the touched object is odd, as bits

    @property
    def acting(self) -> np.ndarray:
        """(B,) bool; whether actions have an effect: not in feedback steps, nor after the end of the episode."""
        return self.feedback_left == 0

    @property
    def in_last_trial(self) -> np.ndarray:
        """(B,) bool."""
        return self.trial == self.config.trials - 1

    def begin_episodes(self, rows: np.ndarray, draws: np.ndarray) -> None:
        """Put (n,) rows at the start of episodes, (n,) records."""
        self.draws[rows] = draws
        self.trial[rows] = 0
        self.odd_attribute_mask[rows] = NO_TOUCH
        self._begin_trial(rows)

    def _begin_trial(self, rows: np.ndarray) -> None:
        trial, draws = self.trial[rows], self.draws[rows]
        row = np.arange(len(rows))
        patterns = np.ascontiguousarray(draws["patterns"][row, trial].T)  # (attributes, n)
        bits = patterns[:, None] >> _OBJECTS & 1  # (attributes, objects, n)
        values = np.ascontiguousarray(draws["values"][row, trial].T)  # (2, attributes, n)
        self.features[:, :, rows] = np.where(bits, values[1][:, None], values[0][:, None])
        self.agent[rows] = draws["agent"][row, trial]
        self.cells[:, rows] = draws["cells"][row, trial].T
        self.patterns[:, rows] = patterns
        self.transforms[rows] = self._transforms_of[trial]
        self.touched[rows] = -1
        self.steps[rows] = 0
        self.feedback_left[rows] = 0

    def nearness(self, rows: slice | np.ndarray) -> np.ndarray:
        """(4, n) uint8; ``NEARNESS`` of the objects of (n,) rows to their agent."""
        return _NEARNESS.take(self.agent[rows] * NUM_CELLS + self.cells[:, rows])

    def act(self, actions: np.ndarray) -> tuple[np.ndarray, Touch | None, np.ndarray, np.ndarray]:
        """Play (B,) actions within the present trials.

        Returns:
            (n,) rows in which an object was transformed; the touches, None if there were none; and (B,) bool each: whether the trial is
            finished, and whether it timed out.
        """
        acting = self.acting
        in_feedback = self.feedback_left > 0
        self.feedback_left -= in_feedback
        finished = in_feedback & (self.feedback_left == 0)
        if self.config.feedback_steps == 0:
            self.odd_attribute_mask[:] = NO_TOUCH  # it was reported with the next trial's first observation
        moves = np.where(acting, actions, STAY)
        transformed = self._transform(moves) if self._has_transforms else np.zeros(0, int)
        self.agent = _NEXT_CELL.take(moves * NUM_CELLS + self.agent)
        self.steps += acting
        on_object = self.cells == self.agent  # (4, B)
        touched = np.logical_or.reduce(on_object, axis=0) & acting
        timed_out = (self.steps >= self.config.max_trial_steps) & acting & ~touched
        touching = np.flatnonzero(touched)
        touch = self._touch(touching, on_object[:, touching].argmax(axis=0)) if touching.size else None
        if self.config.feedback_steps == 0:
            finished |= touched
        return transformed, touch, finished | timed_out, timed_out

    def _transform(self, moves: np.ndarray) -> np.ndarray:
        """Change the first adjacent object clockwise from north where (B,) moves ask for it and allowed; returns these rows, (n,)."""
        rows = np.flatnonzero((moves >= NUM_MOVES) & (moves < STAY) & (self.transforms > 0))
        changed, is_near = first_adjacent(self.nearness(rows))
        rows, changed = rows[is_near], changed[is_near].astype(int)
        if rows.size:
            attribute = moves[rows] - NUM_MOVES
            values = self.draws["values"][rows, self.trial[rows], attribute]  # (n, 2)
            self.patterns[attribute, rows] ^= (1 << changed).astype(np.uint8)
            # Of the two values of the trial, the one that it does not have.
            self.features[attribute, changed, rows] = values.sum(axis=1, dtype=np.int8) - self.features[attribute, changed, rows]
            self.transforms[rows] -= 1
        return rows

    def _touch(self, rows: np.ndarray, objects: np.ndarray) -> Touch:
        unique = ODD_OBJECT[self.patterns[:, rows]] == objects  # (attributes, n)
        correct = unique[self.draws["rewarded"][rows], np.arange(len(rows))]
        self.touched[rows] = objects
        self.feedback_left[rows] = self.config.feedback_steps
        self.odd_attribute_mask[rows] = (1 << np.arange(NUM_ATTRIBUTES)) @ unique
        return Touch(rows, objects, unique, correct)

    def next_trials(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Go on to the next trial in (n,) rows; returns the rows whose episode ended and those in which a trial began."""
        self.trial[rows] += 1
        over = self.trial[rows] == self.config.trials
        ended, begun = rows[over], rows[~over]
        self.feedback_left[ended] = _EPISODE_OVER
        self.transforms[ended] = 0
        if begun.size:
            if self.config.feedback_steps:
                self.odd_attribute_mask[begun] = NO_TOUCH
            self._begin_trial(begun)
        return ended, begun
