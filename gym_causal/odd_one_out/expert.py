"""The expert of a room: when its plans are computed, and what it knows of the room.

It knows all positions and features, also outside the agent's view, unless ``expert_sight="view"``: then it first walks to the center, until
each object has been in view in this trial. With "review" it also walks there after each transform, and looks at the room as it is now.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from gym_causal.odd_one_out.features import NUM_CELLS, NUM_OBJECTS
from gym_causal.odd_one_out.frames import in_view
from gym_causal.odd_one_out.plans import IS_CENTER, Plan, center_plan, plans_where
from gym_causal.odd_one_out.rooms import Rooms

_IN_VIEW = in_view().ravel()


class Planner(Protocol):
    """Plans for (n,) rows whose four objects are all known; ``oracle``: knowing which attribute is rewarded."""

    def __call__(self, rows: np.ndarray, *, oracle: bool) -> Plan: ...


class Expert:
    """Plans of B rows, computed when actions are asked for and kept until the room changes.

    Args:
        rooms: the rooms it acts in.
        planner: plans for rows whose objects are all known.
        oracle: whether it knows which attribute is rewarded.
        sight: "room", "view" or "review"; see the module.
    """

    def __init__(self, rooms: Rooms, planner: Planner, *, oracle: bool, sight: str) -> None:
        self._rooms, self._planner, self._oracle = rooms, planner, oracle
        self._needs_view, self._reviews = sight != "room", sight == "review"
        self._plans: Plan | None = None  # allocated when first needed: most envs are never asked for expert actions
        self._is_stale = np.ones(rooms.num_envs, bool)
        self._viewed = np.zeros((NUM_OBJECTS, rooms.num_envs), bool)  # objects that were in view in this trial
        self._must_review = np.zeros(rooms.num_envs, bool)  # rows in which an object was transformed since it was in the center

    def begin_trial(self, rows: np.ndarray) -> None:
        """(n,) rows are at the start of a trial."""
        self._is_stale[rows] = True
        if self._needs_view:
            self._viewed[:, rows] = False
            self._must_review[rows] = False
            self._update_viewed(rows)

    def update(self, transformed: np.ndarray) -> np.ndarray:
        """The agents have moved, and in (n,) rows an object was transformed; returns the (m,) rows in which it has now seen enough."""
        if transformed.size:
            self._is_stale[transformed] = True
            self._must_review[transformed] = self._reviews
        return self._update_viewed(np.arange(self._rooms.num_envs)) if self._needs_view else np.zeros(0, int)

    def knows_room(self, rows: np.ndarray) -> np.ndarray:
        """(n,) bool; whether it knows all objects of (n,) rows."""
        known: np.ndarray = np.logical_and.reduce(self._viewed[:, rows], axis=0)
        return known if self._needs_view else np.ones(len(rows), bool)

    def has_seen_enough(self, rows: np.ndarray) -> np.ndarray:
        """(n,) bool; whether it need not look around any more in (n,) rows."""
        return self.knows_room(rows) & ~self._must_review[rows]

    def _update_viewed(self, rows: np.ndarray) -> np.ndarray:
        """Add the objects that are in view now, in (n,) rows; returns the rows in which it has seen enough now and had not before."""
        before = self.has_seen_enough(rows)
        agent = self._rooms.agent[rows]
        self._viewed[:, rows] |= _IN_VIEW.take(agent * NUM_CELLS + self._rooms.cells[:, rows])
        if self._reviews:
            self._must_review[rows] &= ~IS_CENTER[agent]
        ready = rows[self.has_seen_enough(rows) & ~before]
        self._is_stale[ready] = True
        return ready

    def actions(self) -> np.ndarray:
        """(B,) int; the first actions of shortest paths; 0 in feedback steps and after the end of the episode."""
        acting = self._rooms.acting
        if self._plans is None:
            self._plans = Plan.empty(self._rooms.num_envs)
        stale = np.flatnonzero(self._is_stale & acting)
        if stale.size:
            self._plans.write(stale, self._plan(stale))
            self._is_stale[stale] = False
        return np.where(acting, self._plans.actions(self._rooms.agent), 0)

    def _plan(self, rows: np.ndarray) -> Plan:
        if not self._needs_view:
            return self._planner(rows, oracle=self._oracle)
        return plans_where(
            self.has_seen_enough(rows),
            rows,
            lambda some: self._planner(some, oracle=self._oracle),
            lambda others: center_plan(self._rooms.cells[:, others].T),
        )
