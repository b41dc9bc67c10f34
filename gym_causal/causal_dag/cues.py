"""Which subsets of relevant variables are held out of training, in ``CausalDAGCued-v0``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gym_causal.scm import variable_names


@dataclass(frozen=True)
class CueClass:
    """Subsets of variables whose index sum is ``residue`` modulo ``modulus`` are held out of training."""

    modulus: int
    residue: int

    def contains(self, relevant: np.ndarray) -> np.ndarray:
        """(B,) bool for (B, R) subsets."""
        return relevant.sum(axis=1) % self.modulus == self.residue

    def draw(
        self, rng: np.random.Generator, batch: int, num_variables: int, num_relevant: int, *, held_out: bool, include: tuple[int, ...]
    ) -> np.ndarray:
        """(B, R) int: subsets, uniform among those in the class (or out of it) that contain the variables ``include``."""
        others = np.setdiff1d(np.arange(num_variables), include)
        subsets = np.empty((batch, num_relevant), int)
        missing = np.ones(batch, bool)
        for _ in range(1_000):
            count = int(missing.sum())
            if count == 0:
                return subsets
            pool = rng.permuted(np.tile(others, (count, 1)), axis=1)[:, : num_relevant - len(include)]
            subsets[missing] = np.concatenate([np.broadcast_to(include, (count, len(include))).astype(int), pool], axis=1)
            missing = self.contains(subsets) != held_out
        raise ValueError(
            f"no subset of num_relevant={num_relevant} of {num_variables} variables"
            f"{' that contains ' + ' and '.join(variable_names(num_variables)[i] for i in include) if include else ''} was found that is "
            f"{'held out' if held_out else 'in training'} with cue_modulus={self.modulus}, cue_residue={self.residue}"
        )
