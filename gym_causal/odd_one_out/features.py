"""The attributes of objects, the values they take, and the room: vocabularies and geometry of the published 2D tasks.

The lists of values, their colours and the four kinds of position are those of the public environment of "Tell me why! Explanations
support learning relational and causal structure" (docs/sources.md); the drawings follow its descriptions.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Attribute(IntEnum):
    """What can make an object the odd one out. Attribute a < 3 is changed by action 8 + a."""

    COLOR = 0
    TEXTURE = 1
    SHAPE = 2
    POSITION = 3


ATTRIBUTES = tuple(attribute.name.lower() for attribute in Attribute)
NUM_VISIBLE = 3
"""Attributes that a transform can change and that the confounded and intervention tasks are about: all but position."""

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "purple": (128, 0, 128),
    "orange": (255, 165, 0),
    "yellow": (255, 255, 0),
    "brown": (128, 64, 0),
    "pink": (255, 64, 255),
    "cyan": (0, 255, 255),
    "dark green": (0, 100, 0),
    "dark red": (100, 0, 0),
    "dark blue": (0, 0, 100),
    "olive": (100, 100, 0),
    "teal": (0, 100, 100),
    "lavender": (215, 200, 255),
    "peach": (255, 210, 170),
    "rose": (255, 205, 230),
    "light green": (200, 255, 200),
    "light yellow": (255, 255, 200),
}

CELL_PIXELS = 9
_y, _x = np.mgrid[-4:5, -4:5]  # a sprite's pixels, the centre at 0, 0; y points down
SHAPES: dict[str, np.ndarray] = {  # (9, 9) bool each
    "triangle": _y + 4 >= 2 * abs(_x),
    "plus": (abs(_x) <= 1) | (abs(_y) <= 1),
    "inverse plus": (abs(_x) > 1) & (abs(_y) > 1),
    "ex": abs(abs(_x) - abs(_y)) <= 1,
    "inverse ex": abs(abs(_x) - abs(_y)) > 1,
    "circle": _x**2 + _y**2 <= 16,
    "tee": (abs(_x) <= 1) | (_y <= -2),
    "upside-down tee": (abs(_x) <= 1) | (_y >= 2),
    "H": (abs(_x) >= 2) | (abs(_y) <= 1),
    "U": (abs(_x) >= 2) | (_y >= 2),
    "upside-down U": (abs(_x) >= 2) | (_y <= -2),
}
TEXTURES: dict[str, np.ndarray] = {  # (9, 9) bool each; which pixels of a shape are coloured
    "solid": np.ones((CELL_PIXELS, CELL_PIXELS), bool),
    "horizontally striped": _y % 2 == 0,
    "vertically striped": _x % 2 == 0,
    "checkered": (_x + _y) % 2 == 0,
    "gridded": (_x % 2 == 1) | (_y % 2 == 1),
    # One fixed pattern, two pixels of three coloured: the public environment redraws it in every frame, so that it flickers.
    "noisy": np.random.default_rng(66).random((CELL_PIXELS, CELL_PIXELS)) < 0.66,
}

ROOM_CELLS = 11
"""Cells a side, with the wall around them. A cell is row * 11 + column, from the top left; the agent's view is as large."""
NUM_CELLS = ROOM_CELLS * ROOM_CELLS


def cell(row: int, column: int) -> int:
    return row * ROOM_CELLS + column


POSITIONS: dict[str, tuple[int, ...]] = {  # kind -> its cells
    "in a corner": tuple(cell(r, c) for r in (1, 9) for c in (1, 9)),
    "at the upper or lower wall": tuple(cell(r, c) for r in (1, 9) for c in (4, 5, 6)),
    "at the left or right wall": tuple(cell(r, c) for r in (4, 5, 6) for c in (1, 9)),
    "in the center": tuple(cell(r, c) for r in (4, 5, 6) for c in (4, 5, 6)),
}

VALUES: tuple[tuple[str, ...], ...] = (tuple(COLORS), tuple(TEXTURES), tuple(SHAPES), tuple(POSITIONS))
"""VALUES[attribute][value] is a word."""
NUM_VALUES = np.array([len(values) for values in VALUES])

NUM_OBJECTS = 4
ODD_OBJECT = np.full(1 << NUM_OBJECTS, -1, np.int8)
"""Which object is the odd one among four that take two values, -1 if none is. Indexed by the objects' pattern: a number of four bits,
bit i is which of the two values object i has."""
for _object in range(NUM_OBJECTS):
    ODD_OBJECT[1 << _object] = ODD_OBJECT[15 ^ 1 << _object] = _object
EVEN_PATTERNS = np.array([pattern for pattern in range(16) if pattern.bit_count() == 2], np.uint8)
"""The six ways to split four objects two and two."""

HELD_OUT_CLASSES = ((1, 0, 0), (0, 1, 1))
"""``generalization="feature_set"``: the parities of the (colour, texture, shape) indices that only evaluation shows, a quarter of all."""


class Action(IntEnum):
    """Eight moves, clockwise from north; the intervention task also has three transforms."""

    NORTH = 0
    NORTHEAST = 1
    EAST = 2
    SOUTHEAST = 3
    SOUTH = 4
    SOUTHWEST = 5
    WEST = 6
    NORTHWEST = 7
    TRANSFORM_COLOR = 8
    TRANSFORM_TEXTURE = 9
    TRANSFORM_SHAPE = 10


NUM_MOVES = 8
STAY = len(Action)
"""Not an action: the row of :data:`NEXT_CELL` of an agent that may not move."""
_MOVES = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))

_row, _column = np.divmod(np.arange(NUM_CELLS), ROOM_CELLS)
IS_FLOOR = (_row % (ROOM_CELLS - 1) > 0) & (_column % (ROOM_CELLS - 1) > 0)  # (121,) bool
FLOOR_CELLS = np.nonzero(IS_FLOOR)[0]  # (81,)
NEXT_CELL = np.tile(np.arange(NUM_CELLS, dtype=np.uint8), (STAY + 1, 1))
"""(12, 121) uint8; where an action leads, walls considered and objects not."""
for _action, (_down, _right) in enumerate(_MOVES):
    _target = FLOOR_CELLS + _down * ROOM_CELLS + _right
    NEXT_CELL[_action, FLOOR_CELLS] = np.where(IS_FLOOR[_target], _target, FLOOR_CELLS)

NOT_ADJACENT = 252
NEARNESS = np.full((NUM_CELLS, NUM_CELLS), NOT_ADJACENT, np.uint8)
"""(121, 121) uint8; four times the move that leads from the first cell to the second, or NOT_ADJACENT. Add an object's number, and the
smallest is the first adjacent object clockwise from north; see :func:`first_adjacent`."""
for _action in range(NUM_MOVES):
    _moves = NEXT_CELL[_action] != np.arange(NUM_CELLS)
    NEARNESS[_moves, NEXT_CELL[_action, _moves]] = NUM_OBJECTS * _action


_NUMBERS = np.arange(NUM_OBJECTS, dtype=np.uint8)
_SLOT = np.arange(256) % NUM_OBJECTS
_SLOT[NOT_ADJACENT:] = NUM_OBJECTS


def first_adjacent(nearness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first adjacent object clockwise from north, and whether there is one, (...) each, of objects with ``NEARNESS`` (4, ...)."""
    nearest = nearest_slot(nearness)
    return nearest % NUM_OBJECTS, nearest < NUM_OBJECTS


def nearest_slot(nearness: np.ndarray) -> np.ndarray:
    """(...) the first adjacent object clockwise from north, NUM_OBJECTS where there is none, of objects with ``NEARNESS`` (4, ...)."""
    nearest: np.ndarray = np.minimum.reduce((nearness.T | _NUMBERS).T, axis=0)
    return _SLOT[nearest]


def sprites() -> np.ndarray:
    """(19, 6, 11, 9, 9, 3) uint8; the picture of every (colour, texture, shape)."""
    masks = np.array(list(TEXTURES.values()))[:, None] & np.array(list(SHAPES.values()))  # (6, 11, 9, 9)
    return masks[..., None] * np.array(list(COLORS.values()), np.uint8)[:, None, None, None, None, :]
