"""From the room to what the agent sees: 11x11 cells around it, as pixels or as symbols.

Most of a view depends on the agent's cell alone and is copied whole from a table; then the objects are put in. That is all there is to do
in a step, and it is what makes frames cheap.
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
"""The first symbolic channel. Beyond the room there is nothing to see: floor."""
PIXELS = (ROOM_CELLS * CELL_PIXELS, ROOM_CELLS * CELL_PIXELS, 3)
"""The shape of a view in pixels."""

_OUT_OF_SIGHT = -1


@cache
def _view_cells() -> tuple[np.ndarray, np.ndarray]:
    """(121, 121) the row and column in the view of an agent at one cell at which another is seen; not clipped to the view."""
    row, column = np.divmod(np.arange(NUM_CELLS), ROOM_CELLS)
    half = ROOM_CELLS // 2
    return row - row[:, None] + half, column - column[:, None] + half


@cache
def in_sight() -> np.ndarray:
    """(121, 121) bool; an object at the second cell is seen by an agent at the first. The agent hides what it stands on."""
    row, column = _view_cells()
    inside = (row >= 0) & (row < ROOM_CELLS) & (column >= 0) & (column < ROOM_CELLS)
    return inside & ~np.eye(NUM_CELLS, dtype=bool)


def _backgrounds() -> np.ndarray:
    """(121, 11, 11) int; FLOOR, WALL or AGENT in the view from each cell."""
    row, column = _view_cells()
    views = np.full((NUM_CELLS, ROOM_CELLS, ROOM_CELLS), FLOOR)
    agent, wall = np.nonzero(in_sight() & ~IS_FLOOR)
    views[agent, row[agent, wall], column[agent, wall]] = WALL
    views[:, ROOM_CELLS // 2, ROOM_CELLS // 2] = AGENT
    return views


class View(ABC):
    """A way to see the room."""

    space: spaces.Box

    @abstractmethod
    def looks(self, features: np.ndarray) -> np.ndarray:
        """(n, ...) what objects with ``features`` (3 or more, n, ...) look like, for :meth:`draw`."""

    @abstractmethod
    def draw(self, agent: np.ndarray, cells: np.ndarray, looks: np.ndarray) -> np.ndarray:
        """(B, *space.shape) fresh views of agents at (B,) cells, of objects (4, B)."""


class PixelView(View):
    """Nine pixels a cell: (99, 99, 3) uint8."""

    def __init__(self) -> None:
        self.space = spaces.Box(0, 255, PIXELS, np.uint8)
        self._backgrounds, self._sprites, self._anchors = _pixel_tables()

    def looks(self, features: np.ndarray) -> np.ndarray:
        color, texture, shape = features[:NUM_VISIBLE].astype(np.intp)
        return (color * NUM_VALUES[1] + texture) * NUM_VALUES[2] + shape

    def draw(self, agent: np.ndarray, cells: np.ndarray, looks: np.ndarray) -> np.ndarray:
        frames = self._backgrounds.take(agent, axis=0)
        num_frames, side, width = frames.shape
        anchors = self._anchors.take(agent * NUM_CELLS + cells)  # (4, B)
        seen = np.flatnonzero(anchors >= 0)
        # Every place where a sprite could begin, as one axis; a sprite is nine runs of 27 bytes, a line of pixels apart.
        run = CELL_PIXELS * 3
        places: np.ndarray = np.ndarray(
            (frames.size // run - (CELL_PIXELS - 1) * ROOM_CELLS, CELL_PIXELS, run), np.uint8, frames, strides=(run, width, 1)
        )
        start = (anchors + np.arange(num_frames) * (side * width // run)).ravel()
        places[start[seen]] = self._sprites.take(looks.ravel()[seen], axis=0)
        return frames.reshape(num_frames, *self.space.shape)


@cache
def _pixel_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backgrounds (121, 99, 297), sprites (1254, 9, 27) and (121, 121) where in a frame, in runs of 27 bytes, an object is drawn."""
    frames = _palette()[_backgrounds().repeat(CELL_PIXELS, axis=1).repeat(CELL_PIXELS, axis=2)]
    row, column = _view_cells()
    anchors = np.where(in_sight(), row * CELL_PIXELS * ROOM_CELLS + column, _OUT_OF_SIGHT)
    return frames.reshape(NUM_CELLS, ROOM_CELLS * CELL_PIXELS, -1), sprites().reshape(-1, CELL_PIXELS, CELL_PIXELS * 3), anchors.ravel()


class SymbolicView(View):
    """Four channels a cell, (11, 11, 4) uint8: FLOOR, WALL, OBJECT or AGENT; 1 + colour, 1 + texture and 1 + shape of an object, else 0."""

    def __init__(self) -> None:
        high = np.broadcast_to(np.array([AGENT, *NUM_VALUES[:NUM_VISIBLE]], np.uint8), (ROOM_CELLS, ROOM_CELLS, 4))
        self.space = spaces.Box(np.zeros_like(high), high.copy(), dtype=np.uint8)
        self._backgrounds, self._places = _symbolic_tables()

    def looks(self, features: np.ndarray) -> np.ndarray:
        channels = np.empty((*features.shape[1:], 4), np.uint8)
        channels[..., 0] = OBJECT
        channels[..., 1:] = np.moveaxis(features[:NUM_VISIBLE] + 1, 0, -1)
        return channels.view(np.uint32)[..., 0]  # a cell's four channels are one number

    def draw(self, agent: np.ndarray, cells: np.ndarray, looks: np.ndarray) -> np.ndarray:
        grids = self._backgrounds.take(agent, axis=0)  # (B, 121)
        places = self._places.take(agent * NUM_CELLS + cells)
        seen = np.flatnonzero(places >= 0)
        start = (places + np.arange(len(grids)) * NUM_CELLS).ravel()
        grids.reshape(-1)[start[seen]] = looks.ravel()[seen]
        return grids.view(np.uint8).reshape(len(grids), *self.space.shape)


@cache
def _symbolic_tables() -> tuple[np.ndarray, np.ndarray]:
    """Backgrounds (121, 121) uint32, four channels each, and (121, 121) at which cell of the view an object is seen."""
    row, column = _view_cells()
    places = np.where(in_sight(), row * ROOM_CELLS + column, _OUT_OF_SIGHT)
    channels = np.zeros((NUM_CELLS, NUM_CELLS, 4), np.uint8)
    channels[..., 0] = _backgrounds().reshape(NUM_CELLS, NUM_CELLS)
    return channels.view(np.uint32)[..., 0], places.ravel()


@cache
def cell_pictures() -> np.ndarray:
    """(4 + 1254, 9, 9, 3) uint8; what cells look like in pixels: by their first symbolic channel, then objects; see :func:`picture_of`."""
    plain = np.repeat(_palette(), CELL_PIXELS**2, axis=0).reshape(-1, CELL_PIXELS, CELL_PIXELS, 3)
    return np.concatenate([plain, sprites().reshape(-1, CELL_PIXELS, CELL_PIXELS, 3)])


def picture_of(color: Any, texture: Any, shape: Any) -> Any:
    """Which of :func:`cell_pictures` shows an object with these symbolic channels, arrays of any kind."""
    return AGENT + 1 + ((color - 1) * int(NUM_VALUES[1]) + texture - 1) * int(NUM_VALUES[2]) + shape - 1


def _palette() -> np.ndarray:
    """(4, 3) uint8; the colours of plain cells, by their first symbolic channel."""
    palette = np.zeros((AGENT + 1, 3), np.uint8)
    palette[WALL], palette[AGENT] = WALL_COLOR, AGENT_COLOR
    return palette


VIEWS: dict[str, type[View]] = {"pixels": PixelView, "symbolic": SymbolicView}
