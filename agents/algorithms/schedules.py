"""Learning rates as functions of the number of updates made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.config.training import TrainingConfig


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warmup times cosine decay: rate(u) = peak * min(1, (u + 1) / (warmup + 1)) * (1 + cos(pi * u / num_updates)) / 2."""

    peak: float
    warmup: float  # updates
    num_updates: int

    @classmethod
    def of(cls, training: TrainingConfig) -> WarmupCosine:
        """The schedule of a training."""
        return cls(training.learning_rate, training.warmup * training.num_batches, training.num_batches)

    def __call__(self, update: int) -> float:
        """The learning rate of an update, counted from 0."""
        rising = min(1.0, (update + 1) / (self.warmup + 1))
        return self.peak * rising * 0.5 * (1 + math.cos(math.pi * update / self.num_updates))
