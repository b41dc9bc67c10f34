"""How good each action is: the noise-free interventional value of the goal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.causal_dag.actions import by_sign, legal_actions
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class Optimum:
    """How good each action is for the goal, exactly: the noise-free interventional value of the goal."""

    values: np.ndarray  # (E, 2N) float; an illegal action sets nothing and so scores the observational value, 0
    legal: np.ndarray  # (E, 2N) bool; all but setting the goal itself

    @classmethod
    def of(cls, models: StructuralCausalModels, goals: np.ndarray, intervention_value: float) -> Optimum:
        """The optimum of (E,) goals in E models, by brute force over all 2N interventions."""
        values = models.noise_free_outcomes(goals, (intervention_value, -intervention_value)).reshape(len(models), -1)
        legal = legal_actions(goals, models.num_variables)
        values[~legal] = 0.0
        return cls(values, legal)

    @cached_property
    def best_value(self) -> np.ndarray:
        """(E,) float; the highest value that a legal action reaches."""
        return self._legal_values.max(axis=1)

    @cached_property
    def is_optimal(self) -> np.ndarray:
        """(E, 2N) bool; the legal actions that reach it. Actions without influence on the goal tie exactly."""
        return self.legal & (self.values == self.best_value[:, None])

    @property
    def value_by_variable(self) -> np.ndarray:
        """(E, N) float; the value that setting each variable reaches with the better sign, -inf for the goal itself."""
        return by_sign(self._legal_values).max(axis=1)

    @property
    def _legal_values(self) -> np.ndarray:
        return np.where(self.legal, self.values, -np.inf)

    def action_probabilities(self, temperature: float) -> np.ndarray:
        """(E, 2N) float: uniform over the optimal actions at temperature 0, else Boltzmann-rational, exp(value / temperature)."""
        if temperature == 0:
            weight = self.is_optimal.astype(float)
        else:
            weight = np.exp((self.values - self.best_value[:, None]) / temperature) * self.legal
        return weight / weight.sum(axis=1, keepdims=True)
