"""The agent's view of the room: 11x11 cells around it, as pixels or as symbols.

The background depends on the agent's cell alone and is copied from a table; then the four objects are drawn into it. This makes a frame
cheap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces

from gym_causal.odd_one_out.features import CELL_PIXELS, IS_FLOOR, NUM_CELLS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS, sprites

AGENT_COLOR = (255, 255, 255)
WALL_COLOR = (40, 40, 40)
FLOOR, WALL, OBJECT, AGENT = range(4)
"""The first symbolic channel. Cells beyond the wall are FLOOR."""
PIXELS = (ROOM_CELLS * CELL_PIXELS, ROOM_CELLS * CELL_PIXELS, 3)
"""The shape of a view in pixels."""

_OUT_OF_VIEW = -1
_NUM_VALUES: list[int] = NUM_VALUES.tolist()


@cache
def _view_cells() -> tuple[np.ndarray, np.ndarray]:
    """(121, 121) row and (121, 121) column of the second cell in the view of an agent at the first; not clipped to the view."""
    row, column = np.divmod(np.arange(NUM_CELLS), ROOM_CELLS)
    half = ROOM_CELLS // 2
    return row - row[:, None] + half, column - column[:, None] + half


@cache
def in_view() -> np.ndarray:
    """(121, 121) bool; an object at the second cell is in view of an agent at the first. The agent hides an object it stands on."""
    row, column = _view_cells()
    inside = (row >= 0) & (row < ROOM_CELLS) & (column >= 0) & (column < ROOM_CELLS)
    return inside & ~np.eye(NUM_CELLS, dtype=bool)


def _backgrounds() -> np.ndarray:
    """(121, 11, 11) int; FLOOR, WALL or AGENT in the view from each cell."""
    row, column = _view_cells()
    views = np.full((NUM_CELLS, ROOM_CELLS, ROOM_CELLS), FLOOR)
    agent, wall = np.nonzero(in_view() & ~IS_FLOOR)
    views[agent, row[agent, wall], column[agent, wall]] = WALL
    views[:, ROOM_CELLS // 2, ROOM_CELLS // 2] = AGENT
    return views


class View(ABC):
    """One kind of observation of the room."""

    space: spaces.Box

    @abstractmethod
    def appearance(self, features: np.ndarray) -> np.ndarray:
        """(n, ...) codes of the appearance of objects with ``features`` (3 or more, n, ...), for :meth:`draw`."""

    @abstractmethod
    def draw(self, agent: np.ndarray, cells: np.ndarray, appearance: np.ndarray) -> np.ndarray:
        """(B, *space.shape) fresh views of agents at (B,) cells, with objects at (4, B) cells of (4, B) appearance."""


def object_index(features: np.ndarray) -> np.ndarray:
    """(n, ...) int, 0..1253; the number of each combination of colour, texture and shape, of ``features`` (3 or more, n, ...)."""
    index = features[0].astype(np.intp)
    for attribute in range(1, NUM_VISIBLE):
        index *= _NUM_VALUES[attribute]
        index += features[attribute]
    return index


class PixelView(View):
    """Nine pixels a cell: (99, 99, 3) uint8."""

    def __init__(self) -> None:
        self.space = spaces.Box(0, 255, PIXELS, np.uint8)
        self._backgrounds, self._sprites, self._anchors = _pixel_tables()

    def appearance(self, features: np.ndarray) -> np.ndarray:
        """Indices of sprites."""
        return object_index(features)

    def draw(self, agent: np.ndarray, cells: np.ndarray, appearance: np.ndarray) -> np.ndarray:
        frames = self._backgrounds.take(agent, axis=0)
        num_frames, side, width = frames.shape
        anchors = self._anchors.take(agent * NUM_CELLS + cells)  # (4, B)
        visible = np.flatnonzero(anchors >= 0)
        # Axis 0: every run of 27 bytes at which a sprite could begin. A sprite is nine such runs, one line of pixels apart.
        run = CELL_PIXELS * 3
        targets: np.ndarray = np.ndarray(
            (frames.size // run - (CELL_PIXELS - 1) * ROOM_CELLS, CELL_PIXELS, run), np.uint8, frames, strides=(run, width, 1)
        )
        start = (anchors + np.arange(num_frames) * (side * width // run)).ravel()
        targets[start[visible]] = self._sprites.take(appearance.ravel()[visible], axis=0)
        return frames.reshape(num_frames, *self.space.shape)


@cache
def _pixel_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backgrounds (121, 99, 297), sprites (1254, 9, 27) and (121 * 121,) the first run of 27 bytes of an object's sprite in a frame."""
    frames = _palette()[_backgrounds().repeat(CELL_PIXELS, axis=1).repeat(CELL_PIXELS, axis=2)]
    row, column = _view_cells()
    anchors = np.where(in_view(), row * CELL_PIXELS * ROOM_CELLS + column, _OUT_OF_VIEW)
    return frames.reshape(NUM_CELLS, ROOM_CELLS * CELL_PIXELS, -1), sprites().reshape(-1, CELL_PIXELS, CELL_PIXELS * 3), anchors.ravel()


class SymbolicView(View):
    """Four channels a cell, (11, 11, 4) uint8: FLOOR, WALL, OBJECT or AGENT; 1 + colour, 1 + texture and 1 + shape of an object, else 0."""

    def __init__(self) -> None:
        high = np.broadcast_to(np.array([AGENT, *NUM_VALUES[:NUM_VISIBLE]], np.uint8), (ROOM_CELLS, ROOM_CELLS, 4))
        self.space = spaces.Box(np.zeros_like(high), high.copy(), dtype=np.uint8)
        self._backgrounds, self._objects, self._view_index = symbolic_tables()

    def appearance(self, features: np.ndarray) -> np.ndarray:
        """The four channels of a cell, as one uint32."""
        return self._objects.take(object_index(features))

    def draw(self, agent: np.ndarray, cells: np.ndarray, appearance: np.ndarray) -> np.ndarray:
        grids = self._backgrounds.take(agent, axis=0)  # (B, 121)
        index = self._view_index.take(agent * NUM_CELLS + cells)  # (4, B)
        visible = np.flatnonzero(index >= 0)
        index += np.arange(len(grids)) * NUM_CELLS
        grids.reshape(-1)[index.ravel()[visible]] = appearance.ravel()[visible]
        return grids.view(np.uint8).reshape(len(grids), *self.space.shape)


@cache
def symbolic_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backgrounds (121, 121) and objects (1254,) as uint32 of four channels, and (121 * 121,) the index of a cell in a view."""
    row, column = _view_cells()
    index = np.where(in_view(), row * ROOM_CELLS + column, _OUT_OF_VIEW)
    channels = np.zeros((NUM_CELLS, NUM_CELLS, 4), np.uint8)
    channels[..., 0] = _backgrounds().reshape(NUM_CELLS, NUM_CELLS)
    objects = np.full((*NUM_VALUES[:NUM_VISIBLE], 4), OBJECT, np.uint8)
    objects[..., 1:] = np.moveaxis(np.indices(objects.shape[:-1]), 0, -1) + 1
    return channels.view(np.uint32)[..., 0], objects.reshape(-1, 4).view(np.uint32)[:, 0], index.ravel()


@cache
def cell_pictures() -> np.ndarray:
    """(4 + 1254, 9, 9, 3) uint8; pictures of cells: the four plain kinds by their first symbolic channel, then all objects."""
    plain = np.repeat(_palette(), CELL_PIXELS**2, axis=0).reshape(-1, CELL_PIXELS, CELL_PIXELS, 3)
    return np.concatenate([plain, sprites().reshape(-1, CELL_PIXELS, CELL_PIXELS, 3)])


def picture_of(color: Any, texture: Any, shape: Any) -> Any:
    """The index into :func:`cell_pictures` of an object with these symbolic channels, arrays of any kind."""
    return AGENT + 1 + ((color - 1) * int(NUM_VALUES[1]) + texture - 1) * int(NUM_VALUES[2]) + shape - 1


def _palette() -> np.ndarray:
    """(4, 3) uint8; the colours of plain cells, by their first symbolic channel."""
    palette = np.zeros((AGENT + 1, 3), np.uint8)
    palette[WALL], palette[AGENT] = WALL_COLOR, AGENT_COLOR
    return palette
