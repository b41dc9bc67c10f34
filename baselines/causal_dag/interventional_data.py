"""What a strategy has seen: the exploration trials of a batch of episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class InterventionalData:
    """T exploration trials of B episodes over N variables."""

    initial_values: np.ndarray  # (B, T, N) float, before the intervention
    outcomes: np.ndarray  # (B, T, N) float, after it
    do_target: np.ndarray  # (B, T) int; the variable that was set, -1 = none
    do_value: np.ndarray  # (B, T) float; the value it was set to, 0 = none
    seen: np.ndarray  # (B, T) bool; whether the trial was witnessed at all

    def __post_init__(self) -> None:
        shape = self.initial_values.shape
        if len(shape) != 3 or self.outcomes.shape != shape:
            raise ValueError(f"initial_values and outcomes must share a shape (B, T, N), got {shape} and {self.outcomes.shape}")
        for name in ("do_target", "do_value", "seen"):
            if (found := getattr(self, name).shape) != shape[:2]:
                raise ValueError(f"{name} must have shape {shape[:2]}, got {found}")

    @classmethod
    def nothing(cls, batch: int, trials: int, num_variables: int) -> InterventionalData:
        """Room for ``trials`` trials, none of them seen yet."""
        values, flags = (batch, trials, num_variables), (batch, trials)
        return cls(np.zeros(values), np.zeros(values), np.full(flags, -1), np.zeros(flags), np.zeros(flags, bool))

    def __len__(self) -> int:
        return len(self.initial_values)

    def __getitem__(self, rows: slice | np.ndarray) -> InterventionalData:
        """The same of some of the episodes."""
        return InterventionalData(
            self.initial_values[rows], self.outcomes[rows], self.do_target[rows], self.do_value[rows], self.seen[rows]
        )

    @property
    def rows(self) -> np.ndarray:
        """(B, 2T, N) all initial values, then all outcomes."""
        return np.concatenate([self.initial_values, self.outcomes], axis=1)

    @property
    def row_target(self) -> np.ndarray:
        """(B, 2T) int; the variable that was set in each of :attr:`rows`, -1 = none: initial values are no_intervention_outcomes."""
        return np.concatenate([np.full_like(self.do_target, -1), self.do_target], axis=1)

    @property
    def row_seen(self) -> np.ndarray:
        """(B, 2T) bool; whether each of :attr:`rows` was witnessed."""
        return np.concatenate([self.seen, self.seen], axis=1)

    def of(self, variables: np.ndarray) -> InterventionalData:
        """The experience with some of the variables, renumbered; setting any other is no intervention on them.

        Args:
            variables: (B, R) int, the variables to keep, in ascending order.
        """
        columns = variables[:, None, :]
        match = self.do_target[:, :, None] == columns  # (B, T, R)
        kept = match.any(axis=2)
        return InterventionalData(
            np.take_along_axis(self.initial_values, columns, 2),
            np.take_along_axis(self.outcomes, columns, 2),
            np.where(kept, match.argmax(axis=2), -1),
            np.where(kept, self.do_value, 0.0),
            self.seen,
        )
