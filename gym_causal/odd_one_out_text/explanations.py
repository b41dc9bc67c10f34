"""Explanations as facts and token ids: what an outcome shows, and the expert's reasoning. ``wording.py`` puts them into words.

An *outcome* explanation states what the last outcome alone shows about the rewarded dimension. The *reasoning* states what the expert
believes, given all outcomes of the episode, what it does next and why. Facts are small integers; -1 means no such fact.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from gym_causal.core.explanations import ExplanationSpec
from gym_causal.odd_one_out.explanations import NONE, OUTCOME
from gym_causal.odd_one_out.reasoning import BELIEF_WORDS, REASONING, Belief
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, LETTERS, MAX_VALUES, NAMES, Words

MODES: dict[str, tuple[str, ...]] = {
    NONE: (),
    OUTCOME: (OUTCOME,),
    REASONING: (REASONING,),
    "all": (OUTCOME, REASONING),
}
"""What the argument ``explain`` accepts, and the kinds of explanation that it leads to."""

BELIEF_REASONING = ("direct", "descriptions", "evidence")
"""What the argument ``belief_reasoning`` accepts."""
TARGET_REASONING = ("direct", "values", "comparisons", "descriptions", "search", "judgements", "evidence")
"""What the argument ``target_reasoning`` accepts."""


class Statement(IntEnum):
    """What an outcome shows about a dimension."""

    MUST_BE = 0  # the rewarded one
    MUST_NOT_BE = 1
    WAS_REWARDED = 2  # in the test trial


class Intention(IntEnum):
    """What the expert does next."""

    TRANSFORM = 0
    CHOOSE = 1


class Reason(IntEnum):
    """Why it goes by a dimension."""

    NOT_RULED_OUT = 0
    WAS_REWARDED = 1
    ONLY_ONE_LEFT = 2


OUTCOME_FIELDS = ("statement", "dimension", "object", "correct")
"""statement: :class:`Statement`. dimension: that it is about. object: that was chosen. correct: 1: it was rewarded."""
REASONING_FIELDS = ("intention", "intended_dimension", "reason", "target_object", "target_value", "shared_value")
"""Beside ``belief``, (D,) of :class:`~gym_causal.odd_one_out.reasoning.Belief`. intention: :class:`Intention`. intended_dimension: that it
transforms or goes by. reason: :class:`Reason`. target_object: the object that it transforms or chooses. target_value: in the test trial,
its value in that dimension, which no other object has; shared_value: the value of all others."""

Facts = dict[str, np.ndarray]

_STATEMENTS = ("must be", "must not be", "was rewarded")
_INTENTIONS = ("transform", "choose")
_REASONS = ("not ruled out", "was rewarded", "only one left")
_GROUPS: dict[str, tuple[str, ...]] = {
    "dimension": NAMES,
    "statement": _STATEMENTS,
    "marker": (REASONING,),
    "belief": BELIEF_WORDS,
    "intention": _INTENTIONS,
    "reason": _REASONS,
    "object": tuple(f"object {letter}" for letter in LETTERS),
    "value": tuple(word for words in DIMENSIONS.values() for word in words),
}
VOCABULARY = ("", *(word for words in _GROUPS.values() for word in words))
"""Token id -> word, the same for all arguments; 0 is padding."""
_FIRST: dict[str, int] = {}
for _name, _words in _GROUPS.items():
    _FIRST[_name] = 1 + sum(len(_GROUPS[name]) for name in _FIRST)
NUM_OUTCOME_TOKENS = 2


def explanation_spec(mode: str, num_dimensions: int) -> ExplanationSpec:
    """The explanations of a mode over D dimensions.

    The tokens of an outcome are its statement and dimension; those of the reasoning a marker, the D beliefs, the intention, its dimension
    and reason, the target, its value and the others' value. A mode with both has them in this order.
    """
    kinds = MODES[mode]
    lengths = {OUTCOME: NUM_OUTCOME_TOKENS, REASONING: 1 + num_dimensions + len(REASONING_FIELDS)}
    if not kinds:
        return ExplanationSpec(MODES, VOCABULARY, 0)
    starts = (0, lengths[OUTCOME]) if len(kinds) > 1 else (0,)
    return ExplanationSpec(MODES, VOCABULARY, sum(lengths[kind] for kind in kinds), starts=starts)


def outcome_facts(legal: np.ndarray, objects: np.ndarray, dimensions: np.ndarray, correct: np.ndarray, is_test: np.ndarray) -> Facts:
    """(n,) int8 each; what n outcomes show.

    Args:
        legal: (n,) bool; whether there was a legal action. Without one there is no explanation.
        objects: (n,) int; that were chosen.
        dimensions: (n,) int; the only dimension in which each was unique.
        correct: (n,) bool; whether it was rewarded.
        is_test: (n,) bool; whether it was the test trial.
    """
    if_correct = np.where(is_test, Statement.WAS_REWARDED, Statement.MUST_BE)
    facts = (np.where(correct, if_correct, Statement.MUST_NOT_BE), dimensions, objects, correct)
    return {name: np.where(legal, fact, -1).astype(np.int8) for name, fact in zip(OUTCOME_FIELDS, facts, strict=True)}


def belief_facts(possible: np.ndarray) -> np.ndarray:
    """(n, D) int8 of :class:`Belief`, of (n, D) bool: whether a dimension may be the rewarded one."""
    must_be = possible.sum(axis=1, keepdims=True) == 1
    return (possible * np.where(must_be, Belief.MUST_BE, Belief.MAY_BE)).astype(np.int8)


def reasoning_facts(
    playing: np.ndarray,
    possible: np.ndarray,
    was_rewarded: np.ndarray,
    is_test: np.ndarray,
    objects: np.ndarray,
    dimensions: np.ndarray,
    values: np.ndarray,
) -> Facts:
    """``belief`` (n, D) int8 and (n,) int8 each: the expert's reasoning about n trials.

    Args:
        playing: (n,) bool; whether there is a trial to come.
        possible: (n, D) bool; the dimensions that may be the rewarded one.
        was_rewarded: (n,) bool; whether an earlier action of the episode was rewarded.
        is_test: (n,) bool; whether it is the test trial.
        objects: (n,) int; the expert's object.
        dimensions: (n,) int; the dimension that it transforms or goes by.
        values: (n, O) int; the objects' values in that dimension.
    """
    row, belief = np.arange(len(playing)), belief_facts(possible)
    must_be = belief[row, dimensions] == Belief.MUST_BE
    others = np.where(objects == 0, 1, 0)  # any other object: they are all alike in the dimension
    facts = (
        np.where(is_test, Intention.CHOOSE, Intention.TRANSFORM),
        dimensions,
        np.where(must_be, np.where(was_rewarded, Reason.WAS_REWARDED, Reason.ONLY_ONE_LEFT), Reason.NOT_RULED_OUT),
        objects,
        np.where(is_test, values[row, objects], -1),
        np.where(is_test, values[row, others], -1),
    )
    given = {name: np.where(playing, fact, -1).astype(np.int8) for name, fact in zip(REASONING_FIELDS, facts, strict=True)}
    return {"belief": np.where(playing[:, None], belief, -1).astype(np.int8), **given}


def outcome_tokens(facts: Facts, dimensions: tuple[str, ...]) -> np.ndarray:
    """(n, 2) int16 of the facts of n outcomes; ``dimensions``: (D,) the names of the dimensions."""
    return np.stack([_ids("statement", facts["statement"]), _ids("dimension", _named(facts["dimension"], dimensions))], axis=1)


def reasoning_tokens(facts: Facts, words: Words) -> np.ndarray:
    """(n, D + 7) int16 of the facts of the reasoning about n trials; ``words``: of the game."""
    playing, dimension = facts["intention"] >= 0, facts["intended_dimension"]
    first_value = _named(dimension, words.values) * MAX_VALUES
    columns = [
        np.where(playing, _FIRST["marker"], 0).astype(np.int16),
        *(_ids("belief", belief) for belief in facts["belief"].T),
        _ids("intention", facts["intention"]),
        _ids("dimension", _named(dimension, words.dimensions)),
        _ids("reason", facts["reason"]),
        _ids("object", facts["target_object"]),
    ]
    for field in ("target_value", "shared_value"):
        columns.append(_ids("value", np.where(facts[field] >= 0, first_value + facts[field], -1)))
    return np.stack(columns, axis=1)


def _named(facts: np.ndarray, dimensions: tuple[str, ...]) -> np.ndarray:
    """(n,) int; the place in the vocabulary of each of (n,) dimensions of the game; -1 = none."""
    places = np.array([*map(NAMES.index, dimensions), -1])
    return places[facts]


def _of_game(places: np.ndarray, dimensions: tuple[str, ...]) -> np.ndarray:
    """The reverse of :func:`_named`; -1 also for a dimension that the game does not have."""
    numbers = np.full(len(NAMES) + 1, -1)
    numbers[[NAMES.index(name) for name in dimensions]] = np.arange(len(dimensions))
    return numbers[places]


def _ids(group: str, facts: np.ndarray) -> np.ndarray:
    return ((facts.astype(np.int16) + _FIRST[group]) * (facts >= 0)).astype(np.int16)


def facts_of_outcome(tokens: np.ndarray, dimensions: tuple[str, ...]) -> Facts:
    """(n,) each; ``statement`` and ``dimension`` of (n, 2) tokens; -1 where a token is padding or no word of its place.

    Args:
        tokens: of the explanations.
        dimensions: (D,) the names of the dimensions.
    """
    return {"statement": _value("statement", tokens[:, 0]), "dimension": _of_game(_value("dimension", tokens[:, 1]), dimensions)}


def facts_of_reasoning(tokens: np.ndarray, words: Words) -> Facts:
    """The facts of (n, D + 7) tokens; -1 where a token is padding or no word of its place.

    Args:
        tokens: of the explanations.
        words: of the game.
    """
    num_dimensions = tokens.shape[1] - 1 - len(REASONING_FIELDS)
    groups = ("intention", "dimension", "reason", "object", "value", "value")
    facts = {
        name: _value(group, tokens[:, 1 + num_dimensions + column])
        for column, (name, group) in enumerate(zip(REASONING_FIELDS, groups, strict=True))
    }
    facts["intended_dimension"] = _of_game(facts["intended_dimension"], words.dimensions)
    intended_words = _named(facts["intended_dimension"], words.values)
    for name in ("target_value", "shared_value"):  # a value is one of the intended dimension, or none
        is_of = facts[name] // MAX_VALUES == intended_words
        facts[name] = np.where((facts[name] >= 0) & is_of, facts[name] % MAX_VALUES, -1)
    return {"belief": _value("belief", tokens[:, 1 : 1 + num_dimensions]), **facts}


def _value(group: str, ids: np.ndarray) -> np.ndarray:
    value = ids.astype(int) - _FIRST[group]
    return np.where((value >= 0) & (value < len(_GROUPS[group])), value, -1)


def token_groups(tokens: np.ndarray, mode: str, num_dimensions: int) -> dict[str, tuple[np.ndarray, slice]]:
    """The outcome and the parts of the reasoning in (n, L) tokens; see :meth:`gym_causal.core.task.BatchedTask.explanation_groups`."""
    groups: dict[str, tuple[np.ndarray, slice]] = {}
    first = 0
    if OUTCOME in MODES[mode]:
        groups[OUTCOME] = (tokens[:, 0] > 0, slice(0, NUM_OUTCOME_TOKENS))
        first = NUM_OUTCOME_TOKENS
    if REASONING in MODES[mode]:
        beliefs = slice(first + 1, first + 1 + num_dimensions)
        parts = {"belief": beliefs, "intention": slice(beliefs.stop, beliefs.stop + 3), "target": slice(beliefs.stop + 4, beliefs.stop + 6)}
        for part, columns in parts.items():
            is_given: np.ndarray = np.logical_or.reduce(tokens[:, columns] > 0, axis=1)
            groups[part] = is_given, columns
    return groups
