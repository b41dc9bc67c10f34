"""The head that predicts the explanation of a step, token by token."""

from __future__ import annotations

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
    """

    def __init__(self, num_features: int, hidden_size: int, vocabulary_size: int, num_tokens: int) -> None:
        super().__init__()
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
        embedded = self.token_embedding(tokens)
        before = embedded.cumsum(1) - embedded
        hidden = torch.relu(self.feature_projection(features)[:, None] + before + self.position_embedding[: tokens.shape[1]])
        return self.token_head(hidden)

    def decode_greedy(self, features: Tensor) -> Tensor:
        """(n, L) int64; the likeliest token at each position, given those chosen before, of features (n, F)."""
        state, tokens = self.feature_projection(features), []
        for position in self.position_embedding:
            tokens.append(self.token_head(torch.relu(state + position)).argmax(-1))
            state = state + self.token_embedding(tokens[-1])
        return torch.stack(tokens, dim=1)

    def loss(self, features: Tensor, tokens: Tensor) -> Tensor:
        """() negative log-likelihood of explanations: summed over tokens, averaged over steps.

        An empty explanation contributes its first token only, which says that it is empty.

        Args:
            features: (..., F).
            tokens: (..., L) int; IGNORE_INDEX at steps that do not count, which only fill up a batch.
        """
        features, tokens = features.flatten(0, -2), tokens.flatten(0, -2).long()
        counts = tokens[:, 0] != IGNORE_INDEX
        features, tokens = features[counts], tokens[counts]
        # Most explanations of some tasks are empty: the other tokens of these are not computed.
        empty = tokens[:, 0] == 0
        summed = [
            F.cross_entropy(self(features[rows], targets).flatten(0, 1), targets.flatten(), reduction="sum")
            for rows, targets in ((~empty, tokens[~empty]), (empty, tokens[empty, :1]))
        ]
        return (summed[0] + summed[1]) / len(tokens)
