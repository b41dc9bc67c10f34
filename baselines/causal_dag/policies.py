"""The strategies for causal DAGs as policies: explore as the expert does, then go by a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from baselines.causal_dag import heuristics, regression
from baselines.causal_dag.graphs import check_size
from baselines.causal_dag.interventional_data import InterventionalData
from baselines.causal_dag.structure import StructurePosterior
from gym_causal.arguments import check_one_of
from gym_causal.causal_dag.actions import encode_actions, legal_actions, num_actions, per_action
from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig, Phase
from gym_causal.causal_dag.expert import exploration_actions
from gym_causal.causal_dag.text_task import CausalDAGTextConfig
from gym_causal.core.task import Observations
from gym_causal.policies import Policy

Rule = Callable[[InterventionalData, np.ndarray, np.ndarray], np.ndarray]
"""(data, goal (B,), relevant (B, N) bool) -> (B, 2N) preference over actions, higher is better."""


@dataclass
class StrategyState:
    """The state of a :class:`StrategyPolicy` in B rows; updated in place."""

    rng: np.random.Generator
    data: InterventionalData  # the exploration trials of each row's present episode
    priority: np.ndarray  # (B, N) uniform; orders the exploration
    preferences: np.ndarray  # (B, 2N) the rule's, for the goal in ``scored``
    scored: np.ndarray = field(repr=False)  # (B,) int; the goal that ``preferences`` are for, -1 = none yet

    @classmethod
    def initial(cls, seed: int, batch: int, trials: int, num_variables: int) -> StrategyState:
        """The state before any observation."""
        data = InterventionalData.empty(batch, trials, num_variables)
        preferences = np.zeros((batch, num_actions(num_variables)))
        return cls(np.random.default_rng(seed), data, np.zeros((batch, num_variables)), preferences, np.full(batch, -1))

    def reset(self, rows: np.ndarray) -> None:
        """Begin new episodes where (B,) bool ``rows``."""
        self.data.valid[rows] = False
        self.data.do_target[rows] = -1
        self.scored[rows] = -1
        self.priority = np.where(rows[:, None], self.rng.random(self.priority.shape), self.priority)

    def record(self, observations: Observations) -> None:
        """Add each row's last trial, if it was an exploration trial. The action is read from the observation."""
        data, trial = self.data, np.asarray(observations["trial"]) - 1
        rows = np.nonzero((trial >= 0) & (trial < data.valid.shape[1]))[0]
        trial = trial[rows]
        intervention = np.asarray(observations["last_intervention"], float)[rows]
        target = np.abs(intervention).argmax(axis=1)
        value = np.take_along_axis(intervention, target[:, None], 1)[:, 0]
        data.initial_values[rows, trial] = observations["last_initial_values"][rows]
        data.outcomes[rows, trial] = observations["last_outcome"][rows]
        data.do_target[rows, trial] = np.where(value != 0, target, -1)
        data.do_value[rows, trial] = value
        data.valid[rows, trial] = True

    @property
    def tried(self) -> np.ndarray:
        """(B, N) bool; the variables set so far."""
        num_variables = self.priority.shape[1]
        return (self.data.do_target[:, :, None] == np.arange(num_variables)).any(axis=1)


class StrategyPolicy:
    """Explores as the expert does, each (relevant) variable once in a random order by default, then takes the action that a rule prefers.

    It reads observations only, the actions taken among them, so it may also observe the episodes of another policy. Ties are broken at
    random. A state of None begins anew, random numbers included, so that an evaluation can be repeated.

    Args:
        name: of the strategy.
        rule: gives each action a preference.
        config: the environment's arguments.
        seed: of its own random numbers, >= 0.
    """

    def __init__(self, name: str, rule: Rule, config: CausalDAGConfig, seed: int = 0) -> None:
        self.name, self.rule, self.config, self.seed = name, rule, config, seed

    def __call__(
        self, observations: Observations, state: StrategyState | None, episode_starts: np.ndarray
    ) -> tuple[np.ndarray, StrategyState]:
        batch, num_variables = observations["last_outcome"].shape
        if num_variables != self.config.num_variables:
            raise ValueError(f"num_variables: the policy was made for {self.config.num_variables}, the observation has {num_variables}")
        is_new = np.asarray(episode_starts, bool) | (state is None)
        if state is None:
            state = StrategyState.initial(self.seed, batch, self.config.exploration_trials, num_variables)
        state.reset(is_new)
        state.record(observations)
        actions = self._explore(observations, state)
        exploiting = np.asarray(observations["phase"]) == Phase.EXPLOITATION
        if exploiting.any():
            actions = np.where(exploiting, self._exploit(observations, state, exploiting), actions)
        return actions, state

    def _explore(self, observations: Observations, state: StrategyState) -> np.ndarray:
        trial, uniform = np.asarray(observations["trial"]), state.rng.random(len(state.priority))
        return exploration_actions(self.config, relevant_variables(observations), state.priority, state.tried, trial, uniform)

    def _exploit(self, observations: Observations, state: StrategyState, exploiting: np.ndarray) -> np.ndarray:
        goal, relevant = np.asarray(observations["goal"]), relevant_variables(observations)
        # All exploitation trials of an episode have the same data and goal: apply the rule once.
        new = np.nonzero(exploiting & (state.scored != goal))[0]
        if new.size:
            state.preferences[new] = self.rule(state.data[new], goal[new], relevant[new])
            state.scored[new] = goal[new]
        return best_actions(state.preferences, goal, relevant, state.rng)


class RandomStrategy:
    """Uniform over the legal actions, which it reads from observations: any variable but the goal, once there is one.

    (:class:`gym_causal.policies.RandomPolicy` reads them from the task that it acts in instead.)

    Args:
        seed: of its random numbers, >= 0.
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(
        self, observations: Observations, state: np.random.Generator | None, episode_starts: np.ndarray
    ) -> tuple[np.ndarray, np.random.Generator]:
        batch, num_variables = observations["last_outcome"].shape
        rng = np.random.default_rng(self.seed) if state is None else state
        everything = np.ones((batch, num_variables), bool)
        return best_actions(np.zeros((batch, num_actions(num_variables))), np.asarray(observations["goal"]), everything, rng), rng


def relevant_variables(observations: Observations) -> np.ndarray:
    """(B, N) bool; the variables that the cue marks, all of them where there is none."""
    if "cue" in observations:
        return np.asarray(observations["cue"]) != 0
    return np.ones(observations["last_outcome"].shape, bool)


def best_actions(preferences: np.ndarray, goal: np.ndarray, relevant: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(B,) actions of the highest (B, 2N) preference that set a relevant variable other than the goal; ties at random."""
    eligible = legal_actions(goal, relevant.shape[1]) & per_action(relevant)  # (B, 2N)
    eligible_preferences = np.where(eligible, preferences, -np.inf)
    best = eligible & (eligible_preferences == eligible_preferences.max(axis=1, keepdims=True))  # all of them where all are -inf
    return np.where(best, rng.random(best.shape), -1.0).argmax(axis=1)


# --- the rules, all of one form ------------------------------------------------------------------------------------------


def _value(config: CausalDAGConfig) -> Rule:
    return lambda data, goal, relevant: heuristics.value_preferences(data, goal)


def _change(config: CausalDAGConfig) -> Rule:
    return lambda data, goal, relevant: heuristics.change_preferences(data, goal)


def _total(config: CausalDAGConfig, *, leave_out_goal_trial: bool) -> Rule:
    def rule(data: InterventionalData, goal: np.ndarray, relevant: np.ndarray) -> np.ndarray:
        slopes = regression.total_correlation_slopes(data, goal, leave_out_goal_trial=leave_out_goal_trial)
        return regression.slope_preferences(slopes)

    return rule


def _partial(config: CausalDAGConfig, *, leave_out_goal_trial: bool) -> Rule:
    def rule(data: InterventionalData, goal: np.ndarray, relevant: np.ndarray) -> np.ndarray:
        slopes = regression.partial_correlation_slopes(data, goal, relevant, leave_out_goal_trial=leave_out_goal_trial)
        return regression.slope_preferences(slopes)

    return rule


def _structure(config: CausalDAGConfig) -> Rule:
    check_size(config.size_of_graph, config.distribution.num_parents)

    def rule(data: InterventionalData, goal: np.ndarray, relevant: np.ndarray) -> np.ndarray:
        num_variables = relevant.shape[1]
        preferences = np.full((len(goal), num_actions(num_variables)), -np.inf)
        counts = relevant.sum(axis=1)
        for size in np.unique(counts):  # one in all but hand-made cues
            rows = np.nonzero(counts == size)[0]
            variables = np.nonzero(relevant[rows])[1].reshape(-1, size)  # (b, R)
            local_goal = (variables == goal[rows, None]).argmax(axis=1)
            posterior = StructurePosterior(config).fit(data[rows].of(variables))
            positive = np.arange(num_actions(size)) < size
            actions = encode_actions(per_action(variables), positive, num_variables)  # (b, 2R)
            preferences[rows[:, None], actions] = posterior.expected_outcomes(local_goal)
        return preferences

    return rule


_RULES: dict[str, Callable[[CausalDAGConfig], Rule]] = {
    "value": _value,
    "change": _change,
    "total_correlation": partial(_total, leave_out_goal_trial=False),
    "partial_correlation": partial(_partial, leave_out_goal_trial=False),
    "structure": _structure,
    "total_correlation_without_goal_trial": partial(_total, leave_out_goal_trial=True),
    "partial_correlation_without_goal_trial": partial(_partial, leave_out_goal_trial=True),
}


def strategies(config_class: type[CausalDAGConfig]) -> dict[str, Callable[[int, dict[str, Any]], Policy]]:
    """Name -> (seed, the env's arguments) -> policy, for an env with such arguments."""

    def checked_config(name: str, env_kwargs: dict[str, Any]) -> CausalDAGConfig:
        config = config_class(**env_kwargs)  # raises when they are not its arguments
        check_one_of(f"{name}: observation", getattr(config, "observation", "symbolic"), ("symbolic",))
        return config

    def policy(name: str, seed: int, env_kwargs: dict[str, Any]) -> Policy:
        config = checked_config(name, env_kwargs)
        return StrategyPolicy(name, _RULES[name](config), config, seed)

    def random(seed: int, env_kwargs: dict[str, Any]) -> Policy:
        checked_config("random", env_kwargs)
        return RandomStrategy(seed)

    return {"random": random, **{name: partial(policy, name) for name in _RULES}}


STRATEGIES = {
    "CausalDAG-v0": strategies(CausalDAGConfig),
    "CausalDAGCued-v0": strategies(CausalDAGCuedConfig),
    "CausalDAGText-v0": strategies(CausalDAGTextConfig),
}
"""Env id -> name -> (seed, the env's arguments) -> policy."""
