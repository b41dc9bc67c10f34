"""Simple strategies for the odd-one-out tasks. They see observations and nothing else, pixels or symbols, and remember what they saw.

An agent sees five cells far, so from most cells not the whole room. All strategies but ``random`` and ``nearest`` first walk towards the
center until they have seen all four objects. Paths, once the objects are known, are as short as the expert's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from gym_causal.core.task import Observations
from gym_causal.odd_one_out.expert import Plan, attribute_to_try, experiment_plan, odd_targets, still_possible, touch_plan
from gym_causal.odd_one_out.features import (
    ATTRIBUTES,
    CELL_PIXELS,
    NUM_CELLS,
    NUM_MOVES,
    NUM_OBJECTS,
    NUM_VALUES,
    NUM_VISIBLE,
    ODD_OBJECT,
    POSITIONS,
    ROOM_CELLS,
    Attribute,
    sprites,
)
from gym_causal.odd_one_out.frames import OBJECT, WALL, WALL_COLOR
from gym_causal.policies import Policy

_HALF = ROOM_CELLS // 2
_KIND_OF_CELL = np.full(NUM_CELLS, -1)
for _kind, _places in enumerate(POSITIONS.values()):
    _KIND_OF_CELL[list(_places)] = _kind
_CENTER = np.array(POSITIONS["in the center"])
"""From any of these cells the whole room is seen."""


# --- seeing --------------------------------------------------------------------------------------------------------------


def symbols(view: np.ndarray) -> np.ndarray:
    """(B, 11, 11, 4) the symbolic view, also of a pixel view (B, 99, 99, 3); the agent's own cell may be anything."""
    if view.shape[1] == ROOM_CELLS:
        return view
    batch = len(view)
    cells = view.reshape(batch, ROOM_CELLS, CELL_PIXELS, ROOM_CELLS, CELL_PIXELS * 3).swapaxes(2, 3)
    place = np.nonzero(cells.any(axis=(3, 4)))
    drawn = cells[place].reshape(len(place[0]), -1)
    known, codes = _known_drawings()
    fingerprint = drawn @ _fingerprint_weights()
    found = np.searchsorted(known, fingerprint).clip(max=len(known) - 1)
    grid = np.zeros((batch, ROOM_CELLS, ROOM_CELLS, 4), np.uint8)
    grid[place] = np.where((known[found] == fingerprint)[:, None], codes[found], 0)
    return grid


@cache
def _fingerprint_weights() -> np.ndarray:
    return np.random.default_rng(0).integers(2**52, size=CELL_PIXELS * CELL_PIXELS * 3)


@cache
def _known_drawings() -> tuple[np.ndarray, np.ndarray]:
    """Sorted fingerprints of all objects and the wall, and their symbols (n, 4)."""
    looks = sprites()
    codes = np.stack(np.meshgrid(*(np.arange(n) + 1 for n in NUM_VALUES[:NUM_VISIBLE]), indexing="ij"), axis=-1).reshape(-1, NUM_VISIBLE)
    codes = np.concatenate([np.full((len(codes), 1), OBJECT), codes], axis=1)
    wall = np.tile(np.array(WALL_COLOR, np.uint8), CELL_PIXELS * CELL_PIXELS)
    drawings = np.concatenate([looks.reshape(len(codes), -1), wall[None]])
    fingerprints = drawings @ _fingerprint_weights()
    order = fingerprints.argsort()
    return fingerprints[order], np.concatenate([codes, [[WALL, 0, 0, 0]]])[order]


def own_cell(what: np.ndarray) -> np.ndarray:
    """(B,) the cell of the agent, told by the walls in (B, 11, 11) its view: of two opposite ones it sees at least one."""
    is_wall = what == WALL
    # A wall is a whole line of the view, as far as the room goes; every other line crosses a wall in two cells at most.
    row = _offset(is_wall.sum(axis=2) > 2)
    column = _offset(is_wall.sum(axis=1) > 2)
    return row * ROOM_CELLS + column


def _offset(lines: np.ndarray) -> np.ndarray:
    first = lines.argmax(axis=1)
    # A wall at or before the middle is the upper or left one, at 0; else the lower or right one, at 10.
    return np.where(first <= _HALF, _HALF - first, ROOM_CELLS - 1 - (first - _HALF))


# --- remembering ---------------------------------------------------------------------------------------------------------


@dataclass
class Memory:
    """What a strategy remembers of B rows; updated in place."""

    rng: np.random.Generator
    trial: np.ndarray  # (B,) int
    objects: np.ndarray  # (B, 121, 3) uint8; 1 + the values of the object seen at a cell in this trial, 0 = none
    episode_order: np.ndarray  # (B, 4) int; a random order of the attributes, for an episode
    trial_order: np.ndarray  # (B, 4) int; another, for a trial
    possible: np.ndarray  # (B, 4) bool; attributes that may pay, as far as this episode has shown
    had_touched: np.ndarray  # (B,) bool

    @classmethod
    def blank(cls, seed: int, batch: int) -> Memory:
        rng, attributes = np.random.default_rng(seed), len(Attribute)
        order = np.zeros((batch, attributes), int)
        objects = np.zeros((batch, NUM_CELLS, NUM_VISIBLE), np.uint8)
        return cls(rng, np.full(batch, -1), objects, order, order.copy(), np.ones((batch, attributes), bool), np.zeros(batch, bool))

    def see(self, observations: Observations, episode_starts: np.ndarray) -> np.ndarray:
        """Take in what is seen; returns the agent's cells (B,)."""
        starts = np.asarray(episode_starts, bool)
        new_trial = starts | (self.trial != observations["trial"])
        self.trial = np.asarray(observations["trial"]).copy()
        self.objects[new_trial] = 0
        self.possible[starts] = True
        drawn = self.rng.random((2, *self.possible.shape)).argsort(axis=2)
        self.episode_order = np.where(starts[:, None], drawn[0], self.episode_order)
        self.trial_order = np.where(new_trial[:, None], drawn[1], self.trial_order)
        grid = symbols(np.asarray(observations["view"]))
        agent = own_cell(grid[..., 0])
        row, down, right = np.nonzero(grid[..., 0] == OBJECT)
        place = agent[row] + (down - _HALF) * ROOM_CELLS + right - _HALF
        self.objects[row, place] = grid[row, down, right, 1:]
        touched = np.asarray(observations["touched"]) > 0
        self._conclude(np.flatnonzero(touched & ~self.had_touched & ~starts), agent, np.asarray(observations["last_reward"])[:, 0] > 0)
        self.had_touched = touched
        return agent

    def _conclude(self, rows: np.ndarray, agent: np.ndarray, paid: np.ndarray) -> None:
        """What (n,) rows that have just touched an object learn from whether it paid."""
        rows = rows[self.count[rows] == NUM_OBJECTS]
        cells, patterns = self.known(rows)
        unique = ODD_OBJECT[patterns] == (cells == agent[rows, None]).argmax(axis=1)[:, None]
        self.possible[rows] = still_possible(self.possible[rows], unique, paid[rows])

    @property
    def count(self) -> np.ndarray:
        """(B,) how many objects were seen in this trial."""
        return (self.objects[..., 0] > 0).sum(axis=1)

    def known(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells (n, 4) of the objects and the patterns (n, 4) that they make, of (n,) rows that have seen all."""
        cells = np.nonzero(self.objects[rows, :, 0])[1].reshape(len(rows), NUM_OBJECTS)
        values = np.concatenate(
            [self.objects[rows[:, None], cells].astype(int), _KIND_OF_CELL[cells][..., None]], axis=2
        )  # (n, objects, 4)
        differs = values != values[:, :1]
        return cells, (differs << np.arange(NUM_OBJECTS)[:, None]).sum(axis=1).astype(np.uint8)


# --- acting --------------------------------------------------------------------------------------------------------------


class RandomPolicy:
    """Uniform over the legal actions. ``num_actions``: 8, or 11 with transforms."""

    name = "random"

    def __init__(self, num_actions: int, seed: int = 0) -> None:
        self.num_actions, self.seed = num_actions, seed

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        rng = np.random.default_rng(self.seed) if state is None else state
        legal = np.ones((len(episode_starts), self.num_actions), bool)
        near = symbols(np.asarray(observations["view"]))[:, _HALF - 1 : _HALF + 2, _HALF - 1 : _HALF + 2, 0] == OBJECT
        may_transform = (np.asarray(observations["may_transform"]) > 0) & (np.asarray(observations["touched"]) == 0)
        legal[:, NUM_MOVES:] = (near.any(axis=(1, 2)) & may_transform)[:, None]
        return np.where(legal, rng.random(legal.shape), -1.0).argmax(axis=1), rng


class NearestPolicy:
    """Touches the nearest object in sight, of those at the same distance the one that the first move leads to. Never transforms."""

    name = "nearest"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(self, observations: Observations, state: Memory | None, episode_starts: np.ndarray) -> tuple[np.ndarray, Memory]:
        memory = Memory.blank(self.seed, len(episode_starts)) if state is None else state
        agent = memory.see(observations, episode_starts)
        actions = _walk_to_see(memory, agent)
        rows = np.flatnonzero(memory.count)
        seen = memory.objects[rows, :, 0] > 0
        distance = np.where(seen, _distances()[agent[rows]], NUM_CELLS)
        target = distance.argmin(axis=1)
        plan = touch_plan(np.repeat(target[:, None], NUM_OBJECTS, axis=1), np.ones((len(rows), NUM_OBJECTS), bool))
        actions[rows] = plan.actions(agent[rows])
        return actions, memory


class AttributePolicy:
    """Goes by one attribute at a time: makes an object odd in it where it may, and touches the one that is odd in it.

    Args:
        name: "color", "texture" or "shape": always that one. "odd_one_out": any, drawn anew each trial, among those in which some object is
            odd; it forgets what paid. "elimination": as the expert, from what was seen: keeps what paid, rules out what did not.
        seed: of its random numbers.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name, self.seed = name, seed

    def __call__(self, observations: Observations, state: Memory | None, episode_starts: np.ndarray) -> tuple[np.ndarray, Memory]:
        memory = Memory.blank(self.seed, len(episode_starts)) if state is None else state
        agent = memory.see(observations, episode_starts)
        actions = _walk_to_see(memory, agent)
        may_transform = np.asarray(observations["may_transform"]) > 0
        informed = (memory.count == NUM_OBJECTS) & (np.asarray(observations["touched"]) == 0)
        for transforming in (True, False):
            rows = np.flatnonzero(informed & (may_transform == transforming))
            if rows.size:
                actions[rows] = self._plan(memory, rows, transforming=transforming).actions(agent[rows])
        return actions, memory

    def _plan(self, memory: Memory, rows: np.ndarray, *, transforming: bool) -> Plan:
        cells, patterns = memory.known(rows)
        order = (memory.trial_order if self.name == "odd_one_out" else memory.episode_order)[rows]
        possible = np.ones(order.shape, bool)
        if self.name == "elimination":
            possible = memory.possible[rows]
        elif self.name != "odd_one_out":
            possible[:] = np.array(ATTRIBUTES) == self.name
        if not transforming:
            return touch_plan(cells, odd_targets(patterns, possible, order))
        possible[:, Attribute.POSITION] = False  # no transform changes it
        attribute = attribute_to_try(possible, order)
        return experiment_plan(cells, patterns[np.arange(len(rows)), attribute], attribute)


def _walk_to_see(memory: Memory, agent: np.ndarray) -> np.ndarray:
    """(B,) moves towards the center, around what was seen so far, for rows that have not seen all; 0 for others."""
    actions = np.zeros(len(agent), int)
    for count in range(NUM_OBJECTS):
        rows = np.flatnonzero(memory.count == count)
        if rows.size == 0:
            continue
        seen = np.nonzero(memory.objects[rows, :, 0])[1].reshape(len(rows), count)
        taken = (seen[:, :, None] == _CENTER).any(axis=1)  # (n, 9)
        # The plan's "objects": the cells of the center, to be reached, and those seen, to be avoided.
        cells = np.concatenate([np.broadcast_to(_CENTER, (len(rows), len(_CENTER))), seen], axis=1)
        wanted = np.concatenate([~taken, np.zeros(seen.shape, bool)], axis=1)
        actions[rows] = touch_plan(cells, wanted).actions(agent[rows])
    return actions


@cache
def _distances() -> np.ndarray:
    """(121, 121) moves between cells when nothing is in the way."""
    row, column = np.divmod(np.arange(NUM_CELLS), ROOM_CELLS)
    return np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))


# --- by name -------------------------------------------------------------------------------------------------------------

Factory = Callable[[int, dict[str, Any]], Policy]


def _strategies(num_actions: int, names: tuple[str, ...]) -> dict[str, Factory]:
    def random(seed: int, env_kwargs: dict[str, Any]) -> Policy:
        return RandomPolicy(num_actions, seed)

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
