"""The simulated worlds of a run of episodes: what every intervention in every trial does, factual or counterfactual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.batched import take_rows
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.expert import Optimum
from gym_causal.causal_dag.explanations import BestChoice, Routes
from gym_causal.generators import draw_models
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class Draws:
    """All the randomness of E episodes of T trials."""

    models: StructuralCausalModels  # E of them
    goals: np.ndarray  # (E,) int
    relevant: np.ndarray  # (E, N) bool; the variables in the graph
    initial_noise: np.ndarray  # (E, T, N) standard normal, by topological position (not by variable: it is drawn alike for all)
    outcome_noise: np.ndarray  # (E, T, N) likewise
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
        # In memory (T, N, E): a trial's noise is one contiguous piece with the batch innermost, as the models keep their arrays.
        initial_noise, outcome_noise = (rng.standard_normal((trials, num_variables, count)).transpose(2, 0, 1) for _ in range(2))
        if config.shared_noise:
            outcome_noise = initial_noise
        priority, sign, choice = (rng.random((count, size)) for size in (num_variables, trials, trials))
        return cls(models, goals, relevant, initial_noise, outcome_noise, priority, sign, choice)


class Worlds:
    """E episodes, ready to be played. Arrays by topological position are (N, E), arrays by variable (E, N).

    Args:
        draws: their randomness.
        config: the task's arguments.
    """

    def __init__(self, draws: Draws, config: CausalDAGConfig) -> None:
        self.draws, self.config = draws, config
        self.models, self.goals, self.relevant = draws.models, draws.goals, draws.relevant

    def __len__(self) -> int:
        return len(self.goals)

    @cached_property
    def initial_values(self) -> np.ndarray:
        """(T + 2, E, N) float32, by variable; zeros come before the first trial and after the last."""
        by_position = self.models.propagate(self._scaled(self.draws.initial_noise)).astype(np.float32)
        values = np.zeros((self.config.trials + 2, len(self), self.config.num_variables), np.float32)
        values[1:-1] = self.models.to_variable(by_position).transpose(1, 0, 2)
        return values

    @cached_property
    def undisturbed(self) -> np.ndarray:
        """(N, T, E) by position; what the outcomes would have been without any intervention, in the same noise."""
        return self.models.propagate(self._outcome_noise)

    @cached_property
    def _outcome_noise(self) -> np.ndarray:
        return self._scaled(self.draws.outcome_noise)

    def _scaled(self, noise: np.ndarray) -> np.ndarray:
        """(N, T, E) exogenous noise from (E, T, N) standard normal numbers."""
        return noise.T * self.models.scale[:, None, :]

    def intervention(self, trial: int, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``do_target`` and ``do_value``, (E,) each, of (E,) actions; -1 and 0 where the action is illegal and sets nothing."""
        config = self.config
        target = actions % config.num_variables
        value = np.where(actions < config.num_variables, config.intervention_value, -config.intervention_value)
        if config.phase(trial) is Phase.EXPLOITATION:
            illegal = target == self.goals
            target, value = np.where(illegal, -1, target), np.where(illegal, 0.0, value)
        return target, value

    def outcomes(self, trial: int, do_target: np.ndarray, do_value: np.ndarray) -> np.ndarray:
        """(N, E) by position; the values of a trial under (E,) interventions."""
        return self.models.propagate(self._outcome_noise[:, trial], do_target, do_value)

    @cached_property
    def optimum(self) -> Optimum:
        return Optimum.of(self.models, self.goals, self.config.intervention_value)

    @cached_property
    def routes(self) -> Routes:
        return Routes.of(self.models)

    @cached_property
    def best_choice(self) -> BestChoice:
        return BestChoice.of(self.routes, self.goals, self.optimum, self.config.intervention_value)

    def repeated(self, times: int) -> Worlds:
        """``times`` copies of every episode, side by side: to play every alternative of each."""
        index = np.repeat(np.arange(len(self)), times)
        copies = Worlds(take_rows(self.draws, index), self.config)
        if self.config.explain in ("reward", "full"):  # what each copy's explanations need, worked out once
            copies.__dict__.update(optimum=take_rows(self.optimum, index), best_choice=take_rows(self.best_choice, index))
        return copies
