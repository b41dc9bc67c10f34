"""What all networks have in common."""

from __future__ import annotations

from torch import Tensor, nn

from agents.networks.attention import Transformer
from agents.networks.kv_cache import KVCache

Observations = dict[str, Tensor]
"""(B, T, ...) each: the task's keys and "previous_action" (B, T) int64, which is 1 + the action of the step before in the same episode
and 0 at an episode's first step."""


class Network(nn.Module):
    """Maps observations to action logits, for whole episodes or for one more step of each.

    Attributes:
        temporal_transformer: over the steps of an episode.
        action_head: from hidden states to logits.
        explanation_width: F, numbers that :meth:`explanation_features` returns for each step.
        max_steps: steps that an episode can have; None: any number, of which the last ``temporal_transformer.context`` are attended to.
    """

    temporal_transformer: Transformer
    action_head: nn.Linear
    explanation_width: int
    max_steps: int | None = None

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, ...) hidden states, each a function of its step and those before. With a cache T is 1."""
        raise NotImplementedError

    def action_logits(self, hidden_states: Tensor) -> Tensor:
        """(B, T, A) action logits of hidden states (B, T, ...)."""
        return self.action_head(hidden_states)

    def explanation_features(self, hidden_states: Tensor) -> Tensor:
        """(B, T, F) what the explanation head reads of hidden states (B, T, ...)."""
        return hidden_states

    def forward(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, A) action logits. With a cache T is 1."""
        return self.action_logits(self.encode(observations, cache))

    def new_cache(self) -> KVCache:
        """An empty cache to act with."""
        return KVCache(self.temporal_transformer.context)
