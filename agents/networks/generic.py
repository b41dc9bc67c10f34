"""A network for any task with discrete actions: one token per step, of everything that is observed, and a Transformer over steps."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces
from torch import Tensor, nn

from agents.config.architecture import ArchitectureConfig
from agents.networks.attention import Transformer
from agents.networks.base import Network, Observations
from agents.networks.kv_cache import KVCache
from gym_causal.core.task import BatchedTask

CONTEXT = 256
"""Steps that are attended to unless the architecture says otherwise."""
NUM_RECENT = 4
"""How many of the last steps attention tells apart."""
_GRID_SIDE = 16
"""Images with no longer side are read as grids of symbols, as MiniGrid's are, not as pictures."""
_SYMBOL_SIZE = 16
_WIDEST = 255
"""Numbers with wider bounds are read like unbounded ones."""


class VectorEncoder(nn.Module):
    """Scales a Box and flattens it: to [-1, 1] within bounds up to 255, else to ``sign(x) * log(1 + |x|)``.

    Args:
        space: of any shape.
    """

    low: Tensor
    high: Tensor
    is_bounded: Tensor

    def __init__(self, space: spaces.Box) -> None:
        super().__init__()
        low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
        # CartPole, for one, writes "unbounded" as the largest number of float32; and common values vanish between bounds in the thousands.
        is_bounded = (np.abs(low) <= _WIDEST) & (np.abs(high) <= _WIDEST) & (low < high)
        self.register_buffer("is_bounded", torch.as_tensor(is_bounded), persistent=False)
        for name, bound, otherwise in (("low", low, -1.0), ("high", high, 1.0)):
            self.register_buffer(name, torch.as_tensor(np.where(is_bounded, bound, otherwise), dtype=torch.float32), persistent=False)
        self.size = len(low)

    def forward(self, values: Tensor) -> Tensor:
        """(n, size), of ``(n, *shape)``."""
        x = values.flatten(1).float()
        scaled = 2 * (x - self.low) / (self.high - self.low) - 1
        return torch.where(self.is_bounded, scaled, torch.sign(x) * torch.log1p(x.abs()))


class OneHotEncoder(nn.Module):
    """One-hot value of a Discrete space.

    Args:
        space: whose values are encoded.
    """

    def __init__(self, space: spaces.Discrete) -> None:
        super().__init__()
        self.start, self.size = int(space.start), int(space.n)

    def forward(self, values: Tensor) -> Tensor:
        """(n, size) float, of (n,) ints."""
        return F.one_hot(values.long() - self.start, self.size).float()


class BinaryEncoder(nn.Module):
    """The 0s and 1s of a MultiBinary space, flattened.

    Args:
        space: of any shape.
    """

    def __init__(self, space: spaces.MultiBinary) -> None:
        super().__init__()
        self.size = int(np.prod(space.shape))

    def forward(self, values: Tensor) -> Tensor:
        """(n, size) float, of ``(n, *shape)``."""
        return values.flatten(1).float()


class ImageEncoder(nn.Module):
    """A small convolutional network for uint8 images.

    Small images are grids of symbols: each of the 256 values of each channel has an embedding, and a cell is the sum over its channels.
    Of larger ones pixels are scaled to [0, 1].

    Args:
        shape: (height, width, channels).
        size: numbers that come out.
    """

    def __init__(self, shape: tuple[int, int, int], size: int) -> None:
        super().__init__()
        height, width, channels = shape
        self.size = size
        self.symbols = nn.Embedding(256 * channels, _SYMBOL_SIZE) if max(height, width) <= _GRID_SIDE else None
        layers: list[nn.Module] = []
        inputs, outputs = _SYMBOL_SIZE if self.symbols else channels, 32
        while max(height, width) > 8:
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
            inputs, outputs, height, width = outputs, min(2 * outputs, 64), -(-height // 2), -(-width // 2)
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(outputs * height * width, size)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """(n, size), of (n, height, width, channels) uint8."""
        if self.symbols is None:
            x = images.float() / 255
        else:
            x = self.symbols(images.long() + 256 * torch.arange(images.shape[-1], device=images.device)).sum(-2)
        return self.layers(x.movedim(-1, 1))


class GenericNetwork(Network):
    """One token per step: all observations and the action before, encoded and concatenated, through an MLP.

    Args:
        config: of the network.
        observation_space: Box, Discrete and MultiBinary spaces by name.
        num_actions: A.

    Raises:
        ValueError: a space of another type.
    """

    def __init__(self, config: ArchitectureConfig, observation_space: spaces.Dict, num_actions: int) -> None:
        super().__init__()
        width = self.explanation_width = config.width
        self.keys, self.num_actions = tuple(observation_space.spaces), num_actions
        encoders = [_encoder(key, space, width) for key, space in observation_space.spaces.items()]
        self.encoders = nn.ModuleList(encoders)
        size = sum(encoder.size for encoder in encoders) + num_actions + 1
        self.step_encoder = nn.Sequential(nn.Linear(size, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.temporal_transformer = Transformer(
            width,
            config.num_layers,
            config.num_heads,
            context=config.context or CONTEXT,
            num_recent=NUM_RECENT,
            dropout=config.dropout,
        )
        self.action_head = nn.Linear(width, num_actions)

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        previous_action = observations["previous_action"].long()
        parts = [encoder(observations[key].flatten(0, 1)) for key, encoder in zip(self.keys, self.encoders, strict=True)]
        parts.append(F.one_hot(previous_action.flatten(), self.num_actions + 1).float())
        x = self.step_encoder(torch.cat(parts, dim=-1)).unflatten(0, previous_action.shape)  # (B, T, W)
        return self.temporal_transformer(x[:, :, None], cache=cache)[:, :, 0]


def build(architecture: ArchitectureConfig, task: BatchedTask) -> Network:
    """A generic network for a task.

    Raises:
        ValueError: it observes something that is no Box, Discrete or MultiBinary.
    """
    return GenericNetwork(architecture, task.observation_space, int(task.action_space.n))


def _encoder(key: str, space: spaces.Space, width: int) -> VectorEncoder | OneHotEncoder | BinaryEncoder | ImageEncoder:
    if isinstance(space, spaces.Box):
        if space.dtype == np.uint8 and len(space.shape) == 3:
            return ImageEncoder(space.shape, 2 * width)
        return VectorEncoder(space)
    if isinstance(space, spaces.Discrete):
        return OneHotEncoder(space)
    if isinstance(space, spaces.MultiBinary):
        return BinaryEncoder(space)
    raise ValueError(f"kind 'generic' reads Box, Discrete and MultiBinary observations, got {type(space).__name__} for {key!r}")
