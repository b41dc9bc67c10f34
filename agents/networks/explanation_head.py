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
        return self.token_head(self._hidden(features, tokens))

    def _hidden(self, features: Tensor, tokens: Tensor) -> Tensor:
        """(n, k, H), of the arguments of :meth:`forward`."""
        # The sum over the tokens before, as a matrix product: on a CPU it takes half the time of cumsum and its gradient.
        precedes = torch.ones(tokens.shape[1], tokens.shape[1], device=tokens.device).tril(-1)
        before = precedes @ self.token_embedding(tokens)
        return torch.relu(self.feature_projection(features)[:, None] + before + self.position_embedding[: tokens.shape[1]])

    def decode_greedy(self, features: Tensor) -> Tensor:
        """(n, L) int64; the likeliest token at each position, given those chosen before, of features (n, F)."""
        state, tokens = self.feature_projection(features), []
        for position in self.position_embedding:
            tokens.append(self.token_head(torch.relu(state + position)).argmax(-1))
            state = state + self.token_embedding(tokens[-1])
        return torch.stack(tokens, dim=1)

    def loss(self, features: Tensor, tokens: Tensor) -> Tensor:
        """() negative log-likelihood of explanations: summed over tokens, averaged over steps.

        A statement that is not made contributes its first token only, which says so.

        Args:
            features: (..., F).
            tokens: (..., L) int; IGNORE_INDEX at steps that do not count, which only fill up a batch.
        """
        features, tokens = features.flatten(0, -2), tokens.flatten(0, -2).long()
        counts = tokens[:, 0] != IGNORE_INDEX
        features, tokens = features[counts], tokens[counts]
        is_first = torch.tensor([place == first for place, first in enumerate(self.first_of)], device=tokens.device)
        predicted = (tokens[:, self.first_of] > 0) | is_first  # (n, L)
        # Most statements of some tasks are empty: the logits of their other tokens are not computed.
        logits = self.token_head(self._hidden(features, tokens)[predicted]).float()
        return F.cross_entropy(logits, tokens[predicted], reduction="sum") / len(tokens)
