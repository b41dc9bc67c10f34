"""What one trial does: the outcome of an action, and its explanation; played directly, or read from a table of all actions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_causal.causal_dag import explanations
from gym_causal.causal_dag.actions import num_actions
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.episode_batch import EpisodeBatch
from gym_causal.core.task import Observations, constant


class TrialResult(NamedTuple):
    """The result of a trial of E episodes; fresh arrays."""

    observation: Observations  # (E, ...) each; what the agent sees then
    reward: np.ndarray  # (E,) float
    facts: explanations.Facts  # (E, ...) each; empty when no trial is ever explained


def explained_kind(config: CausalDAGConfig, trial: int) -> str:
    """The kind of statement about a trial under ``config.explain``."""
    kind = explanations.PROPERTIES if config.phase(trial) is Phase.EXPLORATION else explanations.REWARD
    return kind if kind in config.explained_kinds else explanations.NONE


def observe(episodes: EpisodeBatch, rows: slice, played: int, intervention: np.ndarray, outcome: np.ndarray) -> Observations:
    """The observations in the episodes ``rows`` after ``played`` trials, the last of which had this intervention and outcome."""
    config, count = episodes.config, len(outcome)
    phase = config.phase(played)
    observation = {
        "last_initial_values": episodes.initial_values[played, rows].copy(),
        "last_intervention": intervention,
        "last_outcome": outcome,
        "initial_values": episodes.initial_values[played + 1, rows].copy(),
        "phase": constant(count, int(phase)),
        "goal": constant(count, config.num_variables) if phase is Phase.EXPLORATION else episodes.goals[rows].copy(),
        "trial": constant(count, played),
    }
    if config.cues is not None:
        observation["cue"] = episodes.relevant[rows].astype(np.int8)
    return observation


def begin(episodes: EpisodeBatch, rows: slice) -> TrialResult:
    """The state before the first trial of the episodes ``rows``."""
    config, count = episodes.config, rows.stop - rows.start
    zeros = (np.zeros((count, config.num_variables), np.float32) for _ in range(2))
    facts = explanations.no_facts(count, config.num_variables) if config.explained_kinds else {}
    return TrialResult(observe(episodes, rows, 0, *zeros), np.zeros(count), facts)


def play_trial(episodes: EpisodeBatch, trial: int, actions: np.ndarray) -> TrialResult:
    """Play (E,) actions in a trial of all E episodes."""
    config, models, row = episodes.config, episodes.models, np.arange(len(episodes))
    do_target, do_value = episodes.intervention(trial, actions)
    by_position = episodes.outcomes(trial, do_target, do_value)
    outcome = models.to_variable(by_position.astype(np.float32))
    intervention = np.zeros((len(episodes), config.num_variables), np.float32)
    intervention[row, do_target] = do_value  # an illegal action has value 0, so -1 does no harm
    exploring = config.phase(trial) is Phase.EXPLORATION
    reward = np.zeros(len(episodes)) if exploring else outcome[row, episodes.goals].astype(float)
    facts: explanations.Facts = {}
    kind = explained_kind(config, trial)
    if kind == explanations.PROPERTIES:
        effects = models.to_variable((by_position - episodes.no_intervention_outcomes[trial]).astype(np.float32))
        facts = explanations.experiment_facts(episodes.mediators, do_target, do_value, effects)
    elif kind == explanations.REWARD:
        facts = explanations.choice_facts(episodes.best_choice, episodes.optimum, actions)
    elif config.explained_kinds:
        facts = explanations.no_facts(len(episodes), config.num_variables)
    return TrialResult(observe(episodes, slice(None), trial + 1, intervention, outcome), reward, facts)


class OutcomeTable:
    """The results of every action in every trial of E episodes, played side by side.

    NumPy on a few numbers costs as much as on a few thousand, so a batch of one is many times faster this way.
    """

    def __init__(self, episodes: EpisodeBatch) -> None:
        config = episodes.config
        self._num_actions = num_actions(config.num_variables)
        alternatives = episodes.take(np.repeat(np.arange(len(episodes)), self._num_actions))
        actions = np.tile(np.arange(self._num_actions), len(episodes))
        results = [play_trial(alternatives, trial, actions) for trial in range(config.trials)]
        # All of a trial in one record, (E * 2N,) of them a trial, so that one read gets it.
        records = [_packed({**result.observation, "reward": result.reward, **result.facts}) for result in results]
        self._fields = records[0].dtype
        self._records = [record.view(f"V{self._fields.itemsize}") for record in records]  # as plain bytes they are taken faster
        self._observed, self._facts = tuple(results[0].observation), tuple(results[0].facts)
        overlap = set(self._observed) & set(self._facts)
        assert not overlap, overlap

    def result(self, episodes: np.ndarray, trial: int, actions: np.ndarray) -> TrialResult:
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
