"""Explanations of what is near and of what a touch paid: data first, then token ids and words.

*Property* explanations say, next to an object, what it is like. *Reward* explanations say, after a touch, whether it was correct and which
features show it. *Outcome* explanations say only what the touch lets one infer about the attribute that pays. Facts are small integers;
-1 stands for "nothing to say".
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_OBJECTS, NUM_VALUES, VALUES, Attribute

Facts = dict[str, np.ndarray]

KINDS = np.array(["none", "properties", "reward", "outcome"])
NONE, PROPERTY, REWARD, OUTCOME = range(len(KINDS))


class Statement(IntEnum):
    """What an explanation says; with ``attribute``, ``unique`` and the values it is complete."""

    NEXT_TO = 0
    CORRECT = 1
    INCORRECT = 2
    MUST_BE = 3  # the attribute that pays must be ``attribute``
    MUST_NOT_BE = 4
    MAY_BE = 5
    NOTHING = 6  # nothing can be inferred


FIELDS = ("statement", "attribute", "unique", *ATTRIBUTES, "object", "correct")
"""The rows of a table of facts, (9, n) int8.

statement: :class:`Statement`. attribute: the one that is spoken of. unique: 1: only this object has its value in ``attribute``, 0: others
share it. color, texture, shape, position: the object's values, those that are spoken of. object: which one, 0..3. correct: 1: it paid.
"""
STATEMENT, ATTRIBUTE, UNIQUE, FIRST_VALUE, OBJECT, CORRECT = 0, 1, 2, 3, len(FIELDS) - 2, len(FIELDS) - 1
NUM_TOKENS = OBJECT
"""L; ``tokens`` are the statement, the attribute, the relation, the values of colour, texture, shape and position; 0: nothing is said."""

_STATEMENTS = ("next to", "correct", "incorrect", "must be", "must not be", "may be", "nothing")
_RELATIONS = ("others are", "only this is")
VOCABULARY = ("", *_STATEMENTS, *ATTRIBUTES, *_RELATIONS, *(value for values in VALUES for value in values))
"""Token id -> word; 0 is padding. Every slot of ``tokens`` has a range of ids of its own."""
_SIZES = np.array([len(_STATEMENTS), len(ATTRIBUTES), len(_RELATIONS), *NUM_VALUES])
_FIRST_TOKEN = (1 + _SIZES.cumsum() - _SIZES).astype(np.int16)[:, None]  # (L, 1)


def nothing(count: int) -> np.ndarray:
    """(9, n) facts that say nothing."""
    return np.full((len(FIELDS), count), -1, np.int8)


def tokens(facts: np.ndarray) -> np.ndarray:
    """(n, L) int16 of (9, n) facts."""
    said = facts[:NUM_TOKENS]
    ids = (said + _FIRST_TOKEN) * (said >= 0)
    return np.ascontiguousarray(ids.T)


def property_facts(features: np.ndarray, named: tuple[Attribute, ...]) -> np.ndarray:
    """(9, 4, n) what there is to say next to each object.

    Args:
        features: (4 attributes, 4 objects, n) int8.
        named: the attributes whose values are told; none: there is nothing to say.
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
        correct: (n,) bool; whether it paid.
        attribute: (n,) int; the one to speak of, -1: all that are ``named``, in none of which the object is unique.
        named: see ``attribute``.
    """
    facts = nothing(len(touched))
    row = np.arange(len(touched))
    facts[STATEMENT] = np.where(correct, Statement.CORRECT, Statement.INCORRECT)
    facts[ATTRIBUTE] = attribute
    facts[UNIQUE] = unique[attribute, row] & (attribute >= 0)
    for spoken_of in named:
        facts[FIRST_VALUE + spoken_of] = np.where((attribute == spoken_of) | (attribute < 0), features[spoken_of], -1)
    facts[OBJECT], facts[CORRECT] = touched, correct
    return facts


def outcome_facts(touched: np.ndarray, unique: np.ndarray, correct: np.ndarray, named: tuple[Attribute, ...]) -> np.ndarray:
    """(9, n) facts about what a touch lets one infer, by itself, about the attribute that pays; arguments as :func:`reward_facts`.

    The object that pays is the one that is odd in that attribute. Only ``named`` attributes are spoken of.
    """
    facts = nothing(len(touched))
    spoken_of = np.zeros_like(unique)
    spoken_of[list(named)] = unique[list(named)]
    any_spoken_of = spoken_of.any(axis=0)
    first = spoken_of.argmax(axis=0)
    # With a single named attribute one can also infer that it does not pay: what pays is not odd in it.
    excluded = correct & ~any_spoken_of
    paid = np.where(unique.sum(axis=0) == 1, Statement.MUST_BE, Statement.MAY_BE)
    statement = np.where(correct, paid, np.where(any_spoken_of, Statement.MUST_NOT_BE, Statement.NOTHING))
    facts[STATEMENT] = np.where(excluded, Statement.MUST_NOT_BE, statement)
    facts[ATTRIBUTE] = np.where(excluded, named[0], np.where(any_spoken_of, first, -1))
    facts[OBJECT], facts[CORRECT] = touched, correct
    return facts


# --- words ---------------------------------------------------------------------------------------------------------------------


def describe(facts: np.ndarray, *, explains_attribute: bool) -> str:
    """One explanation, the facts (9,) of one row, in words; "" when there is none.

    Args:
        facts: a column of a table of facts.
        explains_attribute: whether a reward explanation also says which attribute pays (in the intervention task).
    """
    statement, attribute, unique = facts[:FIRST_VALUE].tolist()
    values = {Attribute(a): VALUES[a][value] for a, value in enumerate(facts[FIRST_VALUE:OBJECT].tolist()) if value >= 0}
    if statement < 0:
        return ""
    if statement == Statement.NEXT_TO:
        return f"Next to you is {name_object(values)}."
    if statement == Statement.NOTHING:
        return "This says nothing about the attribute that pays."
    if statement in (Statement.MUST_BE, Statement.MUST_NOT_BE, Statement.MAY_BE):
        return f"The attribute that pays {_STATEMENTS[statement]} {ATTRIBUTES[attribute]}."
    verdict = "Correct" if statement == Statement.CORRECT else "Incorrect"
    subject = "only this object is" if unique else "other objects are"
    reason = f"{subject} {_predicates(values, plural=not unique)}"
    if explains_attribute:
        return f"{verdict}, the attribute that pays is {ATTRIBUTES[attribute]}: {reason}."
    expected = bool(unique) == (statement == Statement.CORRECT)
    return f"{verdict}, {reason}." if expected else f"{verdict}, although {reason}."


def name_object(values: dict[Attribute, str]) -> str:
    """Some values of an object in words: "a purple, noisy triangle in the center", "a noisy object"."""
    adjectives = [values[a] for a in (Attribute.COLOR, Attribute.TEXTURE) if a in values]
    noun = values.get(Attribute.SHAPE, "object")
    described = _with_article(" ".join([", ".join(adjectives), noun]) if adjectives else noun)
    return f"{described} {values[Attribute.POSITION]}" if Attribute.POSITION in values else described


def _predicates(values: dict[Attribute, str], *, plural: bool) -> str:
    words = []
    for attribute, word in values.items():
        if attribute != Attribute.SHAPE:
            words.append(word)
        elif plural:
            words.append(word + ("es" if word[-1] in "sx" else "s"))
        else:
            words.append(_with_article(word))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _with_article(phrase: str) -> str:
    # "an H", "a U": by sound.
    return f"{'an' if phrase[0] in 'aeioH' or phrase.startswith('up') else 'a'} {phrase}"
