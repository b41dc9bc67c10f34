"""The exploration trials of a batch of episodes, as data to infer causes from."""

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
    valid: np.ndarray  # (B, T) bool; whether the trial was recorded; the other arrays mean nothing where it was not

    def __post_init__(self) -> None:
        shape = self.initial_values.shape
        if len(shape) != 3 or self.outcomes.shape != shape:
            raise ValueError(f"initial_values and outcomes must share a shape (B, T, N), got {shape} and {self.outcomes.shape}")
        for name in ("do_target", "do_value", "valid"):
            if (found := getattr(self, name).shape) != shape[:2]:
                raise ValueError(f"{name} must have shape {shape[:2]}, got {found}")

    @classmethod
    def empty(cls, batch: int, trials: int, num_variables: int) -> InterventionalData:
        """Room for ``trials`` trials, none of them recorded yet."""
        values, flags = (batch, trials, num_variables), (batch, trials)
        return cls(np.zeros(values), np.zeros(values), np.full(flags, -1), np.zeros(flags), np.zeros(flags, bool))

    def __len__(self) -> int:
        return len(self.initial_values)

    def __getitem__(self, rows: slice | np.ndarray) -> InterventionalData:
        """The trials of some of the episodes."""
        return InterventionalData(
            self.initial_values[rows], self.outcomes[rows], self.do_target[rows], self.do_value[rows], self.valid[rows]
        )

    @property
    def rows(self) -> np.ndarray:
        """(B, 2T, N) all initial values, then all outcomes."""
        return np.concatenate([self.initial_values, self.outcomes], axis=1)

    @property
    def row_target(self) -> np.ndarray:
        """(B, 2T) int; the variable that was set in each of :attr:`rows`, -1 = none: initial values are observational."""
        return np.concatenate([np.full_like(self.do_target, -1), self.do_target], axis=1)

    @property
    def row_valid(self) -> np.ndarray:
        """(B, 2T) bool; whether each of :attr:`rows` was recorded."""
        return np.concatenate([self.valid, self.valid], axis=1)

    def of(self, variables: np.ndarray) -> InterventionalData:
        """The data of some of the variables, renumbered from 0. A trial that set any other variable then counts as observational.

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
            self.valid,
        )
