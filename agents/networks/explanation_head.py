"""The head that predicts the explanation of a step, token by token."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agents.data.collate import IGNORE_INDEX


class ExplanationHead(nn.Module):
    """Predicts each token from the step's features, its position and the sum of the embeddings of the tokens before.

    Args:
        num_features: F, numbers that the network gives for each step.
        hidden_size: H, of the hidden layer.
        vocabulary_size: V, tokens of the task's explanations; token 0 is padding.
        num_tokens: L, their length.
        starts: where statements begin; see :class:`gym_causal.core.explanations.ExplanationSpec`.
    """

    def __init__(self, num_features: int, hidden_size: int, vocabulary_size: int, num_tokens: int, starts: tuple[int, ...] = (0,)) -> None:
        super().__init__()
        lengths = np.diff([*starts, num_tokens])
        self.first_of = np.repeat(starts, lengths).tolist()  # (L,) where the statement of each token begins
        self.feature_projection = nn.Linear(num_features, hidden_size)
        self.token_embedding = nn.Embedding(vocabulary_size, hidden_size)
        self.position_embedding = nn.Parameter(0.1 * torch.randn(num_tokens, hidden_size))
        self.token_head = nn.Linear(hidden_size, vocabulary_size)
        nn.init.normal_(self.token_embedding.weight, std=0.1)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """(n, k, V) logits of the first k tokens, each given those before it, of n steps.

        Args:
            features: (n, F).
            tokens: (n, k) int.
        """
        every = torch.ones(tokens.shape, dtype=torch.bool, device=tokens.device)
        return self._logits(features, tokens.long(), every).unflatten(0, tokens.shape)

    def _logits(self, features: Tensor, tokens: Tensor, predicted: Tensor) -> Tensor:
        """(m, V) logits of the m tokens that are ``predicted`` (n, k) bool; for the other arguments see :meth:`forward`."""
        # How often each token occurs before, and at which position it stands, as numbers: both embeddings are then one matrix product,
        # whose gradient is one as well. On a CPU that takes two thirds of the time of sums over embedded tokens.
        occurs = F.one_hot(tokens, self.token_embedding.num_embeddings).to(features.dtype)
        row, position = predicted.nonzero(as_tuple=True)
        before = (occurs.cumsum(1) - occurs)[row, position]  # (m, V)
        inputs = torch.cat([before, F.one_hot(position, len(self.position_embedding)).to(features.dtype)], dim=1)
        embedding = torch.cat([self.token_embedding.weight, self.position_embedding])
        projected = self.feature_projection(features)
        return self.token_head(torch.relu(projected[row] + inputs @ embedding))

    def decode_greedy(self, features: Tensor) -> Tensor:
        """(n, L) int64; the likeliest token at each position, given those chosen before, of features (n, F)."""
        state, tokens = self.feature_projection(features), []
        for position in self.position_embedding:
            tokens.append(self.token_head(torch.relu(state + position)).argmax(-1))
            state = state + self.token_embedding(tokens[-1])
        return torch.stack(tokens, dim=1)

    def loss(self, features: Tensor, tokens: Tensor, count: Tensor | None = None) -> Tensor:
        """() negative log-likelihood of explanations: summed over tokens and steps, divided by the number of steps.

        A statement that is not made contributes its first token only, which says so.

        Args:
            features: (..., F).
            tokens: (..., L) int; IGNORE_INDEX at steps that do not count, which only fill up a batch.
            count: () int; the number of steps, if it is that of a larger batch of which these are a part.
        """
        features, tokens = features.flatten(0, -2), tokens.flatten(0, -2).long()
        counts = tokens[:, 0] != IGNORE_INDEX
        features, tokens = features[counts], tokens[counts]
        is_first = torch.tensor([place == first for place, first in enumerate(self.first_of)], device=tokens.device)
        predicted = (tokens[:, self.first_of] > 0) | is_first  # (n, L)
        # Most statements of some tasks are empty: the logits of their other tokens are not computed.
        logits = self._logits(features, tokens, predicted).float()
        return F.cross_entropy(logits, tokens[predicted], reduction="sum") / (len(tokens) if count is None else count)
