"""What one trial does: the outcome of an action, and its explanation; played directly, or looked up in a table of all actions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_causal.causal_dag import explanations
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.worlds import Worlds


class TrialResult(NamedTuple):
    """What a trial of E episodes did."""

    intervention: np.ndarray  # (E, N) float32; the value at the variable that was set, 0 elsewhere
    outcome: np.ndarray  # (E, N) float32
    facts: explanations.Facts  # (E, ...) each; empty when nothing is ever explained


def explained(config: CausalDAGConfig, trial: int) -> str:
    """The kind of explanation that a trial gets under ``config.explain``."""
    exploring = config.phase(trial) is Phase.EXPLORATION
    mode = "properties" if exploring else "reward"
    return ("property" if exploring else "reward") if config.explain in (mode, "full") else "none"


def play_trial(worlds: Worlds, trial: int, actions: np.ndarray) -> TrialResult:
    """Play (E,) actions in a trial of all E episodes of ``worlds``."""
    config, models = worlds.config, worlds.models
    do_target, do_value = worlds.intervention(trial, actions)
    outcomes = worlds.outcomes(trial, do_target, do_value)
    intervention = np.zeros((len(worlds), config.num_variables), np.float32)
    intervention[np.arange(len(worlds)), do_target] = do_value  # an illegal action has value 0, so -1 does no harm
    facts: explanations.Facts = {}
    if config.explain != "none":
        kind = explained(config, trial)
        if kind == "property":
            effects = models.to_variable((outcomes - worlds.undisturbed[trial]).astype(np.float32))
            facts = explanations.experiment_facts(worlds.routes, do_target, do_value, effects)
        elif kind == "reward":
            facts = explanations.choice_facts(worlds.best_choice, worlds.goals, worlds.optimum, actions)
        else:
            facts = explanations.no_facts(len(actions), config.num_variables)
    return TrialResult(intervention, models.to_variable(outcomes.astype(np.float32)), facts)


class Table:
    """Every action in every trial of E episodes, played side by side, to be looked up.

    NumPy on a few numbers costs as much as on a few thousand, so a batch of one is many times faster this way.
    """

    def __init__(self, worlds: Worlds) -> None:
        config = worlds.config
        num_actions = 2 * config.num_variables
        alternatives = worlds.take(np.repeat(np.arange(len(worlds)), num_actions))
        actions = np.tile(np.arange(num_actions), len(worlds))
        self._num_actions = num_actions
        self._trials = [_records(play_trial(alternatives, trial, actions)) for trial in range(config.trials)]  # (E * 2N,) each

    def look_up(self, episodes: np.ndarray, trial: int, actions: np.ndarray) -> TrialResult:
        """The result of (B,) actions in a trial of (B,) of the episodes."""
        records = self._trials[trial].take(episodes * self._num_actions + actions)
        facts = {name: records[name] for name in records.dtype.names[2:]}
        return TrialResult(records["intervention"], records["outcome"], facts)


def _records(result: TrialResult) -> np.ndarray:
    """(E,) structured array: all of a trial in one record, so that one look-up finds it."""
    fields = {"intervention": result.intervention, "outcome": result.outcome, **result.facts}
    records = np.empty(len(result.outcome), [(name, value.dtype, value.shape[1:]) for name, value in fields.items()])
    for name, value in fields.items():
        records[name] = value
    return records
