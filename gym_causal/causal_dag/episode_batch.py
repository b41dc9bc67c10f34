"""The simulated worlds of a run of episodes: what every intervention in every trial does, factual or counterfactual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.expert import Optimum
from gym_causal.causal_dag.explanations import Facts, MediatorTable, best_choice_facts
from gym_causal.causal_dag.generators import draw_models
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
        models, goals, subsets = draw_models(
            rng, count, config.distribution, config.conditions, config.link, config.cues, restrict_cues=config.split != "unrestricted"
        )
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
        draws: their randomness.
        config: the task's arguments.
    """

    def __init__(self, draws: EpisodeNoise, config: CausalDAGConfig) -> None:
        self.draws, self.config = draws, config
        self.models, self.goals, self.relevant = draws.models, draws.goals, draws.relevant

    def __len__(self) -> int:
        return len(self.goals)

    @cached_property
    def initial_values(self) -> np.ndarray:
        """(T + 2, E, N) float32, by variable; zeros come before the first trial and after the last."""
        by_position = self.models.propagate(self._scaled(self.draws.initial_noise))
        values = np.zeros((self.config.trials + 2, len(self), self.config.num_variables), np.float32)
        for trial, now in enumerate(by_position, start=1):
            values[trial] = self.models.to_variable(now.astype(np.float32))
        return values

    @cached_property
    def no_intervention_outcomes(self) -> np.ndarray:
        """(T, N, E) by position; what the outcomes would have been without any intervention, in the same noise."""
        return self.models.propagate(self._scaled(self.draws.outcome_noise))

    def _scaled(self, noise: np.ndarray) -> np.ndarray:
        """(T, N, E) exogenous noise from (E, T, N) standard normal numbers."""
        return noise.transpose(1, 2, 0) * self.models.scale

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
        noise = self.draws.outcome_noise[:, trial].T * self.models.scale
        return self.models.propagate(noise, do_target, do_value)

    @cached_property
    def optimum(self) -> Optimum:
        return Optimum.of(self.models, self.goals, self.config.intervention_value)

    @cached_property
    def routes(self) -> MediatorTable:
        return MediatorTable.of(self.models)

    @cached_property
    def best_choice(self) -> Facts:
        return best_choice_facts(self.routes, self.goals, self.optimum, self.config.intervention_value)

    def prepare(self) -> EpisodeBatch:
        """Work out, for all episodes at once, what playing and explaining them takes; returns itself."""
        needed = ["initial_values"]
        if self.config.explain in ("properties", "full"):
            needed += ["no_intervention_outcomes", "routes"]
        if self.config.explain in ("reward", "full"):
            needed += ["optimum", "routes", "best_choice"]
        for name in needed:
            getattr(self, name)
        return self

    def take(self, index: slice | np.ndarray) -> EpisodeBatch:
        """The episodes at ``index``, with what was worked out about them."""
        part = EpisodeBatch(take_rows(self.draws, index), self.config)
        for name in ("optimum", "routes"):
            if name in self.__dict__:
                part.__dict__[name] = take_rows(self.__dict__[name], index)
        if "best_choice" in self.__dict__:
            part.__dict__["best_choice"] = {name: value[index] for name, value in self.best_choice.items()}
        if "initial_values" in self.__dict__:
            part.__dict__["initial_values"] = self.initial_values[:, index]
        if "no_intervention_outcomes" in self.__dict__:
            part.__dict__["no_intervention_outcomes"] = self.no_intervention_outcomes[..., index]
        return part
