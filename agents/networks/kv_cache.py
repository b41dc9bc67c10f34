"""Rolling key/value cache of a Transformer that acts one step at a time."""

from __future__ import annotations

import torch
from torch import Tensor


class KVCache:
    """What attention needs of the last steps, so that a step costs one step's tokens. Each row has its own number of steps.

    Args:
        capacity: how many steps it holds; a later one takes the place of the oldest.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.lengths = torch.zeros(0, dtype=torch.long)  # (B,) steps seen
        self.actions = torch.zeros(0, dtype=torch.long)  # (B,) what was done in the last step, as far as its policy has noted it
        self._stored: dict[str, Tensor] = {}  # name -> (B, capacity * K, ...)
        self._extent = 1  # places that are taken in some row, by the present step too

    def begin(self, rows: Tensor) -> None:
        """Forget what was seen in some rows, (B,) bool."""
        if len(self.lengths) != len(rows):
            self.lengths = self.actions = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        self.lengths, self.actions = torch.where(rows, 0, self.lengths), torch.where(rows, 0, self.actions)

    def steps(self) -> Tensor:
        """(B, places) which step is in each place, the present one included; negative: none. Begins a step."""
        self._extent = min(int(self.lengths.max()) + 1, self.capacity)
        places = torch.arange(self._extent, device=self.lengths.device)
        now = self.lengths[:, None]
        return now - (now - places) % self.capacity

    def write(self, name: str, new: Tensor) -> Tensor:
        """Add what the present step's tokens have under a name, (B, K, ...); returns that of all places, (B, places * K, ...)."""
        batch, tokens = new.shape[:2]
        if name not in self._stored or len(self._stored[name]) != batch:
            self._stored[name] = new.new_zeros(batch, self.capacity * tokens, *new.shape[2:])
        rows = torch.arange(batch, device=new.device)[:, None]
        place = self.lengths[:, None] % self.capacity
        self._stored[name][rows, place * tokens + torch.arange(tokens, device=new.device)] = new
        return self._stored[name][:, : self._extent * tokens]

    def end_step(self) -> None:
        self.lengths = self.lengths + 1
