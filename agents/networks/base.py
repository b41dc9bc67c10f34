"""What all networks have in common."""

from __future__ import annotations

from torch import Tensor, nn

from agents.transformer import Memory, Transformer

Observations = dict[str, Tensor]  # (B, T, ...) each


class Network(nn.Module):
    """Observations of whole episodes, or of one more step of each, to the logits of actions."""

    transformer: Transformer
    logits: nn.Linear
    max_steps: int | None = None
    """Steps that an episode can have; None: any number, of which the last ``transformer.context`` are remembered."""

    def summarize(self, observations: Observations, memory: Memory | None = None) -> Tensor:
        """(B, T, ...) what it makes of each step and all before. With a memory T is 1."""
        raise NotImplementedError

    def act(self, summary: Tensor) -> Tensor:
        """(B, T, A) logits of a summary."""
        raise NotImplementedError

    def forward(self, observations: Observations, memory: Memory | None = None) -> Tensor:
        """(B, T, A) logits. With a memory T is 1."""
        return self.act(self.summarize(observations, memory))

    def memory(self) -> Memory:
        """An empty memory to act with."""
        return Memory(self.transformer.context)
