"""Random access to the drawn episodes of a stream."""

from __future__ import annotations

import numpy as np

from gym_causal.core.streams import EpisodeStream


class EpisodeStore:
    """The drawn episodes of a stream, for rows whose episodes end at different times.

    Such rows need single episodes of many blocks at almost every step. All blocks in use are kept in one array, so that taking episodes is
    one indexing operation.

    Args:
        stream: its blocks are arrays of records, of at most ``block_size`` episodes each.
        block_size: episodes of a large block.
        max_blocks: blocks kept. When a row is so far behind the others that more would be needed, blocks are dropped and drawn again.
    """

    def __init__(self, stream: EpisodeStream[np.ndarray], block_size: int, max_blocks: int = 4_096) -> None:
        self._stream, self._block_size, self._max_blocks = stream, block_size, max_blocks
        self._slot_of: dict[int, int] = {}  # block -> index into the arrays
        self._free_slots: list[int] = []
        self._records: np.ndarray | None = None  # (slots, block_size)
        self._first_episodes = np.zeros(0, int)  # (slots,) of the block in each slot

    @property
    def num_slots(self) -> int:
        """How many blocks there is memory for."""
        return len(self._first_episodes)

    def take(self, episodes: np.ndarray, oldest: int) -> np.ndarray:
        """The records of (n,) episodes. No episode before ``oldest`` will be asked for again, so that its block may be dropped."""
        blocks = self._stream.blocks_of(episodes).tolist()
        for block in blocks:
            if block not in self._slot_of:
                self._add(block, set(blocks), int(self._stream.blocks_of(np.array(oldest))))
        slot = np.array([self._slot_of[block] for block in blocks])
        assert self._records is not None
        return self._records[slot, episodes - self._first_episodes[slot]]

    def _add(self, block: int, needed: set[int], oldest_block: int) -> None:
        drawn = self._stream.block(block)
        if self._records is None:
            self._records, self._first_episodes = np.empty((1, self._block_size), drawn.dtype), np.zeros(1, int)
            self._free_slots = [0]
        if not self._free_slots:
            dropped = [kept for kept in self._slot_of if kept < oldest_block]
            if not dropped and len(self._records) >= self._max_blocks:
                dropped = [kept for kept in self._slot_of if kept not in needed][: self._max_blocks // 2]
            self._free_slots = [self._slot_of.pop(kept) for kept in dropped]
        if not self._free_slots:
            self._free_slots = list(range(len(self._records), 2 * len(self._records)))
            self._records = np.concatenate([self._records, np.empty_like(self._records)])
            self._first_episodes = np.tile(self._first_episodes, 2)
        slot = self._free_slots.pop()
        self._slot_of[block], self._first_episodes[slot] = slot, self._stream.start(block)
        self._records[slot, : len(drawn)] = drawn
