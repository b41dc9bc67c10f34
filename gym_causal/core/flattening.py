"""Observations as one vector: what ``gymnasium.wrappers.FlattenObservation`` gives, for a whole batch at once and in float32."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from gym_causal.core.task import Observations


class Flattener:
    """Turns observations of a flat Dict space into vectors, in Gymnasium's order: Box entries as they are, Discrete ones one-hot.

    Gymnasium's own are float64, since one of a Discrete space is int64.

    Args:
        space: of Box, Discrete and MultiBinary entries.

    Attributes:
        space: of the vectors, a Box (D,) float32.

    Raises:
        ValueError: there is another entry.
    """

    def __init__(self, space: spaces.Dict) -> None:
        self._parts: list[tuple[str, int, int]] = []  # (key, first column, one-hot values; 0: an array)
        lows, highs, width = [], [], 0
        for key, part in space.spaces.items():
            if not isinstance(part, (spaces.Box, spaces.Discrete, spaces.MultiBinary)):
                accepted = "flatten must be False where an observation is no Box, Discrete or MultiBinary"
                raise ValueError(f"{accepted}, got {key!r}, a {type(part).__name__}")
            flat = spaces.flatten_space(part)
            assert isinstance(flat, spaces.Box)
            self._parts.append((key, width, int(part.n) if isinstance(part, spaces.Discrete) else 0))
            lows.append(flat.low.astype(np.float32))
            highs.append(flat.high.astype(np.float32))
            width += len(flat.low)
        self._starts = {key: int(part.start) for key, part in space.spaces.items() if isinstance(part, spaces.Discrete)}
        self.space = spaces.Box(np.concatenate(lows), np.concatenate(highs), dtype=np.float32)
        self._width = width

    def __call__(self, observations: Observations) -> np.ndarray:
        """(B, D) float32, of observations (B, ...) each."""
        count = len(next(iter(observations.values())))
        flat = np.zeros((count, self._width), np.float32)
        rows = np.arange(count)
        for key, first, num_values in self._parts:
            values = observations[key]
            if num_values:
                flat[rows, first + values - self._starts[key]] = 1
            else:
                values = values.reshape(count, -1)
                flat[:, first : first + values.shape[1]] = values
        return flat
