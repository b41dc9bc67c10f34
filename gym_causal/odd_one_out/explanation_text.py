"""Explanations in words."""

from __future__ import annotations

import numpy as np

from gym_causal.core.text import listed
from gym_causal.odd_one_out import explanations, reasoning
from gym_causal.odd_one_out.explanation_modes import reasoning_part, statement_kinds
from gym_causal.odd_one_out.explanations import FIRST_VALUE, OBJECT, STATEMENT_WORDS, Statement
from gym_causal.odd_one_out.features import ATTRIBUTES, VALUES, Attribute
from gym_causal.odd_one_out.reasoning import Belief, Intention, Reason


def describe(facts: np.ndarray, *, names_rewarded_attribute: bool) -> str:
    """One explanation in words; "" if it is empty.

    Args:
        facts: (9,) int8; of one explanation.
        names_rewarded_attribute: whether a reward explanation also names the rewarded attribute (in the intervention task).
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
        return f"The attribute that pays {STATEMENT_WORDS[statement]} {ATTRIBUTES[attribute]}."
    verdict = "Correct" if statement == Statement.CORRECT else "Incorrect"
    subject = "only this object is" if unique else "other objects are"
    reason = f"{subject} {_predicates(values, plural=not unique)}"
    if names_rewarded_attribute:
        return f"{verdict}, the attribute that pays is {ATTRIBUTES[attribute]}: {reason}."
    expected = bool(unique) == (statement == Statement.CORRECT)
    return f"{verdict}, {reason}." if expected else f"{verdict}, although {reason}."


_REASONS = {
    Reason.NOT_ALL_SEEN: "I have not seen all objects",
    Reason.NOT_RULED_OUT: "it is not ruled out",
    Reason.WAS_REWARDED: "it was rewarded",
    Reason.ONLY_ONE_LEFT: "the others are ruled out",
    Reason.OBJECT_CHANGED: "I have changed an object",
}


def describe_reasoning(facts: np.ndarray) -> str:
    """Reasoning in words; "" if there is none.

    Args:
        facts: (10,) int8; of one state, see :data:`gym_causal.odd_one_out.reasoning.FIELDS`.
    """
    belief = facts[: len(ATTRIBUTES)]
    intention, attribute, reason, _, target, value = facts[len(ATTRIBUTES) :].tolist()
    sentences = []
    if (belief >= 0).any():
        sentences.append(_describe_belief(belief))
    if intention >= 0:
        name = ATTRIBUTES[attribute] if attribute >= 0 else ""
        what = {
            Intention.LOOK_AROUND: "I look around",
            Intention.MAKE_ODD: f"I make an object odd in {name} and touch it",
            Intention.TOUCH: f"I go by {name}" if name else "I touch an object",
        }[Intention(intention)]
        sentences.append(f"{what}: {_REASONS[Reason(reason)]}." if reason >= 0 else f"{what}.")
    if value >= 0:
        sentences.append(f"Only my target is {_predicates({Attribute(target): VALUES[target][value]}, plural=False)}.")
    return " ".join(sentences)


def describe_tokens(tokens: np.ndarray, mode: str, *, names_rewarded_attribute: bool) -> str:
    """Tokens (L,) of a mode in words, also those of a learner, which need not make sense: what does not is left out.

    Args:
        tokens: (L,) int.
        mode: of the explanations.
        names_rewarded_attribute: see :func:`describe`.
    """
    parts = []
    if statement_kinds(mode):
        statement = explanations.facts_of(tokens[None, : explanations.NUM_TOKENS])[:, 0]
        if _is_complete(statement):
            parts.append(describe(statement, names_rewarded_attribute=names_rewarded_attribute))
    if reasoning_part(mode) is not None:
        parts.append(describe_reasoning(reasoning.facts_of(tokens[None, -reasoning.NUM_TOKENS :])[:, 0]))
    return " ".join(filter(None, parts))


def _is_complete(facts: np.ndarray) -> bool:
    """Whether a statement (9,) has what its sentence needs."""
    statement, attribute = facts[explanations.STATEMENT], facts[explanations.ATTRIBUTE]
    if statement in (Statement.CORRECT, Statement.INCORRECT):
        return bool((facts[FIRST_VALUE:OBJECT] >= 0).any())
    return statement not in (Statement.MUST_BE, Statement.MUST_NOT_BE, Statement.MAY_BE) or attribute >= 0


def _describe_belief(belief: np.ndarray) -> str:
    """What (4,) beliefs say, those that are not considered left out."""
    named = {state: [ATTRIBUTES[a] for a in np.flatnonzero(belief == state)] for state in Belief}
    if named[Belief.MUST_BE]:
        return f"The attribute that pays must be {named[Belief.MUST_BE][0]}."
    if not named[Belief.MAY_BE]:
        return f"The attribute that pays is not {listed(named[Belief.RULED_OUT], 'or')}."
    ruled_out = f", but not {listed(named[Belief.RULED_OUT], 'or')}" if named[Belief.RULED_OUT] else ""
    return f"The attribute that pays may be {listed(named[Belief.MAY_BE], 'or')}{ruled_out}."


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
    return listed(words, "or")


def _with_article(phrase: str) -> str:
    # "an H", "a U": by sound.
    return f"{'an' if phrase[0] in 'aeioH' or phrase.startswith('up') else 'a'} {phrase}"
