"""What explanations must state, simulated anew through the public interface of the models of the episodes that a task is playing."""

from __future__ import annotations

from typing import Any

import numpy as np


class ReferenceEpisodes:
    """The episodes of all rows of a causal DAG task that has just begun."""

    def __init__(self, task: Any) -> None:
        self.config = task.config
        episodes = task.episodes
        self.models, self.goals = episodes.models, episodes.goals
        by_position = episodes.noise.outcome_noise.transpose(1, 2, 0) * self.models.scale
        self.noise = self.models.to_variable(by_position)  # (T, B, N), exogenous noise of the outcomes
        self.row = np.arange(len(self.goals))

    def check(self, trial: int, actions: np.ndarray, facts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Assert that the facts of a trial are true; returns the effects (B, N) and the goal's noise-free outcomes (B, 2N)."""
        num_variables, size = self.config.num_variables, self.config.intervention_value
        variable, value = actions % num_variables, np.where(actions < num_variables, size, -size)
        effects = self.models.sample(self.noise[trial], variable, value) - self.models.sample(self.noise[trial])
        outcomes = self.noise_free_outcomes()
        ancestors, kind = self.models.ancestors, facts["kind"][0].partition("+")[0]  # of the statement about the trial
        if kind == "properties":
            assert np.allclose(facts["effects"], effects, rtol=1e-5)
            assert np.array_equal(facts["do_target"], variable) and np.allclose(facts["do_value"], value)
            assert np.array_equal(facts["direct"], np.take_along_axis(self.edges(), variable[:, None, None], 1)[:, 0])
            b, effect = np.nonzero(facts["through"] >= 0)
            mediator = facts["through"][b, effect]  # an edge into the effect, from a variable that the set one reaches
            assert self.edges()[b, mediator, effect].all() and ancestors[b, variable[b], mediator].all()
        elif kind == "reward":
            legal, best = variable != self.goals, outcomes.max(axis=1)
            assert np.array_equal(facts["goal_variable"], self.goals) and np.array_equal(facts["allowed"], legal)
            assert np.array_equal(facts["optimal"], legal & (outcomes[self.row, actions] == best))
            raises = facts["best_target"] >= 0
            assert np.array_equal(raises, best > 0)
            action = facts["best_target"] + num_variables * (facts["best_value"] < 0)
            assert (outcomes[self.row, action] == best)[raises].all() and np.allclose(facts["best_effect"][raises], best[raises])
            direct = self.edges()[self.row, facts["best_target"], self.goals]
            assert np.array_equal(facts["best_direct"][raises], direct[raises])
        return effects, outcomes

    def noise_free_outcomes(self) -> np.ndarray:
        """(B, 2N); the goal under every action, -inf for setting the goal itself."""
        num_variables, size = self.config.num_variables, self.config.intervention_value
        zero_noise = np.zeros(self.noise.shape[1:])
        actions = range(2 * num_variables)
        values = (self.models.sample(zero_noise, action % num_variables, size if action < num_variables else -size) for action in actions)
        outcomes = np.stack([value[self.row, self.goals] for value in values], axis=1)
        outcomes[self.row, self.goals] = outcomes[self.row, self.goals + num_variables] = -np.inf
        return outcomes

    def edges(self) -> np.ndarray:
        """(B, N, N) bool; [b, i, j] whether i is listed as a cause of j (its weight may be 0)."""
        parents = self.models.parents
        return (parents[:, None] == np.arange(parents.shape[1])[:, None, None]).any(axis=-1)
