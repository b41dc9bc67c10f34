"""Reasoning explanations: what the expert believes, what it does next and why, as facts and as token ids.

A *belief* says of each attribute whether it may be the rewarded one, given the touches so far. An *intention* says what the expert does
next, in which attribute, and why. A *target* names the value that only the object it goes for has. All of it follows from the history of
the episode: from the room as far as the expert has seen it, and from its touches. Facts are small integers; -1 means no such fact.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from gym_causal.odd_one_out import explanations
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_OBJECTS, ODD_OBJECT, VALUES

REASONING = "reasoning"
PARTS = ("belief", "intention", "target")


class Belief(IntEnum):
    """About an attribute."""

    RULED_OUT = 0
    MAY_BE = 1  # the rewarded one, and others may be too
    MUST_BE = 2


class Intention(IntEnum):
    """What the expert does next."""

    LOOK_AROUND = 0
    MAKE_ODD = 1  # transform an object, so that one is odd in an attribute, and touch that one
    TOUCH = 2


class Reason(IntEnum):
    """Why the expert does it, or why it goes by an attribute."""

    NOT_ALL_SEEN = 0
    NOT_RULED_OUT = 1
    WAS_REWARDED = 2  # an object that was odd in it
    ONLY_ONE_LEFT = 3
    OBJECT_CHANGED = 4  # since it saw the whole room from the center


class Choice(NamedTuple):
    """What the expert does in n rows whose four objects are all known."""

    attribute: np.ndarray  # (n,) int; that it tries or goes by, -1: none
    targets: np.ndarray  # (n, 4) bool; the objects that it may touch; none before a transform
    transforms: np.ndarray  # (n,) bool; whether it makes an object odd first


FIELDS = (
    *(f"belief_{attribute}" for attribute in ATTRIBUTES),
    *("intention", "intended_attribute", "reason"),
    *("target_object", "target_attribute", "target_value"),
)
"""The rows of a table of facts, (10, n) int8.

belief_color, ...: :class:`Belief`; -1: an attribute that is not considered. intention: :class:`Intention`; -1 in feedback steps.
intended_attribute: that it tries or goes by. reason: :class:`Reason`. target_object: its number, 0..3, if it goes for one that is odd in
the intended attribute. target_attribute: that one. target_value: the value that only this object has.
"""
INTENTION, INTENDED_ATTRIBUTE, REASON, TARGET_OBJECT, TARGET_ATTRIBUTE, TARGET_VALUE = range(len(ATTRIBUTES), len(FIELDS))
_FIELDS_OF = {  # part -> its rows
    "belief": slice(0, INTENTION),
    "intention": slice(INTENTION, TARGET_OBJECT),
    "target": slice(TARGET_OBJECT, len(FIELDS)),
}

BELIEF_WORDS = ("ruled out", "may be", "must be")
INTENTION_WORDS = ("look around", "make odd", "touch")
REASON_WORDS = ("not all seen", "not ruled out", "was rewarded", "only one left", "object changed")
WORDS = (REASONING, *BELIEF_WORDS, *INTENTION_WORDS, *REASON_WORDS)
"""The words that reasoning adds to the vocabulary. Names of attributes and values are those of the other explanations."""
NUM_TOKENS = 9
"""R; the marker "reasoning", the beliefs about colour, texture, shape and position, the intention, its attribute and reason, and the value
of the target; 0 is padding."""
_FIRST_WORD = len(explanations.VOCABULARY)
_FIRST_BELIEF = _FIRST_WORD + 1
_FIRST_INTENTION = _FIRST_BELIEF + len(BELIEF_WORDS)
_FIRST_REASON = _FIRST_INTENTION + len(INTENTION_WORDS)
# (7,) the id of the first word of each place but the marker and the target's value.
_FIRST_IDS = np.array(
    [*[_FIRST_BELIEF] * len(ATTRIBUTES), _FIRST_INTENTION, explanations.FIRST_TOKEN[explanations.ATTRIBUTE, 0], _FIRST_REASON]
)


def no_facts(count: int) -> np.ndarray:
    """(10, n) facts where there is no reasoning."""
    return np.full((len(FIELDS), count), -1, np.int8)


def facts_of(tokens: np.ndarray) -> np.ndarray:
    """(10, n) facts of (n, R) tokens; -1 where a token is padding or no word of its place, and for ``target_object``."""
    facts = no_facts(len(tokens))
    sizes = [*[len(BELIEF_WORDS)] * len(ATTRIBUTES), len(INTENTION_WORDS), len(ATTRIBUTES), len(REASON_WORDS)]
    fields = tokens[:, 1:-1].T - _FIRST_IDS[:, None]
    facts[: REASON + 1] = np.where((fields >= 0) & (fields < np.array(sizes)[:, None]), fields, -1)
    for attribute, values in enumerate(VALUES):
        value = tokens[:, -1] - explanations.FIRST_TOKEN[explanations.FIRST_VALUE + attribute, 0]
        is_of = (value >= 0) & (value < len(values))
        facts[TARGET_ATTRIBUTE, is_of], facts[TARGET_VALUE, is_of] = attribute, value[is_of]
    return facts


def token_groups(tokens: np.ndarray, start: int) -> dict[str, tuple[np.ndarray, slice]]:
    """Groups of (n, L) tokens in which the reasoning begins at ``start``: its parts, at the steps that have them.

    See :meth:`gym_causal.core.task.BatchedTask.explanation_groups`.
    """
    ends = np.array([1, 1 + INTENTION, NUM_TOKENS - 1, NUM_TOKENS]) + start
    columns = [slice(first, last) for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    return {part: (np.logical_or.reduce(tokens[:, some] > 0, axis=1), some) for part, some in zip(PARTS, columns, strict=True)}


def belief_facts(possible: np.ndarray, considered: np.ndarray) -> np.ndarray:
    """(4 attributes, n) int8 of :class:`Belief`.

    Args:
        possible: (4 attributes, n) bool; that may be the rewarded one.
        considered: (4,) bool; the others are not mentioned.
    """
    belief = possible * np.where(possible.sum(axis=0) == 1, Belief.MUST_BE, Belief.MAY_BE)
    return np.where(considered[:, None], belief, -1).astype(np.int8)


def intention_facts(choice: Choice, belief: np.ndarray, was_rewarded: np.ndarray, features: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """(6, n) int8: intention, attribute, reason and the target's object, attribute and value, of rows whose objects are all known.

    Args:
        choice: of the expert.
        belief: (4 attributes, n); see :func:`belief_facts`.
        was_rewarded: (n,) bool; whether a touch was rewarded in this episode.
        features: (4 attributes, 4 objects, n) int8.
        patterns: (4 attributes, n) uint8; which objects have the second of an attribute's two values, as bits.
    """
    count = len(choice.attribute)
    row, attribute = np.arange(count), choice.attribute
    has_attribute = attribute >= 0
    must_be = belief[attribute, row] == Belief.MUST_BE
    reason = np.where(must_be, np.where(was_rewarded, Reason.WAS_REWARDED, Reason.ONLY_ONE_LEFT), Reason.NOT_RULED_OUT)
    odd = ODD_OBJECT[patterns[attribute, row]].astype(int)  # (n,) -1: none is odd in it
    is_target = has_attribute & ~choice.transforms & (odd >= 0)
    is_target &= (choice.targets == (odd[:, None] == np.arange(NUM_OBJECTS))).all(axis=1)
    return np.stack(
        [
            np.where(choice.transforms, Intention.MAKE_ODD, Intention.TOUCH),
            attribute,
            np.where(has_attribute, reason, -1),
            np.where(is_target, odd, -1),
            np.where(is_target, attribute, -1),
            np.where(is_target, features[attribute, odd, row], -1),
        ]
    ).astype(np.int8)


def only(part: str, facts: np.ndarray) -> np.ndarray:
    """The facts (10, n) of one part; the others are -1. All of them for :data:`REASONING`."""
    if part == REASONING:
        return facts
    kept = np.full_like(facts, -1)
    kept[_FIELDS_OF[part]] = facts[_FIELDS_OF[part]]
    return kept


def tokens(facts: np.ndarray) -> np.ndarray:
    """(n, R) int16 of (10, n) facts, as they are after :func:`only`; without any they are padding."""
    attribute, value = facts[TARGET_ATTRIBUTE], facts[TARGET_VALUE]
    ids = np.zeros((NUM_TOKENS, facts.shape[1]), np.int16)
    ids[1:-1] = (facts[: REASON + 1] + _FIRST_IDS[:, None]) * (facts[: REASON + 1] >= 0)
    ids[-1] = (value + explanations.FIRST_TOKEN[explanations.FIRST_VALUE + attribute, 0]) * (value >= 0)
    ids[0] = _FIRST_WORD * (facts >= 0).any(axis=0)
    return np.ascontiguousarray(ids.T)
