"""A seed's endless stream of episodes, drawn in blocks of fixed sizes so that episode i is a function of (seed, i) alone."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Generic, TypeVar

import numpy as np

Draws = TypeVar("Draws")

_FIRST_BLOCK = 64  # episodes


class SeedDomain(IntEnum):
    """Disjoint families of episodes: the same seed never gives the same episode in two of them."""

    INTERACTION = 0  # what gym.make and make_vec play
    EVALUATION = 1
    COLLECTION = 2  # gym_causal.collect, demonstrations among them
    VALIDATION = 3  # demonstrations on which a training's loss is watched
    LEARNING_CURVE = 4  # evaluations while training
    PROBE = 5
    EXPLANATION_ACCURACY = 6


class EpisodeStream(Generic[Draws]):
    """The endless sequence of a seed's episodes, drawn in blocks of fixed sizes, so that episode i depends on nothing but (seed, i).

    The first blocks are small, so that a first ``reset`` is quick; the later ones large, so that drawing them is: sizes grow
    fourfold until ``block_size``, such that blocks end at 64, 256, 1024, ... and then at multiples of ``block_size``.

    Args:
        draw_block: draws the randomness of one block, of a given number of episodes, from the generator it is given.
        block_size: episodes of a large block.
        seed: non-negative int.
        domain: which of the disjoint families.
        max_blocks: blocks kept; one that was dropped is drawn again when it is needed.
    """

    def __init__(
        self, draw_block: Callable[[np.random.Generator, int], Draws], block_size: int, seed: int, domain: SeedDomain, max_blocks: int = 4
    ) -> None:
        self._draw_block, self._block_size, self._max_blocks = draw_block, block_size, max_blocks
        self._seed, self._domain = seed, domain
        self._blocks: OrderedDict[int, Draws] = OrderedDict()
        ends = [block_size]
        while ends[0] > _FIRST_BLOCK:
            ends.insert(0, max(_FIRST_BLOCK, ends[0] // 4))
        self._first_ends = np.array(ends)  # of the growing blocks; the last is block_size

    def take(self, episodes: np.ndarray) -> Draws:
        """The randomness of the given episodes, (n,) ints >= 0, in that order."""
        block_of = self.blocks_of(episodes)
        if block_of[0] == block_of[-1] and (np.diff(episodes) == 1).all():  # neighbours in one block: a view
            first = episodes[0] - self.start(int(block_of[0]))
            return take_rows(self.block(int(block_of[0])), slice(first, first + len(episodes)))
        blocks, part = np.unique(block_of, return_inverse=True)
        parts, places = [], []
        for k, block in enumerate(blocks.tolist()):
            mine = np.flatnonzero(part == k)
            within = episodes[mine] - self.start(block)
            neighbours = (np.diff(within) == 1).all()
            parts.append(take_rows(self.block(block), slice(within[0], within[-1] + 1) if neighbours else within))
            places.append(mine)
        joined = concatenate_rows(parts)
        place = np.concatenate(places)
        return joined if (np.diff(place) == 1).all() else take_rows(joined, np.argsort(place))

    def blocks_of(self, episodes: np.ndarray) -> np.ndarray:
        """The numbers of the blocks that episodes are in."""
        growing = np.searchsorted(self._first_ends, episodes, side="right")
        return np.where(episodes < self._block_size, growing, len(self._first_ends) + episodes // self._block_size - 1)

    def start(self, block: int) -> int:
        """The first episode of a block."""
        growing = len(self._first_ends)
        if block >= growing:
            return (block - growing + 1) * self._block_size
        return int(self._first_ends[block - 1]) if block else 0

    def block(self, block: int) -> Draws:
        """The randomness of a block."""
        if block not in self._blocks:
            if len(self._blocks) >= self._max_blocks:
                self._blocks.popitem(last=False)  # first, so that its memory can be used again
            seed_sequence = np.random.SeedSequence(self._seed, spawn_key=(int(self._domain), block))
            count = self.start(block + 1) - self.start(block)
            # SFC64 is NumPy's fastest generator; random numbers are a third of the cost of an episode.
            self._blocks[block] = self._draw_block(np.random.Generator(np.random.SFC64(seed_sequence)), count)
        self._blocks.move_to_end(block)
        return self._blocks[block]


def take_rows(draws: Any, index: Any) -> Any:
    """The rows ``index`` of a dataclass whose every field is indexed by episode first."""
    return dataclasses.replace(draws, **{f.name: getattr(draws, f.name)[index] for f in dataclasses.fields(draws)})


def concatenate_rows(parts: list[Any]) -> Any:
    """One such dataclass of several."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in dataclasses.fields(parts[0]):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else type(values[0]).concatenate(values)
    return dataclasses.replace(parts[0], **joined)
