"""The expert: tries each relevant variable once, or any at random, then acts optimally."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class Optimum:
    """How good each action is for the goal, exactly: the noise-free interventional value of the goal."""

    values: np.ndarray  # (E, 2N) float; an illegal action sets nothing and so scores the observational value, 0
    legal: np.ndarray  # (E, 2N) bool; all but setting the goal itself

    @classmethod
    def of(cls, models: StructuralCausalModels, goals: np.ndarray, intervention_value: float) -> Optimum:
        """For (E,) goals; the brute force over all 2N interventions, which is also the definition."""
        num_variables = models.num_variables
        values = models.noise_free_outcomes(goals, (intervention_value, -intervention_value)).reshape(len(models), -1)
        legal = np.tile(np.arange(num_variables), 2) != goals[:, None]
        return cls(np.where(legal, values, 0.0), legal)

    @cached_property
    def best_value(self) -> np.ndarray:
        """(E,) float; the highest value that a legal action reaches."""
        return np.where(self.legal, self.values, -np.inf).max(axis=1)

    @cached_property
    def is_optimal(self) -> np.ndarray:
        """(E, 2N) bool; the legal actions that reach it. Actions without influence on the goal tie exactly."""
        return self.legal & (self.values == self.best_value[:, None])

    def action_probabilities(self, temperature: float) -> np.ndarray:
        """(E, 2N) float: uniform over the optimal actions at temperature 0, else Boltzmann-rational, exp(value / temperature)."""
        if temperature == 0:
            weight = self.is_optimal.astype(float)
        else:
            weight = np.exp((self.values - self.best_value[:, None]) / temperature) * self.legal
        return weight / weight.sum(axis=1, keepdims=True)


def exploration_actions(
    config: CausalDAGConfig,
    relevant: np.ndarray,
    priority: np.ndarray,
    tried: np.ndarray,
    trial: int | np.ndarray,
    uniform: np.ndarray,
) -> np.ndarray:
    """(B,) the expert's exploratory action: the next relevant variable, in its random order, that was not tried yet.

    With ``expert_exploration="random"`` it is any relevant variable instead.

    Args:
        config: the env's arguments; two of them say how the expert explores.
        relevant: (B, N) bool; the variables worth trying.
        priority: (B, N) float; a random number per variable that orders them.
        tried: (B, N) bool; the variables set so far in this episode.
        trial: how many trials were played, one int or (B,) ints; once every relevant variable was tried, the order begins again.
        uniform: (B,) float in [0, 1), a new one in each trial; what else is random: the sign, and which variable if that is any.
    """
    num_variables = relevant.shape[1]
    order = np.argsort(np.where(relevant, priority, np.inf), axis=1)  # (B, N), the relevant ones first
    if config.expert_exploration == "random":
        # The first binary digit decides the sign; the later ones are uniform too, and independent of it.
        place = (2 * uniform % 1 * relevant.sum(axis=1)).astype(int)
    else:
        is_new = np.take_along_axis(relevant & ~tried, order, 1)
        place = np.where(is_new.any(axis=1), is_new.argmax(axis=1), trial % relevant.sum(axis=1))
    variable = np.take_along_axis(order, place[:, None], 1)[:, 0]
    negative = (uniform < 0.5) & (config.exploration_sign == "random")
    return variable + num_variables * negative


def draw_actions(probabilities: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """(B,) actions from (B, A) probabilities by inverting their distribution at (B,) uniform numbers in [0, 1)."""
    cumulative = probabilities.cumsum(axis=1)
    return (cumulative > (uniform * cumulative[:, -1])[:, None]).argmax(axis=1)
