"""The head that predicts the return from a step on."""

from __future__ import annotations

from torch import Tensor, nn


class ValueHead(nn.Module):
    """An MLP from the features of a step to its value.

    Args:
        num_features: F, numbers that the network gives for each step (:meth:`agents.networks.base.Network.explanation_features`).
        hidden_size: of the hidden layer.
    """

    def __init__(self, num_features: int, hidden_size: int) -> None:
        super().__init__()
        output = nn.Linear(hidden_size, 1)
        # The first values are zeros: the first advantages are then those of the returns, not of random predictions.
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)
        self.mlp = nn.Sequential(nn.Linear(num_features, hidden_size), nn.GELU(), output)

    def forward(self, features: Tensor) -> Tensor:
        """(...) values of features (..., F)."""
        return self.mlp(features)[..., 0]
