"""Explanations of the adjacent object and of the last touch, as facts and as token ids. ``explanation_text.py`` puts them into words.

*Properties* explanations describe the adjacent object. *Reward* explanations state, after a touch, whether it was correct and which
features show it. *Outcome* explanations state only what can be inferred from the touch about the rewarded attribute. Facts are small
integers; -1 means that the explanation does not have this field.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_OBJECTS, NUM_VALUES, VALUES, Attribute

NONE, PROPERTIES, REWARD, OUTCOME = "none", "properties", "reward", "outcome"


class Statement(IntEnum):
    """The statement that an explanation makes, about its ``attribute``, ``unique`` and values."""

    NEXT_TO = 0
    CORRECT = 1
    INCORRECT = 2
    MUST_BE = 3  # the rewarded attribute must be ``attribute``
    MUST_NOT_BE = 4
    MAY_BE = 5
    NOTHING = 6  # nothing can be inferred


FIELDS = ("statement", "attribute", "unique", *ATTRIBUTES, "object", "correct")
"""The rows of a table of facts, (9, n) int8.

statement: :class:`Statement`. attribute: the one it is about. unique: 1: only this object has its value in ``attribute``, 0: others
share it. color, texture, shape, position: the object's values that are named. object: its number, 0..3. correct: 1: it was rewarded.
"""
STATEMENT, ATTRIBUTE, UNIQUE, FIRST_VALUE, OBJECT, CORRECT = 0, 1, 2, 3, len(FIELDS) - 2, len(FIELDS) - 1
NUM_TOKENS = OBJECT
"""L; ``tokens`` are the statement, the attribute, the relation, the values of colour, texture, shape and position; 0 is padding."""

STATEMENT_WORDS = ("next to", "correct", "incorrect", "must be", "must not be", "may be", "nothing")
_RELATION_WORDS = ("others are", "only this is")
VOCABULARY = ("", *STATEMENT_WORDS, *ATTRIBUTES, *_RELATION_WORDS, *(value for values in VALUES for value in values))
"""Token id -> word; 0 is padding. Every place in ``tokens`` has its own range of ids."""
_SIZES = np.array([len(STATEMENT_WORDS), len(ATTRIBUTES), len(_RELATION_WORDS), *NUM_VALUES])
FIRST_TOKEN = (1 + _SIZES.cumsum() - _SIZES).astype(np.int16)[:, None]
"""(7, 1) the id of the first word of each place in ``tokens``."""


def no_facts(count: int) -> np.ndarray:
    """(9, n) facts of empty explanations."""
    return np.full((len(FIELDS), count), -1, np.int8)


def tokens(facts: np.ndarray) -> np.ndarray:
    """(n, L) int16 of (9, n) facts."""
    fields = facts[:NUM_TOKENS]
    ids = (fields + FIRST_TOKEN) * (fields >= 0)
    return np.ascontiguousarray(ids.T)


def facts_of(tokens: np.ndarray) -> np.ndarray:
    """(9, n) facts of (n, 7) tokens; -1 where a token is padding or no word of its place, and for ``object`` and ``correct``."""
    facts = no_facts(len(tokens))
    fields = tokens.T - FIRST_TOKEN
    facts[:NUM_TOKENS] = np.where((fields >= 0) & (fields < _SIZES[:, None]), fields, -1)
    return facts


def token_groups(tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
    """Groups of (n, L) tokens; see :meth:`gym_causal.core.task.BatchedTask.explanation_groups`.

    "statement" at every step; "properties" and "touches", whole explanations next to an object and after a touch; and the value of each
    attribute, at the steps that name it.
    """
    statement, whole = tokens[:, STATEMENT], slice(None)
    is_property = statement == 1 + Statement.NEXT_TO
    groups = {
        "statement": (np.ones(len(tokens), bool), slice(STATEMENT, STATEMENT + 1)),
        "properties": (is_property, whole),
        "touches": ((statement > 0) & ~is_property, whole),
    }
    for column, attribute in enumerate(ATTRIBUTES, FIRST_VALUE):
        groups[attribute] = tokens[:, column] > 0, slice(column, column + 1)
    return groups


def property_facts(features: np.ndarray, named: tuple[Attribute, ...]) -> np.ndarray:
    """(9, 4, n) facts about each object.

    Args:
        features: (4 attributes, 4 objects, n) int8.
        named: the attributes whose values are named; without any, explanations are empty.
    """
    facts = np.full((len(FIELDS), *features.shape[1:]), -1, np.int8)
    if named:
        facts[STATEMENT] = Statement.NEXT_TO
        facts[OBJECT] = np.arange(NUM_OBJECTS)[:, None]
        for attribute in named:
            facts[FIRST_VALUE + attribute] = features[attribute]
    return facts


def reward_facts(
    features: np.ndarray, touched: np.ndarray, unique: np.ndarray, correct: np.ndarray, attribute: np.ndarray, named: tuple[Attribute, ...]
) -> np.ndarray:
    """(9, n) facts about a touch that was correct or not.

    Args:
        features: (4 attributes, n) int8; of the touched object.
        touched: (n,) which object.
        unique: (4 attributes, n) bool; in which it is odd.
        correct: (n,) bool; whether it was rewarded.
        attribute: (n,) int; the one to name the value of, -1: all that are ``named``, in none of which the object is unique.
        named: see ``attribute``.
    """
    facts = no_facts(len(touched))
    row = np.arange(len(touched))
    facts[STATEMENT] = np.where(correct, Statement.CORRECT, Statement.INCORRECT)
    facts[ATTRIBUTE] = attribute
    facts[UNIQUE] = unique[attribute, row] & (attribute >= 0)
    for name in named:
        facts[FIRST_VALUE + name] = np.where((attribute == name) | (attribute < 0), features[name], -1)
    facts[OBJECT], facts[CORRECT] = touched, correct
    return facts


def outcome_facts(touched: np.ndarray, unique: np.ndarray, correct: np.ndarray, named: tuple[Attribute, ...]) -> np.ndarray:
    """(9, n) facts: what can be inferred from one touch alone about the rewarded attribute; arguments as in :func:`reward_facts`.

    The rewarded object is the one that is odd in that attribute. Only ``named`` attributes occur.
    """
    facts = no_facts(len(touched))
    named_unique = np.zeros_like(unique)
    named_unique[list(named)] = unique[list(named)]
    any_unique = named_unique.any(axis=0)
    first = named_unique.argmax(axis=0)
    # With a single named attribute one can also infer that it is not rewarded: the rewarded object is not odd in it.
    excluded = correct & ~any_unique
    if_correct = np.where(unique.sum(axis=0) == 1, Statement.MUST_BE, Statement.MAY_BE)
    statement = np.where(correct, if_correct, np.where(any_unique, Statement.MUST_NOT_BE, Statement.NOTHING))
    facts[STATEMENT] = np.where(excluded, Statement.MUST_NOT_BE, statement)
    facts[ATTRIBUTE] = np.where(excluded, named[0], np.where(any_unique, first, -1))
    facts[OBJECT], facts[CORRECT] = touched, correct
    return facts
