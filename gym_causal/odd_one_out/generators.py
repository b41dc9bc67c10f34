"""Draws the rooms of episodes: where objects lie, their values and patterns, and what is rewarded. All randomness of an episode is here.

Four objects take two values in each attribute, so an attribute is a *pattern* of four bits; bit i says which of the two values object i
has. Patterns alone determine which object is odd, what a transform does and what is rewarded. They differ between the tasks, which draw
them in ``variants.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gym_causal.odd_one_out.features import (
    FLOOR_CELLS,
    NUM_OBJECTS,
    NUM_VALUES,
    NUM_VISIBLE,
    POSITIONS,
    Attribute,
)

NUM_ATTRIBUTES = len(Attribute)

DrawPatterns = Callable[[np.random.Generator, np.ndarray], "np.ndarray | None"]
"""Writes ``rewarded`` and ``patterns`` of (E,) records. Returns the parities (E, T, 3) that the values of colour, texture and shape must
have, or None if they may have any."""


def episode_dtype(trials: int) -> np.dtype:
    """One episode of T trials as a record."""
    return np.dtype(
        [
            ("rewarded", np.int8),  # the attribute in which the rewarded object is odd
            ("order", np.int8, NUM_VISIBLE),  # in which order the expert tries the attributes
            ("agent", np.uint8, trials),  # the cell it starts in
            ("cells", np.uint8, (trials, NUM_OBJECTS)),  # distinct
            ("patterns", np.uint8, (trials, NUM_ATTRIBUTES)),
            ("values", np.int8, (trials, NUM_ATTRIBUTES, 2)),  # the two values of each attribute, distinct
            ("mistake", np.int8, trials),  # the wrong object that the expert touches instead, -1 = none
        ]
    )


def draw_episodes(
    rng: np.random.Generator, count: int, trials: int, draw_patterns: DrawPatterns, *, mistake_rate: float = 0.0
) -> np.ndarray:
    """(E,) records of :func:`episode_dtype`.

    Args:
        rng: source of randomness.
        count: E.
        trials: T.
        draw_patterns: what differs between tasks; see :data:`DrawPatterns`.
        mistake_rate: in [0, 1]; the probability that the expert touches a wrong object.
    """
    episodes = np.zeros(count, episode_dtype(trials))
    shape = (count, trials)
    episodes["order"] = permutations(rng, (count,), NUM_VISIBLE)
    parities = draw_patterns(rng, episodes)
    episodes["values"][..., :NUM_VISIBLE, :] = _draw_values(rng, shape, parities)
    episodes["values"][..., Attribute.POSITION, :] = permutations(rng, shape, len(POSITIONS))[..., :2]
    _draw_cells(rng, episodes)
    # Drawn whatever the rate, so that the rate changes nothing else.
    wrong, is_mistake = rng.integers(1, NUM_OBJECTS, size=shape), rng.random(shape)
    episodes["mistake"] = np.where(is_mistake < mistake_rate, (_odd_object(episodes) + wrong) % NUM_OBJECTS, -1)
    return episodes


def permutations(rng: np.random.Generator, shape: tuple[int, ...], length: int) -> np.ndarray:
    """(*shape, length) uniform permutations of 0..length - 1."""
    return rng.random((*shape, length)).argsort(axis=-1)


def _odd_object(episodes: np.ndarray) -> np.ndarray:
    """(E, T) the object that is odd in the rewarded attribute; arbitrary where none is."""
    pattern = np.take_along_axis(episodes["patterns"], episodes["rewarded"][:, None, None].astype(int), 2)[..., 0]
    return np.log2(np.maximum(pattern, 1)).astype(int)


def _draw_values(rng: np.random.Generator, shape: tuple[int, ...], parities: np.ndarray | None) -> np.ndarray:
    """(*shape, 3, 2) two different values of colour, texture and shape, both of the given parity (*shape, 3)."""
    num_values = NUM_VALUES[:NUM_VISIBLE] if parities is None else (NUM_VALUES[:NUM_VISIBLE] + 1 - parities) // 2
    uniform = rng.random((2, *shape, NUM_VISIBLE))
    first = (uniform[0] * num_values).astype(int)
    second = (first + 1 + (uniform[1] * (num_values - 1)).astype(int)) % num_values
    values = np.stack([first, second], axis=-1)
    return values if parities is None else 2 * values + parities[..., None]


def _draw_cells(rng: np.random.Generator, episodes: np.ndarray) -> None:
    """Objects: distinct uniform cells of their kind of position. Agent: a uniform free cell."""
    shape = episodes["agent"].shape
    bits = episodes["patterns"][..., Attribute.POSITION, None] >> np.arange(NUM_OBJECTS) & 1  # (E, T, 4)
    kinds = np.take_along_axis(episodes["values"][..., Attribute.POSITION, :], bits.astype(int), 2)
    cells = np.empty((*shape, NUM_OBJECTS), np.uint8)
    for kind, cells_of_kind in enumerate(POSITIONS.values()):
        chosen = np.array(cells_of_kind, np.uint8)[permutations(rng, shape, len(cells_of_kind))[..., :NUM_OBJECTS]]
        np.copyto(cells, chosen, where=kinds == kind)
    episodes["cells"] = cells
    # The r-th free cell: r plus the number of occupied cells before it.
    free = rng.integers(len(FLOOR_CELLS) - NUM_OBJECTS, size=shape)
    for occupied in np.moveaxis(np.sort(np.searchsorted(FLOOR_CELLS, cells), axis=-1), -1, 0):
        free += free >= occupied
    episodes["agent"] = FLOOR_CELLS[free]
