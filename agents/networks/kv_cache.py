"""Rolling key/value cache of a Transformer that acts one step at a time."""

from __future__ import annotations

import torch
from torch import Tensor


class KVCache:
    """Rolling key/value cache, one row per episode.

    Each row counts its own steps, so that episodes of a batch can begin at different times. One step is: :meth:`key_positions`, then
    :meth:`append` once for each name, then :meth:`advance`.

    Args:
        capacity: steps that are cached; a later step overwrites the oldest.

    Attributes:
        positions: (B,) int64; how many steps the row's episode has had, which is the index of its next step.
        previous_actions: (B,) int64; 1 + the action of the row's last step, 0 before an episode's first. Set by whoever picks actions.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.positions = torch.zeros(0, dtype=torch.long)
        self.previous_actions = torch.zeros(0, dtype=torch.long)
        # name -> (G, B, capacity * K, D): a slice of the slots is read as (G * B, slots * K, D) without a copy.
        self._stored: dict[str, Tensor] = {}
        self._num_slots = 1  # of the capacity, those that some row uses

    def reset(self, rows: Tensor) -> None:
        """Begin new episodes in some rows, (B,) bool: what they cached is no longer attended to."""
        if len(self.positions) != len(rows):
            self.positions = self.previous_actions = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        self.positions = torch.where(rows, 0, self.positions)
        self.previous_actions = torch.where(rows, 0, self.previous_actions)

    def keep(self, rows: Tensor) -> None:
        """Keep some rows, (n,) int, in that order, and forget the others."""
        self.positions, self.previous_actions = self.positions[rows], self.previous_actions[rows]
        self._stored = {name: values[:, rows] for name, values in self._stored.items()}

    def key_positions(self) -> Tensor:
        """(B, S) int64; the step that each of S slots holds once the present one is appended. Negative: an empty slot."""
        self._num_slots = min(int(self.positions.max()) + 1, self.capacity)
        slots = torch.arange(self._num_slots, device=self.positions.device)
        now = self.positions[:, None]
        return now - (now - slots) % self.capacity

    def append(self, name: str, new: Tensor) -> Tensor:
        """Store what the present step's K tokens have under a name, (B, K, G, D): G vectors each, of the attention heads for example.

        Returns:
            (B, S * K, G, D), that of all slots; a view, until the next step.
        """
        batch, tokens, groups, size = new.shape
        if name not in self._stored or self._stored[name].shape[1] != batch:
            self._stored[name] = new.new_zeros(groups, batch, self.capacity * tokens, size)
        rows = torch.arange(batch, device=new.device)[:, None]
        slot = self.positions[:, None] % self.capacity
        self._stored[name][:, rows, slot * tokens + torch.arange(tokens, device=new.device)] = new.permute(2, 0, 1, 3)
        return self._stored[name][:, :, : self._num_slots * tokens].permute(1, 2, 0, 3)

    def advance(self) -> None:
        """End the present step."""
        self.positions = self.positions + 1
