"""What all networks have in common."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agents.networks.attention import Transformer
from agents.networks.kv_cache import KVCache

Observations = dict[str, Tensor]
"""(B, T, ...) each: the task's keys and "previous_action" (B, T) int64, which is 1 + the action of the step before in the same episode
and 0 at an episode's first step."""

_LENGTH_GROUPS = 4
"""Into how many groups of similar length episodes are sorted, each padded only to its own longest."""


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

    def encode_episodes(self, observations: Observations, lengths: Tensor) -> Tensor:
        """(B, T, ...) hidden states of episodes of different lengths, as :meth:`encode` returns them, and zeros after their ends.

        Episodes are encoded in groups of similar length, so that little is computed of steps after their ends.

        Args:
            observations: (B, T, ...) each, with anything after an episode's end.
            lengths: (B,) int; steps of each episode, T of the longest.
        """
        if (lengths == lengths[0]).all():
            return self.encode(observations)
        order = lengths.argsort(stable=True)
        num_steps, encoded = int(lengths.max()), []
        for rows in order.tensor_split(min(_LENGTH_GROUPS, len(order))):
            longest = int(lengths[rows[-1]])
            hidden_states = self.encode({key: value[rows, :longest] for key, value in observations.items()})
            after = torch.arange(longest, device=lengths.device) >= lengths[rows, None]
            hidden_states = hidden_states.masked_fill(after.reshape(*after.shape, *[1] * (hidden_states.ndim - 2)), 0)
            encoded.append(F.pad(hidden_states, [0, 0] * (hidden_states.ndim - 2) + [0, num_steps - longest]))
        return torch.cat(encoded)[order.argsort()]

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
