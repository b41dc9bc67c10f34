"""The simulated worlds of a run of episodes: what every intervention in every trial does, factual or counterfactual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.expert import Optimum
from gym_causal.generators import draw_models
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class Draws:
    """All the randomness of E episodes of T trials."""

    models: StructuralCausalModels  # E of them
    goals: np.ndarray  # (E,) int
    relevant: np.ndarray  # (E, N) bool; the variables in the graph
    initial_noise: np.ndarray  # (E, T, N) standard normal
    outcome_noise: np.ndarray  # (E, T, N) standard normal
    priority: np.ndarray  # (E, N) uniform; orders the expert's exploration
    sign: np.ndarray  # (E, T) uniform; the sign of its exploratory interventions
    choice: np.ndarray  # (E, T) uniform; its choice among equally good actions

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, config: CausalDAGConfig) -> Draws:
        num_variables, trials = config.num_variables, config.trials
        models, goals, subsets = draw_models(
            rng, count, config.distribution, config.conditions, config.link, config.cues, restrict_cues=config.split != "unrestricted"
        )
        relevant = np.zeros((count, num_variables), bool)
        np.put_along_axis(relevant, subsets, True, 1)
        # Drawn with the batch innermost, as the models keep their arrays.
        initial_noise = rng.standard_normal((num_variables, trials, count)).T
        outcome_noise = initial_noise if config.shared_noise else rng.standard_normal((num_variables, trials, count)).T
        priority, sign, choice = (rng.random((count, size)) for size in (num_variables, trials, trials))
        return cls(models, goals, relevant, initial_noise, outcome_noise, priority, sign, choice)


class Worlds:
    """E episodes, ready to be played.

    Args:
        draws: their randomness.
        config: the task's arguments.
    """

    def __init__(self, draws: Draws, config: CausalDAGConfig) -> None:
        self.draws, self.config = draws, config
        self.models, self.goals, self.relevant = draws.models, draws.goals, draws.relevant
        scale = self.models.noise_scale[:, None, :]
        initial = self.models.sample(draws.initial_noise * scale)  # (E, T, N)
        self.outcome_noise = draws.outcome_noise * scale  # (E, T, N)
        # With zeros before the first trial and after the last, so that trial t - 1 and trial T have values too.
        self.initial_values = np.zeros((config.trials + 2, *initial.shape[::2]), np.float32)  # (T + 2, E, N)
        self.initial_values[1:-1] = initial.transpose(1, 0, 2)

    def __len__(self) -> int:
        return len(self.goals)

    def interventions(self, actions: np.ndarray, *, exploiting: bool) -> tuple[np.ndarray, np.ndarray]:
        """``do_target`` and ``do_value``, (E, S) each, of (E, S) actions; -1 and 0 where the action is illegal and sets nothing."""
        num_variables = self.config.num_variables
        target = actions % num_variables
        value = np.where(actions < num_variables, float(self.config.intervention_value), -float(self.config.intervention_value))
        if exploiting:
            illegal = target == self.goals[:, None]
            target, value = np.where(illegal, -1, target), np.where(illegal, 0.0, value)
        return target, value

    def outcomes(self, trials: slice, do_target: np.ndarray, do_value: np.ndarray) -> np.ndarray:
        """(E, S, N) values under (E, S) interventions in S trials; S may be k * len(trials), for k interventions in each trial."""
        noise = self.outcome_noise[:, trials]
        if do_target.shape[1] != noise.shape[1]:
            noise = np.repeat(noise, do_target.shape[1] // noise.shape[1], axis=1)
        return self.models.sample(noise, do_target, do_value)

    @cached_property
    def undisturbed(self) -> np.ndarray:
        """(E, T, N); what the outcomes would have been without any intervention, in the same noise."""
        return self.models.sample(self.outcome_noise)

    @cached_property
    def optimum(self) -> Optimum:
        return Optimum.of(self.models, self.goals, float(self.config.intervention_value))
