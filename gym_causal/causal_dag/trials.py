"""What one trial does: the outcome of an action, and its explanation; played directly, or looked up in a table of all actions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_causal.causal_dag import explanations
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.episode_batch import EpisodeBatch
from gym_causal.core.task import Observations, constant


class TrialResult(NamedTuple):
    """What a trial of E episodes did; fresh arrays."""

    observation: Observations  # (E, ...) each; what the agent sees then
    reward: np.ndarray  # (E,) float
    facts: explanations.Facts  # (E, ...) each; empty when nothing is ever explained


def explained(config: CausalDAGConfig, trial: int) -> str:
    """The kind of explanation that a trial gets under ``config.explain``."""
    exploring = config.phase(trial) is Phase.EXPLORATION
    mode = "properties" if exploring else "reward"
    return ("properties" if exploring else "reward") if config.explain in (mode, "full") else "none"


def observe(worlds: EpisodeBatch, now: slice, played: int, intervention: np.ndarray, outcome: np.ndarray) -> Observations:
    """What the agent sees in the episodes ``now`` after ``played`` trials, the last of which had this intervention and outcome."""
    config, count = worlds.config, len(outcome)
    exploring = config.phase(played) is Phase.EXPLORATION
    observation = {
        "last_initial_values": worlds.initial_values[played, now].copy(),
        "last_intervention": intervention,
        "last_outcome": outcome,
        "initial_values": worlds.initial_values[played + 1, now].copy(),
        "phase": constant(count, int(config.phase(played))),
        "goal": constant(count, config.num_variables) if exploring else worlds.goals[now].copy(),
        "trial": constant(count, played),
    }
    if config.cues is not None:
        observation["cue"] = worlds.relevant[now].astype(np.int8)
    return observation


def begin(worlds: EpisodeBatch, now: slice) -> TrialResult:
    """Before the first trial of the episodes ``now``: as if one had done nothing."""
    config, count = worlds.config, now.stop - now.start
    nothing = (np.zeros((count, config.num_variables), np.float32) for _ in range(2))
    facts = explanations.no_facts(count, config.num_variables) if config.explain != "none" else {}
    return TrialResult(observe(worlds, now, 0, *nothing), np.zeros(count), facts)


def play_trial(worlds: EpisodeBatch, trial: int, actions: np.ndarray) -> TrialResult:
    """Play (E,) actions in a trial of all E episodes of ``worlds``."""
    config, models, row = worlds.config, worlds.models, np.arange(len(worlds))
    do_target, do_value = worlds.intervention(trial, actions)
    by_position = worlds.outcomes(trial, do_target, do_value)
    outcome = models.to_variable(by_position.astype(np.float32))
    intervention = np.zeros((len(worlds), config.num_variables), np.float32)
    intervention[row, do_target] = do_value  # an illegal action has value 0, so -1 does no harm
    exploring = config.phase(trial) is Phase.EXPLORATION
    reward = np.zeros(len(worlds)) if exploring else outcome[row, worlds.goals].astype(float)
    facts: explanations.Facts = {}
    if config.explain != "none":
        kind = explained(config, trial)
        if kind == "properties":
            effects = models.to_variable((by_position - worlds.no_intervention_outcomes[trial]).astype(np.float32))
            facts = explanations.experiment_facts(worlds.routes, do_target, do_value, effects)
        elif kind == "reward":
            facts = explanations.choice_facts(worlds.best_choice, worlds.optimum, actions)
        else:
            facts = explanations.no_facts(len(worlds), config.num_variables)
    return TrialResult(observe(worlds, slice(None), trial + 1, intervention, outcome), reward, facts)


class Table:
    """Every action in every trial of E episodes, played side by side, to be looked up.

    NumPy on a few numbers costs as much as on a few thousand, so a batch of one is many times faster this way.
    """

    def __init__(self, worlds: EpisodeBatch) -> None:
        config = worlds.config
        self._num_actions = 2 * config.num_variables
        alternatives = worlds.take(np.repeat(np.arange(len(worlds)), self._num_actions))
        actions = np.tile(np.arange(self._num_actions), len(worlds))
        results = [play_trial(alternatives, trial, actions) for trial in range(config.trials)]
        # All of a trial in one record, (E * 2N,) of them a trial, so that one look-up finds it.
        records = [_packed({**result.observation, "reward": result.reward, **result.facts}) for result in results]
        self._fields = records[0].dtype
        self._records = [record.view(f"V{self._fields.itemsize}") for record in records]  # as plain bytes they are taken faster
        self._observed, self._facts = tuple(results[0].observation), tuple(results[0].facts)
        overlap = set(self._observed) & set(self._facts)
        assert not overlap, overlap

    def look_up(self, episodes: np.ndarray, trial: int, actions: np.ndarray) -> TrialResult:
        """The result of (B,) actions in a trial of (B,) of the episodes."""
        plain = self._records[trial].take(episodes * self._num_actions + actions)
        record = np.ndarray(plain.shape, self._fields, plain)  # a view, without the time that .view() takes to check it
        return TrialResult({key: record[key] for key in self._observed}, record["reward"], {key: record[key] for key in self._facts})


def _packed(fields: dict[str, np.ndarray]) -> np.ndarray:
    """(E,) structured array of (E, ...) arrays."""
    # Aligned, because torch takes no array whose strides are not multiples of its numbers' size.
    layout = np.dtype([(name, value.dtype, value.shape[1:]) for name, value in fields.items()], align=True)
    records = np.empty(len(fields["reward"]), layout)
    for name, value in fields.items():
        records[name] = value
    return records
