"""The kinds of views by name, and the one made of planes: a one-hot code of every symbol of a cell."""

from __future__ import annotations

from functools import cache

import numpy as np
from gymnasium import spaces

from gym_causal.odd_one_out.features import NUM_CELLS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS
from gym_causal.odd_one_out.frames import AGENT, PixelView, SymbolicView, View, object_index, symbolic_tables

_SIZES = (AGENT, *NUM_VALUES[:NUM_VISIBLE].tolist())  # of each symbolic channel the values but 0, which has no plane
NUM_PLANES = sum(_SIZES)
"""Wall, object and agent; then the colours, the textures and the shapes."""


def to_planes(symbols: np.ndarray) -> np.ndarray:
    """(..., 39) uint8, 0 or 1, of symbolic cells (..., 4)."""
    channels = (symbols[..., channel, None] == np.arange(1, size + 1) for channel, size in enumerate(_SIZES))
    return np.concatenate(list(channels), axis=-1).view(np.uint8)


def from_planes(planes: np.ndarray) -> np.ndarray:
    """(..., 4) uint8 symbolic cells, of planes (..., 39)."""
    symbols, first = [], 0
    for size in _SIZES:
        symbols.append(planes[..., first : first + size] @ np.arange(1, size + 1, dtype=np.uint8))
        first += size
    return np.stack(symbols, axis=-1)


class OneHotView(View):
    """One plane for each symbol, (11, 11, 39) uint8 of 0 and 1: the symbols of :class:`SymbolicView` without an order among them."""

    def __init__(self) -> None:
        self.space = spaces.Box(0, 1, (ROOM_CELLS, ROOM_CELLS, NUM_PLANES), np.uint8)
        self._backgrounds, self._objects, self._view_index = _tables()

    def appearance(self, features: np.ndarray) -> np.ndarray:
        """Indices of objects."""
        return object_index(features)

    def draw(self, agent: np.ndarray, cells: np.ndarray, appearance: np.ndarray) -> np.ndarray:
        grids = self._backgrounds.take(agent, axis=0)  # (B, 121, 39)
        index = self._view_index.take(agent * NUM_CELLS + cells)  # (4, B)
        visible = np.flatnonzero(index >= 0)
        index += np.arange(len(grids)) * NUM_CELLS
        grids.reshape(-1, NUM_PLANES)[index.ravel()[visible]] = self._objects.take(appearance.ravel()[visible], axis=0)
        return grids.reshape(len(grids), *self.space.shape)


@cache
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backgrounds (121, 121, 39), objects (1254, 39) and (121 * 121,) the index of a cell in a view."""
    backgrounds, objects, index = symbolic_tables()
    as_symbols = (np.ascontiguousarray(table).view(np.uint8).reshape(*table.shape, 4) for table in (backgrounds, objects))
    return *map(to_planes, as_symbols), index  # type: ignore[return-value]


VIEWS: dict[str, type[View]] = {"pixels": PixelView, "symbolic": SymbolicView, "one_hot": OneHotView}
