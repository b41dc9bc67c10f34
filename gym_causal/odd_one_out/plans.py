"""Shortest paths for experts and strategies: to an object, to the center, and to a transform and the touch after it.

Also the inference of the intervention task: try an attribute that may be the rewarded one, keep it if it is, else eliminate it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gym_causal.odd_one_out.features import (
    IS_FLOOR,
    NEARNESS,
    NEXT_CELL,
    NUM_CELLS,
    NUM_MOVES,
    NUM_OBJECTS,
    ODD_OBJECT,
    POSITIONS,
    ROOM_CELLS,
    first_adjacent,
)

CENTER = np.array(POSITIONS["in the center"])
IS_CENTER = np.isin(np.arange(NUM_CELLS), CENTER)
"""(121,) bool."""
UNREACHABLE = 200
"""Farther than any two cells of the room, and small enough that one more is no overflow."""


def steps_to(start: np.ndarray, blocked: np.ndarray) -> np.ndarray:
    """The number of steps from every cell, by relaxing all rooms at once until nothing changes (Bellman-Ford).

    Args:
        start: (121, ...) uint8; the cost of finishing at a cell, UNREACHABLE where that is impossible.
        blocked: (121, ...) bool; cells that cannot be entered.

    Returns:
        (121, ...) uint8; the least number of steps to a cell plus its ``start``.
    """
    grid = (ROOM_CELLS, ROOM_CELLS, -1)
    wall = np.where(blocked, UNREACHABLE, 0).astype(np.uint8).reshape(grid)
    steps = start.reshape(grid)
    while True:
        around = steps.copy()
        np.minimum(around[1:-1], np.minimum(steps[:-2], steps[2:]), out=around[1:-1])
        across = around.copy()
        np.minimum(across[:, 1:-1], np.minimum(around[:, :-2], around[:, 2:]), out=across[:, 1:-1])
        nearer = np.maximum(np.minimum(steps, across + 1), wall)
        if (nearer == steps).all():
            return steps.reshape(start.shape)
        steps = nearer


@dataclass(frozen=True)
class Plan:
    """Shortest paths of n rows, from every cell."""

    steps: np.ndarray  # (121, n) uint8; how many steps remain
    transform_here: np.ndarray  # (121, n) bool; transform at this cell
    transform: np.ndarray  # (n,) int; the attribute that transforms change

    @classmethod
    def empty(cls, count: int) -> Plan:
        """Allocated for ``count`` rows, to be filled by :meth:`write`."""
        return cls(np.zeros((NUM_CELLS, count), np.uint8), np.zeros((NUM_CELLS, count), bool), np.zeros(count, int))

    def write(self, rows: np.ndarray, plan: Plan) -> None:
        """Replace the plans of (n,) rows by the n of ``plan``."""
        self.steps[:, rows], self.transform_here[:, rows], self.transform[rows] = plan.steps, plan.transform_here, plan.transform

    def actions(self, agent: np.ndarray) -> np.ndarray:
        """(n,) the first action of a shortest path, for agents at (n,) cells."""
        rows = np.arange(len(agent))
        moves = self.steps[NEXT_CELL[:NUM_MOVES, agent], rows].argmin(axis=0)
        return np.where(self.transform_here[agent, rows], NUM_MOVES + self.transform, moves)


PlanRows = Callable[[np.ndarray], Plan]  # (n,) rows -> their plans


def plans_where(condition: np.ndarray, rows: np.ndarray, if_true: PlanRows, if_false: PlanRows) -> Plan:
    """The plans of (n,) rows: of ``if_true`` where ``condition`` (n,) holds, else of ``if_false``. Each is called with its own rows."""
    if condition.all():
        return if_true(rows)
    if not condition.any():
        return if_false(rows)
    plan = Plan.empty(len(rows))
    plan.write(np.flatnonzero(condition), if_true(rows[condition]))
    plan.write(np.flatnonzero(~condition), if_false(rows[~condition]))
    return plan


def touch_plan(cells: np.ndarray, targets: np.ndarray) -> Plan:
    """Touch the nearest of the target objects, and no other. ``cells`` (n, 4), ``targets`` (n, 4) bool."""
    steps = _steps_to_objects(cells, targets)
    return Plan(steps, np.zeros(steps.shape, bool), np.zeros(len(cells), int))


def center_plan(cells: np.ndarray) -> Plan:
    """Go to the nearest free cell of the center; the whole room is in view from each. ``cells`` (n, 4) of the objects."""
    blocked = _blocked(cells, np.zeros(cells.shape, bool))
    start = np.full(blocked.shape, UNREACHABLE, np.uint8)
    start[CENTER] = np.where(blocked[CENTER], UNREACHABLE, 0)
    steps = steps_to(start, blocked)
    return Plan(steps, np.zeros(steps.shape, bool), np.zeros(len(cells), int))


def experiment_plan(cells: np.ndarray, patterns: np.ndarray, attribute: np.ndarray) -> Plan:
    """Make an object odd in an attribute with one transform and touch it, in as few steps as possible.

    Changing one of four alike makes it the odd one; changing one of a pair makes its former partner the odd one.

    Args:
        cells: (n, 4) of the objects.
        patterns: (n,) uint8; of the attribute.
        attribute: (n,) int.
    """
    rows = np.arange(len(cells))
    one_each = np.broadcast_to(np.eye(NUM_OBJECTS, dtype=bool), (len(cells), NUM_OBJECTS, NUM_OBJECTS))
    steps_to_object = _steps_to_objects(np.repeat(cells, NUM_OBJECTS, axis=0), one_each.reshape(-1, NUM_OBJECTS))
    steps_to_object = steps_to_object.reshape(NUM_CELLS, len(cells), NUM_OBJECTS)
    blocked = _blocked(cells, np.zeros(cells.shape, bool))
    changed, is_near = first_adjacent(NEARNESS[:, cells.T].transpose(1, 0, 2))  # (121, n) each
    becomes_odd = ODD_OBJECT[patterns[:, None] ^ (1 << np.arange(NUM_OBJECTS))]  # (n, 4)
    goal = becomes_odd[rows, changed]  # (121, n)
    possible = is_near & (goal >= 0) & ~blocked
    finish = np.where(possible, steps_to_object[np.arange(NUM_CELLS)[:, None], rows, goal] + 1, UNREACHABLE).astype(np.uint8)
    steps = steps_to(np.minimum(finish, UNREACHABLE), blocked)
    return Plan(steps, possible & (finish == steps), attribute)


def attribute_to_try(possible: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(n,) the first attribute in (n, 3) ``order`` that is still ``possible``, (n, 3) bool."""
    in_order = np.take_along_axis(possible, order, 1)
    return order[np.arange(len(order)), in_order.argmax(axis=1)]


def odd_targets(patterns: np.ndarray, possible: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first possible attribute in which an object is odd, and that object.

    Args:
        patterns: (n, 3) uint8.
        possible: (n, 3) bool; attributes that may be rewarded.
        order: (n, 3) int; attributes in the order of preference.

    Returns:
        (n,) int; the attribute, -1 where there is none, and (n, 4) bool; the object, any object where there is none.
    """
    odd = ODD_OBJECT[patterns]
    promising = possible & (odd >= 0)
    any_promising, attribute = promising.any(axis=1), attribute_to_try(promising, order)
    target = odd[np.arange(len(odd)), attribute]
    return np.where(any_promising, attribute, -1), (target[:, None] == np.arange(NUM_OBJECTS)) | ~any_promising[:, None]


def still_possible(possible: np.ndarray, unique: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """(n, 3) bool; which attributes may be the rewarded one, given a touch.

    Args:
        possible: (n, 3) bool; the same before the touch.
        unique: (n, 3) bool; the attributes in which the touched object was odd.
        correct: (n,) bool; whether it was rewarded.
    """
    return possible & (unique == correct[:, None])


def _blocked(cells: np.ndarray, enterable: np.ndarray) -> np.ndarray:
    """(121, n) bool; walls, and objects (n, 4) that are not ``enterable``, (n, 4) bool."""
    blocked = np.repeat(~IS_FLOOR[:, None], len(cells), axis=1)
    blocked[cells.T, np.arange(len(cells))] = ~enterable.T
    return blocked


def _steps_to_objects(cells: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(121, n) uint8; steps until the nearest of the targets (n, 4) bool is touched, around the other objects."""
    start = np.full((NUM_CELLS, len(cells)), UNREACHABLE, np.uint8)
    start[cells.T, np.arange(len(cells))] = np.where(targets.T, 0, UNREACHABLE)
    return steps_to(start, _blocked(cells, targets))
