"""A seed's endless stream of episodes, drawn in blocks of fixed sizes so that episode i is a function of (seed, i) alone."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Generic, TypeVar

import numpy as np

Block = TypeVar("Block")  # the randomness of several episodes: a dataclass whose fields are indexed by episode first

_FIRST_BLOCK = 64  # episodes


class SeedDomain(IntEnum):
    """Disjoint families of episodes: the same seed never gives the same episode in two of them."""

    INTERACTION = 0  # gym.make and make_vec
    EVALUATION = 1  # gym_causal.evaluate
    COLLECTION = 2  # gym_causal.collect, and so training data
    VALIDATION = 3  # the validation loss of a training
    LEARNING_CURVE = 4  # evaluations during a training
    PROBE = 5
    EXPLANATION_ACCURACY = 6
    SHOTS = 7  # example games in the prompt of a language model
    PROMPT_SELECTION = 8  # games that candidates for such a prompt are compared on
    REINFORCEMENT = 9  # what an agent plays that learns from reward


class EpisodeStream(Generic[Block]):
    """The episodes of a seed, drawn in blocks of fixed sizes, so that episode i depends on nothing but (seed, domain, i).

    Block sizes grow fourfold, so that a first ``reset`` is quick and later blocks are efficient: blocks end at episodes 64, 256,
    1024, ... and then at multiples of ``block_size``.

    Args:
        draw_block: (rng, count) -> the randomness of ``count`` episodes.
        block_size: episodes of a large block.
        seed: non-negative int.
        domain: which of the disjoint families.
        max_blocks: blocks kept in memory; a dropped block is drawn again when it is needed.
    """

    def __init__(
        self, draw_block: Callable[[np.random.Generator, int], Block], block_size: int, seed: int, domain: SeedDomain, max_blocks: int = 4
    ) -> None:
        self._draw_block, self._block_size, self._max_blocks = draw_block, block_size, max_blocks
        self._seed, self._domain = seed, domain
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        ends = [block_size]
        while ends[0] > _FIRST_BLOCK:
            ends.insert(0, max(_FIRST_BLOCK, ends[0] // 4))
        self._first_ends = np.array(ends)  # where each growing block ends; the last is block_size

    def take(self, episodes: np.ndarray) -> Block:
        """The randomness of ``episodes``, (n,) ints >= 0, in that order; a view where they are consecutive episodes of one block."""
        block_of = self.blocks_of(episodes)
        if block_of[0] == block_of[-1] and (np.diff(episodes) == 1).all():
            first = episodes[0] - self.start(int(block_of[0]))
            return take_rows(self.block(int(block_of[0])), slice(first, first + len(episodes)))
        blocks, block_index = np.unique(block_of, return_inverse=True)
        parts, part_positions = [], []
        for k, block in enumerate(blocks.tolist()):
            positions = np.flatnonzero(block_index == k)  # in ``episodes``
            rows = episodes[positions] - self.start(block)
            consecutive = (np.diff(rows) == 1).all()
            parts.append(take_rows(self.block(block), slice(rows[0], rows[-1] + 1) if consecutive else rows))
            part_positions.append(positions)
        joined, order = concatenate_rows(parts), np.concatenate(part_positions)
        return joined if (np.diff(order) == 1).all() else take_rows(joined, np.argsort(order))

    def blocks_of(self, episodes: np.ndarray) -> np.ndarray:
        """(n,) int; the block of each episode."""
        growing = np.searchsorted(self._first_ends, episodes, side="right")
        return np.where(episodes < self._block_size, growing, len(self._first_ends) + episodes // self._block_size - 1)

    def start(self, block: int) -> int:
        """The first episode of a block."""
        growing = len(self._first_ends)
        if block >= growing:
            return (block - growing + 1) * self._block_size
        return int(self._first_ends[block - 1]) if block else 0

    def block(self, block: int) -> Block:
        """The randomness of a whole block."""
        if block not in self._blocks:
            if len(self._blocks) >= self._max_blocks:
                self._blocks.popitem(last=False)  # before drawing, so that its memory can be used again
            seed_sequence = np.random.SeedSequence(self._seed, spawn_key=(int(self._domain), block))
            count = self.start(block + 1) - self.start(block)
            # SFC64 is NumPy's fastest generator; random numbers are a third of the cost of an episode.
            self._blocks[block] = self._draw_block(np.random.Generator(np.random.SFC64(seed_sequence)), count)
        self._blocks.move_to_end(block)
        return self._blocks[block]


def take_rows(block: Any, index: Any) -> Any:
    """The dataclass with every field indexed by ``index``."""
    return dataclasses.replace(block, **{f.name: getattr(block, f.name)[index] for f in dataclasses.fields(block)})


def concatenate_rows(parts: list[Any]) -> Any:
    """One dataclass with the rows of several, in order."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in dataclasses.fields(parts[0]):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else type(values[0]).concatenate(values)
    return dataclasses.replace(parts[0], **joined)
