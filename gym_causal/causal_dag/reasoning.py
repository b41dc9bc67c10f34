"""Reasoning explanations: what the expert has found out, what it does next and why, as facts and as token ids.

The *belief* says of each variable whether it was tried and, once there is a goal, how much the goal changed in the trial that set the
variable last. The *intention* is the action that the expert will take, with its reason. The *target* is the goal, and what the experiment
with the intended variable says about the action. Everything but the action itself follows from the observations of the episode so far:
a change is the difference of an outcome and an initial value that were observed, noise included.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np

from gym_causal.causal_dag.actions import action_value, action_variable
from gym_causal.causal_dag.evidence import Evidence, Finding
from gym_causal.causal_dag.explanations import Facts, sign_tokens, size_tokens, variable_tokens, vocabulary

REASONING = "reasoning"
PARTS = BELIEF, INTENTION, TARGET = "belief", "intention", "target"


class Reason(IntEnum):
    """Why the expert takes an action."""

    NOT_TRIED = 0
    CUED_AND_NOT_TRIED = 1  # instead of NOT_TRIED where there is a cue
    ANY = 2  # in exploration, once all were tried, or if the expert explores at random
    MOVED_MOST = 3  # no other variable moved the goal more, by absolute size
    NOT_MOVED_MOST = 4
    NOT_CUED = 5


WORDS = (
    REASONING,
    *("not cued", "not tried", "tried", "goal", "moved down", "did not move", "moved up"),
    *("cued and not tried", "any", "moved most", "not moved most"),
)
"""The words that reasoning adds to the vocabulary. Signs, sizes and names are those of the other explanations."""
_WORD_OF_FINDING = np.arange(1, 1 + len(Finding))  # index in WORDS
_WORD_OF_REASON = np.array([WORDS.index(reason.name.lower().replace("_", " ")) for reason in Reason])
# (8,) whether the sign of the value that a variable was set to belongs to the finding; the last entry is for -1.
_HAS_SIGN = np.array([finding is Finding.TRIED or finding >= Finding.MOVED_DOWN for finding in Finding] + [False])
_TOKENS_PER_VARIABLE = 3
_COLUMNS = {BELIEF: slice(1, -6), INTENTION: slice(-6, -3), TARGET: slice(-3, None)}  # of the tokens of reasoning


def num_tokens(num_variables: int) -> int:
    """R; the length of reasoning.

    The marker ``reasoning``; three tokens a variable: the sign of the value it was last set to, the finding, and by how much the goal
    moved; the intended variable, its sign and the reason; the goal, what the experiment says about the action, and by how much. What does
    not apply is padding.
    """
    return 1 + _TOKENS_PER_VARIABLE * num_variables + 6


def reasoning_facts(
    part: str,
    evidence: Evidence,
    actions: np.ndarray,
    intervention_value: float,
    *,
    explores_at_random: bool,
    has_cue: bool,
) -> Facts:
    """The facts and tokens of the reasoning, or of one part of it.

    Args:
        part: one of :data:`PARTS`, or :data:`REASONING` for all.
        evidence: what was observed of B episodes.
        actions: (B,) int; that the expert will take, so legal.
        intervention_value: > 0.
        explores_at_random: whether the expert explores without regard to what it has tried.
        has_cue: whether a cue names the relevant variables.
    """
    known: Facts = {}
    if part in (BELIEF, REASONING):
        known |= belief_facts(evidence)
    if part in (INTENTION, REASONING):
        known |= intention_facts(evidence, actions, intervention_value, explores_at_random=explores_at_random, has_cue=has_cue)
    if part in (TARGET, REASONING) and evidence.goals is not None:
        known |= target_facts(evidence, actions, intervention_value)
    count, num_variables = evidence.change.shape
    return with_tokens(count, num_variables, known)


def belief_facts(evidence: Evidence) -> Facts:
    """What was observed of each variable."""
    return {
        "finding": evidence.finding,
        "was_tried": evidence.tried_value != 0,
        "tried_value": evidence.tried_value.copy(),
        "observed_change": evidence.change,
    }


def intention_facts(
    evidence: Evidence, actions: np.ndarray, intervention_value: float, *, explores_at_random: bool, has_cue: bool
) -> Facts:
    """The expert's actions, and why it takes them; the arguments are those of :func:`reasoning_facts`."""
    row, (target, value) = np.arange(len(actions)), _interventions(evidence, actions, intervention_value)
    finding, size = evidence.finding[row, target], np.abs(evidence.change)
    not_tried = Reason.CUED_AND_NOT_TRIED if has_cue else Reason.NOT_TRIED
    if evidence.goals is None:
        reason = np.where((finding == Finding.NOT_TRIED) & (not explores_at_random), not_tried, Reason.ANY)
    else:
        moved_most = (finding != Finding.DID_NOT_MOVE) & (size[row, target] == size.max(axis=1))
        reason = np.where(moved_most, Reason.MOVED_MOST, Reason.NOT_MOVED_MOST)
        reason = np.where(finding == Finding.NOT_TRIED, not_tried, reason)
        reason = np.where(finding == Finding.NOT_CUED, Reason.NOT_CUED, reason)
    return {"intended_target": target.astype(np.int16), "intended_value": value.astype(np.float32), "reason": reason.astype(np.int8)}


def target_facts(evidence: Evidence, actions: np.ndarray, intervention_value: float) -> Facts:
    """The goal, and what the experiments with the intended variables say about the expert's actions, in exploitation."""
    assert evidence.goals is not None
    row, (target, value) = np.arange(len(actions)), _interventions(evidence, actions, intervention_value)
    change = evidence.change[row, target]
    # An experiment with the other sign speaks for a change in the other direction. (0 - 0 is 0, while -0 has a sign.)
    change = np.where(value * evidence.tried_value[row, target] < 0, 0 - change, change)
    finding = evidence.finding[row, target]
    expected = np.where(finding >= Finding.MOVED_DOWN, Finding.DID_NOT_MOVE + np.sign(change), finding)
    return {"target_goal": evidence.goals.astype(np.int16), "expected": expected.astype(np.int8), "expected_change": change}


def _interventions(evidence: Evidence, actions: np.ndarray, intervention_value: float) -> tuple[np.ndarray, np.ndarray]:
    num_variables = evidence.finding.shape[1]
    return action_variable(actions, num_variables), action_value(actions, num_variables, intervention_value)


def with_tokens(count: int, num_variables: int, known: Facts) -> Facts:
    """The facts ``known``, for all others the value that stands for none, and the tokens of all; fresh arrays (count, ...)."""
    facts = {name: known[name] if name in known else value.copy() for name, value in _missing_facts(count, num_variables).items()}
    return {**facts, "tokens": _tokens(facts)}


@cache
def _missing_facts(count: int, num_variables: int) -> Facts:
    per_variable = (count, num_variables)
    return {
        "finding": np.full(per_variable, -1, np.int8),  # of Finding
        "was_tried": np.zeros(per_variable, bool),  # whether an earlier trial set the variable
        "tried_value": np.zeros(per_variable, np.float32),  # the value it was last set to
        "observed_change": np.zeros(per_variable, np.float32),  # of the goal in that trial
        "intended_target": np.full(count, -1, np.int16),  # the variable that the expert will set
        "intended_value": np.zeros(count, np.float32),
        "reason": np.full(count, -1, np.int8),  # of Reason
        "target_goal": np.full(count, -1, np.int16),
        "expected": np.full(count, -1, np.int8),  # the finding about the intended variable, reversed if the other sign was tried
        "expected_change": np.zeros(count, np.float32),  # the change of the goal, likewise
    }


def _tokens(facts: Facts) -> np.ndarray:
    """(n, R) int16 of the facts of n states."""
    finding = facts["finding"]
    count, num_variables = finding.shape
    first_word = _first_word(num_variables)
    tokens = np.zeros((count, num_tokens(num_variables)), np.int16)
    beliefs, intention, target = (tokens[:, columns] for columns in _COLUMNS.values())  # views
    beliefs[:, 0::3] = sign_tokens(facts["tried_value"]) * _HAS_SIGN[finding]
    beliefs[:, 1::3] = (first_word + _WORD_OF_FINDING[finding]) * (finding >= 0)
    beliefs[:, 2::3] = size_tokens(facts["observed_change"]) * (facts["observed_change"] != 0)
    is_intended, has_goal = facts["reason"] >= 0, facts["target_goal"] >= 0
    intention[:, 0] = variable_tokens(facts["intended_target"]) * is_intended
    intention[:, 1] = sign_tokens(facts["intended_value"]) * is_intended
    intention[:, 2] = (first_word + _WORD_OF_REASON[facts["reason"]]) * is_intended
    target[:, 0] = variable_tokens(facts["target_goal"]) * has_goal
    target[:, 1] = (first_word + _WORD_OF_FINDING[facts["expected"]]) * has_goal
    target[:, 2] = size_tokens(facts["expected_change"]) * (facts["expected_change"] != 0)
    tokens[:, 0] = first_word * tokens.any(axis=1)
    return tokens


@cache
def _first_word(num_variables: int) -> int:
    """The token id of the first of ``WORDS``."""
    return len(vocabulary(num_variables))


def token_groups(tokens: np.ndarray, part: str, first: int) -> dict[str, tuple[np.ndarray, slice]]:
    """The parts of the reasoning in (n, L) tokens; see :meth:`gym_causal.core.task.BatchedTask.explanation_groups`.

    Args:
        tokens: of n explanations, which end with the reasoning.
        part: that is given, or :data:`REASONING` for all.
        first: where the reasoning begins.
    """
    groups: dict[str, tuple[np.ndarray, slice]] = {}
    for name in PARTS if part == REASONING else (part,):
        start, stop, _ = _COLUMNS[name].indices(tokens.shape[1] - first)
        columns = slice(first + start, first + stop)
        is_given: np.ndarray = np.logical_or.reduce(tokens[:, columns] > 0, axis=1)
        groups[name] = is_given, columns
    return groups
