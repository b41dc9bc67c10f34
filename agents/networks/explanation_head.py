"""The head that predicts explanations: what an agent is asked to say, beside what it is to do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gym_causal.odd_one_out.explanations import NUM_TOKENS, VOCABULARY


class ExplanationHead(nn.Module):
    """Predicts the explanation of a step token by token, each from what the network makes of the step and from the tokens before.

    Args:
        width: W, of a summary.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, 2 * width)
        self.said = nn.Embedding(len(VOCABULARY), 2 * width)
        self.places = nn.Parameter(0.1 * torch.randn(NUM_TOKENS, 2 * width))
        self.logits = nn.Linear(2 * width, len(VOCABULARY))
        nn.init.normal_(self.said.weight, std=0.1)

    def forward(self, hidden_states: Tensor, tokens: Tensor) -> Tensor:
        """(n, k) log-probabilities of the first k tokens, (n, k) int, of steps with ``hidden_states``, (n, W)."""
        said = self.said(tokens)
        before = said.cumsum(1) - said
        hidden = torch.relu(self.hidden(hidden_states)[:, None] + before + self.places[: tokens.shape[1]])
        return torch.log_softmax(self.logits(hidden), dim=-1).gather(-1, tokens[..., None])[..., 0]

    def say(self, hidden_states: Tensor) -> Tensor:
        """(n, L) the likeliest token in each place, given those that were chosen before."""
        state, tokens = self.hidden(hidden_states), []
        for place in self.places:
            tokens.append(self.logits(torch.relu(state + place)).argmax(-1))
            state = state + self.said(tokens[-1])
        return torch.stack(tokens, dim=1)

    def loss(self, hidden_states: Tensor, tokens: Tensor) -> Tensor:
        """() the mean negative log-likelihood of explanations, (n, L) int. Where nothing is said, that is all there is to predict."""
        silent = tokens[:, 0] == 0
        whole, first = self(hidden_states[~silent], tokens[~silent]), self(hidden_states[silent], tokens[silent, :1])
        return -(whole.sum() + first.sum()) / len(tokens)
