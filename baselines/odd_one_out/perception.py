"""From the agent's view to symbols and to the agent's cell: what the strategies compute from observations alone."""

from __future__ import annotations

from functools import cache

import numpy as np

from gym_causal.odd_one_out.features import CELL_PIXELS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS, sprites
from gym_causal.odd_one_out.frames import OBJECT, WALL, WALL_COLOR
from gym_causal.odd_one_out.views import NUM_PLANES, from_planes

VIEW_CENTER = ROOM_CELLS // 2
"""Row and column of the agent in its view."""


def symbols(view: np.ndarray) -> np.ndarray:
    """(B, 11, 11, 4) symbolic views, of those, planes (B, 11, 11, 39) or pixels (B, 99, 99, 3). The agent's own cell is left arbitrary."""
    if view.shape[1] == ROOM_CELLS:
        return from_planes(view) if view.shape[-1] == NUM_PLANES else view
    batch = len(view)
    cells = view.reshape(batch, ROOM_CELLS, CELL_PIXELS, ROOM_CELLS, CELL_PIXELS * 3).swapaxes(2, 3)
    # First the pixel rows of a cell, which are whole rows of the view: several times as fast as `cells.any`.
    rows = np.bitwise_or.reduce(view.reshape(batch, ROOM_CELLS, CELL_PIXELS, -1), axis=2)
    not_black = np.nonzero(rows.reshape(batch, ROOM_CELLS, ROOM_CELLS, CELL_PIXELS * 3).any(axis=3))
    pictures = cells[not_black].reshape(len(not_black[0]), -1)
    known_hashes, known_symbols = _known_pictures()
    hashes = pictures @ _hash_weights()
    index = np.searchsorted(known_hashes, hashes).clip(max=len(known_hashes) - 1)
    grid = np.zeros((batch, ROOM_CELLS, ROOM_CELLS, 4), np.uint8)
    grid[not_black] = np.where((known_hashes[index] == hashes)[:, None], known_symbols[index], 0)
    return grid


@cache
def _hash_weights() -> np.ndarray:
    """(243,) int; the hash of a cell's picture is its dot product with these."""
    return np.random.default_rng(0).integers(2**52, size=CELL_PIXELS * CELL_PIXELS * 3)


@cache
def _known_pictures() -> tuple[np.ndarray, np.ndarray]:
    """Sorted hashes (1255,) of the pictures of all objects and of the wall, and their symbols (1255, 4)."""
    values = np.moveaxis(np.indices(tuple(NUM_VALUES[:NUM_VISIBLE])), 0, -1).reshape(-1, NUM_VISIBLE) + 1
    symbols_of = np.concatenate([np.full((len(values), 1), OBJECT), values], axis=1)
    wall = np.tile(np.array(WALL_COLOR, np.uint8), CELL_PIXELS * CELL_PIXELS)
    pictures = np.concatenate([sprites().reshape(len(values), -1), wall[None]])
    hashes = pictures @ _hash_weights()
    order = hashes.argsort()
    return hashes[order], np.concatenate([symbols_of, [[WALL, 0, 0, 0]]])[order]


def own_cell(cell_kinds: np.ndarray) -> np.ndarray:
    """(B,) the agent's cell, found from the walls in (B, 11, 11) cell kinds: of two opposite walls at least one is in view."""
    is_wall = cell_kinds == WALL
    # A wall fills a whole line of the view, within the room; every other line crosses walls in two cells at most.
    row = _offset(is_wall.sum(axis=2) > 2)
    column = _offset(is_wall.sum(axis=1) > 2)
    return row * ROOM_CELLS + column


def _offset(is_wall_line: np.ndarray) -> np.ndarray:
    """(B,) the agent's row or column, given which of the (B, 11) lines of its view are walls."""
    first = is_wall_line.argmax(axis=1)
    # A wall at or before the centre is the upper or left one, at 0; else the lower or right one, at 10.
    return np.where(first <= VIEW_CENTER, VIEW_CENTER - first, ROOM_CELLS - 1 - (first - VIEW_CENTER))
