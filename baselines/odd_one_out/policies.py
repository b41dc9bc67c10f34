"""Strategies for the odd-one-out tasks. They read observations only, pixels or symbols.

An agent's view reaches five cells, so from most cells it does not show the whole room. All strategies but ``random`` and ``nearest`` first
walk towards the center until all four objects have been in view. From then on they take shortest paths, as the expert does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from baselines.odd_one_out.perception import VIEW_CENTER, symbols
from baselines.odd_one_out.state import ObservedRooms
from gym_causal.core.task import Observations
from gym_causal.odd_one_out.features import (
    ATTRIBUTES,
    NUM_CELLS,
    NUM_MOVES,
    NUM_OBJECTS,
    NUM_VISIBLE,
    POSITIONS,
    ROOM_CELLS,
    Attribute,
)
from gym_causal.odd_one_out.frames import OBJECT
from gym_causal.odd_one_out.plans import Plan, attribute_to_try, experiment_plan, odd_targets, touch_plan
from gym_causal.policies import Policy

_CENTER = np.array(POSITIONS["in the center"])
"""From any of these cells the whole room is in view."""


class RandomRoomPolicy:
    """Uniform over the legal actions. ``num_actions``: 8, or 11 with transforms."""

    name = "random"

    def __init__(self, num_actions: int, seed: int = 0) -> None:
        self.num_actions, self.seed = num_actions, seed

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        rng = np.random.default_rng(self.seed) if state is None else state
        legal = np.ones((len(episode_starts), self.num_actions), bool)
        around = slice(VIEW_CENTER - 1, VIEW_CENTER + 2)
        near = symbols(np.asarray(observations["view"]))[:, around, around, 0] == OBJECT
        may_transform = (np.asarray(observations["may_transform"]) > 0) & (np.asarray(observations["touched"]) == 0)
        legal[:, NUM_MOVES:] = (near.any(axis=(1, 2)) & may_transform)[:, None]
        return np.where(legal, rng.random(legal.shape), -1.0).argmax(axis=1), rng


class NearestPolicy:
    """Touches the nearest object that has been in view; at equal distances the one with the lowest cell number. Never transforms."""

    name = "nearest"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(
        self, observations: Observations, state: ObservedRooms | None, episode_starts: np.ndarray
    ) -> tuple[np.ndarray, ObservedRooms]:
        rooms, agent, actions = _observe(self.seed, observations, state, episode_starts)
        rows = np.flatnonzero(rooms.count)
        has_object = rooms.objects[rows, :, 0] > 0
        distance = np.where(has_object, _distances()[agent[rows]], NUM_CELLS)
        target = distance.argmin(axis=1)
        plan = touch_plan(np.repeat(target[:, None], NUM_OBJECTS, axis=1), np.ones((len(rows), NUM_OBJECTS), bool))
        actions[rows] = plan.actions(agent[rows])
        return actions, rooms


class AttributePolicy:
    """Chooses an attribute, makes an object odd in it if a transform is left, and touches the object that is odd in it.

    Args:
        name: "color", "texture" or "shape": always this attribute. "odd_one_out": one drawn anew each trial, among those in which an object
            is odd, whatever was rewarded before. "elimination": as the expert does, an attribute that the rewards so far leave possible.
        seed: of its random numbers.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name, self.seed = name, seed

    def __call__(
        self, observations: Observations, state: ObservedRooms | None, episode_starts: np.ndarray
    ) -> tuple[np.ndarray, ObservedRooms]:
        rooms, agent, actions = _observe(self.seed, observations, state, episode_starts)
        may_transform = np.asarray(observations["may_transform"]) > 0
        may_plan = (rooms.count == NUM_OBJECTS) & (np.asarray(observations["touched"]) == 0)
        for transforming in (True, False):
            rows = np.flatnonzero(may_plan & (may_transform == transforming))
            if rows.size:
                actions[rows] = self._plan(rooms, rows, transforming=transforming).actions(agent[rows])
        return actions, rooms

    def _plan(self, rooms: ObservedRooms, rows: np.ndarray, *, transforming: bool) -> Plan:
        cells, patterns = rooms.known(rows)
        order = (rooms.trial_order if self.name == "odd_one_out" else rooms.episode_order)[rows]
        possible = np.ones(order.shape, bool)
        if self.name == "elimination":
            possible = rooms.possible[rows]
        elif self.name != "odd_one_out":
            possible[:] = np.array(ATTRIBUTES) == self.name
        if not transforming:
            return touch_plan(cells, odd_targets(patterns, possible, order)[1])
        possible[:, Attribute.POSITION] = False  # no transform changes it
        attribute = attribute_to_try(possible, order)
        return experiment_plan(cells, patterns[np.arange(len(rows)), attribute], attribute)


def _observe(
    seed: int, observations: Observations, state: ObservedRooms | None, episode_starts: np.ndarray
) -> tuple[ObservedRooms, np.ndarray, np.ndarray]:
    """The rooms as observed so far, the agents' cells (B,), and (B,) actions that walk to the center: what to do until more is known."""
    rooms = ObservedRooms.initial(seed, len(episode_starts)) if state is None else state
    agent = rooms.update(observations, episode_starts)
    return rooms, agent, _walk_to_center(rooms, agent)


def _walk_to_center(rooms: ObservedRooms, agent: np.ndarray) -> np.ndarray:
    """(B,) moves towards the center around the objects observed so far, for rows that have not observed all; 0 for others."""
    actions = np.zeros(len(agent), int)
    for count in range(NUM_OBJECTS):
        rows = np.flatnonzero(rooms.count == count)
        if rows.size == 0:
            continue
        observed = np.nonzero(rooms.objects[rows, :, 0])[1].reshape(len(rows), count)
        occupied = (observed[:, :, None] == _CENTER).any(axis=1)  # (n, 9)
        # As "objects" of the plan: the cells of the center, to be reached, and the objects observed, to be avoided.
        cells = np.concatenate([np.broadcast_to(_CENTER, (len(rows), len(_CENTER))), observed], axis=1)
        targets = np.concatenate([~occupied, np.zeros(observed.shape, bool)], axis=1)
        actions[rows] = touch_plan(cells, targets).actions(agent[rows])
    return actions


@cache
def _distances() -> np.ndarray:
    """(121, 121) the number of moves between two cells in an empty room."""
    row, column = np.divmod(np.arange(NUM_CELLS), ROOM_CELLS)
    return np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))


# --- by name -------------------------------------------------------------------------------------------------------------

Factory = Callable[[int, dict[str, Any]], Policy]


def _strategies(num_actions: int, names: tuple[str, ...]) -> dict[str, Factory]:
    def random(seed: int, env_kwargs: dict[str, Any]) -> Policy:
        return RandomRoomPolicy(num_actions, seed)

    def nearest(seed: int, env_kwargs: dict[str, Any]) -> Policy:
        return NearestPolicy(seed)

    def by_attribute(name: str, seed: int, env_kwargs: dict[str, Any]) -> Policy:
        return AttributePolicy(name, seed)

    return {"random": random, "nearest": nearest, **{name: partial(by_attribute, name) for name in names}}


STRATEGIES: dict[str, dict[str, Factory]] = {
    "OddOneOut-v0": _strategies(NUM_MOVES, ("color", "texture", "shape", "odd_one_out")),
    "OddOneOutConfounded-v0": _strategies(NUM_MOVES, ("color", "texture", "shape", "odd_one_out")),
    "OddOneOutIntervention-v0": _strategies(NUM_MOVES + NUM_VISIBLE, ("color", "texture", "shape", "odd_one_out", "elimination")),
}
"""Env id -> name -> (seed, the env's arguments) -> policy."""
