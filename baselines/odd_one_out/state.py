"""The recurrent state of a strategy: the objects observed in a trial, and what touches have shown in an episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.odd_one_out.perception import VIEW_CENTER, own_cell, symbols
from gym_causal.core.task import Observations
from gym_causal.odd_one_out.features import NUM_CELLS, NUM_OBJECTS, NUM_VISIBLE, ODD_OBJECT, POSITIONS, ROOM_CELLS, Attribute
from gym_causal.odd_one_out.frames import OBJECT
from gym_causal.odd_one_out.plans import still_possible

_POSITION_OF_CELL = np.full(NUM_CELLS, -1)
for _position, _cells in enumerate(POSITIONS.values()):
    _POSITION_OF_CELL[list(_cells)] = _position


@dataclass
class ObservedRooms:
    """The state of B rows; updated in place."""

    rng: np.random.Generator
    trial: np.ndarray  # (B,) int
    objects: np.ndarray  # (B, 121, 3) uint8; 1 + the values of the object observed at a cell in this trial, 0 = none
    episode_order: np.ndarray  # (B, 4) int; a random order of the attributes, for an episode
    trial_order: np.ndarray  # (B, 4) int; another, for a trial
    possible: np.ndarray  # (B, 4) bool; attributes that may be rewarded, given the touches of this episode
    had_touched: np.ndarray  # (B,) bool

    @classmethod
    def initial(cls, seed: int, batch: int) -> ObservedRooms:
        """The state before the first step, of ``batch`` rows; ``seed`` is that of the random orders."""
        rng, attributes = np.random.default_rng(seed), len(Attribute)
        order = np.zeros((batch, attributes), int)
        objects = np.zeros((batch, NUM_CELLS, NUM_VISIBLE), np.uint8)
        return cls(rng, np.full(batch, -1), objects, order, order.copy(), np.ones((batch, attributes), bool), np.zeros(batch, bool))

    def update(self, observations: Observations, episode_starts: np.ndarray) -> np.ndarray:
        """Update by the observations of a step; returns the agents' cells (B,)."""
        starts = np.asarray(episode_starts, bool)
        new_trial = starts | (self.trial != observations["trial"])
        self.trial = np.asarray(observations["trial"]).copy()
        self.objects[new_trial] = 0
        self.possible[starts] = True
        orders = self.rng.random((2, *self.possible.shape)).argsort(axis=2)
        self.episode_order = np.where(starts[:, None], orders[0], self.episode_order)
        self.trial_order = np.where(new_trial[:, None], orders[1], self.trial_order)
        grid = symbols(np.asarray(observations["view"]))
        agent = own_cell(grid[..., 0])
        row, down, right = np.nonzero(grid[..., 0] == OBJECT)
        cell = agent[row] + (down - VIEW_CENTER) * ROOM_CELLS + right - VIEW_CENTER
        self.objects[row, cell] = grid[row, down, right, 1:]
        touched = np.asarray(observations["touched"]) > 0
        self._infer(np.flatnonzero(touched & ~self.had_touched & ~starts), agent, np.asarray(observations["last_reward"])[:, 0] > 0)
        self.had_touched = touched
        return agent

    def _infer(self, rows: np.ndarray, agent: np.ndarray, correct: np.ndarray) -> None:
        """Update ``possible`` in (n,) rows in which an object was just touched; ``correct`` (B,): whether it was rewarded."""
        rows = rows[self.count[rows] == NUM_OBJECTS]
        cells, patterns = self.known(rows)
        unique = ODD_OBJECT[patterns] == (cells == agent[rows, None]).argmax(axis=1)[:, None]
        self.possible[rows] = still_possible(self.possible[rows], unique, correct[rows])

    @property
    def count(self) -> np.ndarray:
        """(B,) the number of objects observed in this trial."""
        return (self.objects[..., 0] > 0).sum(axis=1)

    def known(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells (n, 4) and patterns (n, 4 attributes) of the objects, of (n,) rows in which all have been observed."""
        cells = np.nonzero(self.objects[rows, :, 0])[1].reshape(len(rows), NUM_OBJECTS)
        visible, position = self.objects[rows[:, None], cells].astype(int), _POSITION_OF_CELL[cells][..., None]
        values = np.concatenate([visible, position], axis=2)  # (n, objects, 4)
        differs = values != values[:, :1]
        return cells, (differs << np.arange(NUM_OBJECTS)[:, None]).sum(axis=1).astype(np.uint8)
