"""What all networks have in common."""

from __future__ import annotations

from torch import Tensor, nn

from agents.networks.attention import Transformer
from agents.networks.kv_cache import KVCache

Observations = dict[str, Tensor]  # (B, T, ...) each


class Network(nn.Module):
    """Observations of whole episodes, or of one more step of each, to the logits of actions."""

    transformer: Transformer
    logits: nn.Linear
    max_steps: int | None = None
    """Steps that an episode can have; None: any number, of which the last ``transformer.context`` are remembered."""

    def encode(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, ...) what it makes of each step and all before. With a memory T is 1."""
        raise NotImplementedError

    def act(self, summary: Tensor) -> Tensor:
        """(B, T, A) logits of a summary."""
        raise NotImplementedError

    def forward(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, A) logits. With a memory T is 1."""
        return self.act(self.encode(observations, memory))

    def memory(self) -> KVCache:
        """An empty memory to act with."""
        return KVCache(self.transformer.context)
