"""The outcomes of a run of episodes: what every intervention in every trial does, factual or counterfactual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.causal_dag import explanations
from gym_causal.causal_dag.actions import interventions
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.explanations import Facts, MediatorTable, best_choice_facts
from gym_causal.causal_dag.generators import draw_models
from gym_causal.causal_dag.optimum import Optimum
from gym_causal.core.streams import take_rows
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class EpisodeNoise:
    """All the randomness of E episodes of T trials."""

    models: StructuralCausalModels  # E of them
    goals: np.ndarray  # (E,) int
    relevant: np.ndarray  # (E, N) bool; the variables in the graph
    initial_noise: np.ndarray  # (E, T, N) standard normal, by topological position (not by variable: it is drawn alike for all)
    outcome_noise: np.ndarray  # (E, T, N) likewise
    priority: np.ndarray  # (E, N) uniform; orders the expert's exploration
    decision: np.ndarray  # (E, T) uniform; what else is random in its exploration, its choice among equally good actions

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, config: CausalDAGConfig) -> EpisodeNoise:
        num_variables, trials = config.num_variables, config.trials
        models, goals, subsets = draw_models(rng, count, config)
        relevant = np.zeros((count, num_variables), bool)
        np.put_along_axis(relevant, subsets, True, 1)
        # In memory (T, N, E): a trial's noise is one contiguous piece with the batch innermost, as the models keep their arrays.
        initial_noise, outcome_noise = (rng.standard_normal((trials, num_variables, count)).transpose(2, 0, 1) for _ in range(2))
        if config.shared_noise:
            outcome_noise = initial_noise
        priority, decision = rng.random((count, num_variables)), rng.random((count, trials))
        return cls(models, goals, relevant, initial_noise, outcome_noise, priority, decision)


class EpisodeBatch:
    """E episodes, ready to be played. Arrays by topological position are (N, E), arrays by variable (E, N).

    Args:
        noise: their randomness.
        config: the task's arguments.
    """

    def __init__(self, noise: EpisodeNoise, config: CausalDAGConfig) -> None:
        self.noise, self.config = noise, config
        self.models, self.goals, self.relevant = noise.models, noise.goals, noise.relevant

    def __len__(self) -> int:
        return len(self.goals)

    @cached_property
    def initial_values(self) -> np.ndarray:
        """(T + 2, E, N) float32, by variable; zeros come before the first trial and after the last."""
        values = np.zeros((self.config.trials + 2, len(self), self.config.num_variables), np.float32)
        for trial in range(self.config.trials):
            by_position = self._propagate(self.noise.initial_noise, trial)
            self.models.to_variable(by_position.astype(np.float32), out=values[trial + 1])
        return values

    @cached_property
    def no_intervention_outcomes(self) -> np.ndarray:
        """(exploration trials, N, E) by position; what the outcomes would have been without any intervention, in the same noise."""
        values = np.empty((self.config.exploration_trials, self.config.num_variables, len(self)))
        for trial, out in enumerate(values):
            self.models.propagate(self._of_trial(self.noise.outcome_noise, trial), standard=True, out=out)
        return values

    def intervention(self, trial: int, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``do_target`` and ``do_value``, (E,) each, of (E,) actions; -1 and 0 where the action is illegal and sets nothing."""
        goals = self.goals if self.config.phase(trial) is Phase.EXPLOITATION else None
        return interventions(actions, self.config.num_variables, self.config.intervention_value, goals)

    def outcomes(self, trial: int, do_target: np.ndarray, do_value: np.ndarray) -> np.ndarray:
        """(N, E) by position; the values of a trial under (E,) interventions, valid until the next call."""
        return self._propagate(self.noise.outcome_noise, trial, do_target, do_value)

    def _propagate(self, noise: np.ndarray, trial: int, *intervention: np.ndarray) -> np.ndarray:
        return self.models.propagate(self._of_trial(noise, trial), *intervention, standard=True, out=self._buffer)

    @staticmethod
    def _of_trial(noise: np.ndarray, trial: int) -> np.ndarray:
        """(N, E) standard normal numbers of a trial."""
        return noise[:, trial].T

    @cached_property
    def _buffer(self) -> np.ndarray:
        """(N, E) float; reused in every trial, because allocating that much memory costs as much as filling it."""
        return np.empty((self.config.num_variables, len(self)))

    @cached_property
    def optimum(self) -> Optimum:
        return Optimum.of(self.models, self.goals, self.config.intervention_value)

    @cached_property
    def mediators(self) -> MediatorTable:
        return MediatorTable.of(self.models)

    @cached_property
    def best_choice(self) -> Facts:
        return best_choice_facts(self.mediators, self.goals, self.optimum, self.config.intervention_value)

    def prepare(self) -> EpisodeBatch:
        """Compute, for all episodes at once, what playing and explaining them takes; returns itself."""
        needed = ["initial_values"]
        if explanations.PROPERTIES in self.config.explained_kinds:
            needed += ["no_intervention_outcomes", "mediators"]
        if explanations.REWARD in self.config.explained_kinds:
            needed += ["optimum", "mediators", "best_choice"]
        if self.config.reasoning_part is not None:
            needed += ["optimum"]  # the expert's actions are part of its reasoning
        for name in needed:
            getattr(self, name)
        return self

    def take(self, index: slice | np.ndarray) -> EpisodeBatch:
        """The episodes at ``index``, with what was computed about them."""
        if isinstance(index, slice) and index.indices(len(self)) == (0, len(self), 1):
            return self
        part = EpisodeBatch(take_rows(self.noise, index), self.config)
        for name in ("optimum", "mediators"):
            if name in self.__dict__:
                part.__dict__[name] = take_rows(self.__dict__[name], index)
        if "best_choice" in self.__dict__:
            part.__dict__["best_choice"] = {name: value[index] for name, value in self.best_choice.items()}
        if "initial_values" in self.__dict__:
            part.__dict__["initial_values"] = self.initial_values[:, index]
        if "no_intervention_outcomes" in self.__dict__:
            part.__dict__["no_intervention_outcomes"] = self.no_intervention_outcomes[..., index]
        return part
