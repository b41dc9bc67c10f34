"""The words of a game: prompts, outcomes, explanations and instructions. ``actions.py`` has the sentences of actions."""

from __future__ import annotations

import re

import numpy as np

from gym_causal.core.text import listed
from gym_causal.odd_one_out.reasoning import Belief
from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.explanations import Intention, Reason, Statement
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, LETTERS, NUMBERS, Words, plural

NOT_POSSIBLE = ".\nThat is not possible now.\n"
"""The outcome of an illegal action."""
_CONCLUSION = re.compile(r".*?(?:rewarding dimension must be|rewarded for unique) \w+")


def heading(num_objects: int) -> str:
    """The first line of a prompt."""
    return f"There are {NUMBERS[num_objects]} objects in front of me:\n"


def prompt(objects: list[list[int]], words: Words) -> str:
    """What the player is shown: O objects with a value in each of D + F dimensions."""
    lines = (
        f"{letter}) {' '.join(DIMENSIONS[name][value] for name, value in zip(words.values, values, strict=True))}\n"
        for letter, values in zip(LETTERS, objects, strict=False)
    )
    return heading(len(objects)) + "".join(lines)


def outcome(chosen: int, new_value: str, *, correct: bool) -> str:
    """What follows on the sentence of a legal action; ``new_value`` is that of a transform, "" = none."""
    new_value = f": {new_value}" if new_value else ""
    return f"{new_value}.\nChoosing object {LETTERS[chosen]} was {'rewarded!' if correct else 'not rewarded.'}\n"


def max_length(config: OddOneOutTextConfig) -> int:
    """Of an observation."""
    longest = [max(DIMENSIONS[name], key=len) for name in config.words.values]
    longest_object = len("A) ") + len(" ".join(longest)) + len("\n")
    longest_outcome = max(len(NOT_POSSIBLE), len(outcome(0, max(longest, key=len), correct=False)))
    return longest_outcome + len("\n") + len(heading(config.num_objects)) + config.num_objects * longest_object


def instructions(config: OddOneOutTextConfig) -> str:
    """The rules of the game."""
    rounds, last = config.num_experiments, ""
    if config.num_distractors:
        distractors = config.words.values[config.num_dimensions :]
        last = f" Differences in {listed(list(distractors), 'or')} do not matter."
    which = "the first round" if rounds == 1 else f"each of the first {rounds} rounds"
    experiments = f"In {which} the objects are alike; I change one of them in one dimension, and choose it. " if rounds else ""
    return (
        f"I play games with {NUMBERS[config.num_objects]} objects. In each game one dimension is rewarding: "
        f"{listed(list(config.dimensions), 'or')}. Choosing an object is rewarded if it is unique in that dimension. {experiments}In the "
        f"last round each object is unique in one dimension, one of them in the rewarding one, and I choose one object.{last}"
    )


def describe_outcome(statement: int, dimension: int, dimensions: tuple[str, ...]) -> str:
    """An outcome explanation, about one of the dimensions; "" if there is none."""
    if statement < 0 or dimension < 0:
        return ""
    name = dimensions[dimension]
    if statement == Statement.WAS_REWARDED:
        return f"I was rewarded for unique {name} in this game."
    return f"The rewarding dimension must {'be' if statement == Statement.MUST_BE else 'not be'} {name}."


def describe_objects(objects: np.ndarray, words: Words) -> list[str]:
    """For each dimension a sentence: what the objects are in it, and which of them is unique there.

    Args:
        objects: (O, D + F) their values; distractors are not described.
        words: of the game.
    """
    sentences = []
    for name, values_of, column in zip(words.dimensions, words.values, objects.T.tolist(), strict=False):
        unique = [LETTERS[place] for place, value in enumerate(column) if column.count(value) == 1]
        compared = _list_values([DIMENSIONS[values_of][value] for value in column], compare=True)
        sentences.append(f"In {name}, {compared}, so {unique[0] if unique else 'none'} has a unique {name}.")
    return sentences


def describe_reasoning(belief: np.ndarray, facts: dict[str, int], config: OddOneOutTextConfig, objects: np.ndarray | None = None) -> str:
    """The reasoning about a trial; "" if there is none.

    Args:
        belief: (D,) of :class:`~gym_causal.odd_one_out.reasoning.Belief`.
        facts: the other facts (:data:`~gym_causal.odd_one_out_text.explanations.REASONING_FIELDS`) but ``target_object``, which only the
            test trial needs.
        config: of the game.
        objects: (O, D + F) their values, which descriptions need; they are left out where the values are not given.
    """
    if facts["intention"] < 0 or facts["intended_dimension"] < 0:
        return ""
    name, why = config.dimensions[facts["intended_dimension"]], _describe_belief(belief, facts["reason"], config)
    known = facts["reason"] in (Reason.WAS_REWARDED, Reason.ONLY_ONE_LEFT)
    if facts["intention"] == Intention.TRANSFORM:
        again = " again" if facts["reason"] == Reason.WAS_REWARDED else ""
        doing = f"I use {name}{again}." if known else f"I try {name}."
        return " ".join(filter(None, ("Let's think step by step.", why, doing)))
    if not known:
        start = " ".join(filter(None, (why, f"I go by {name}.")))
    else:
        start = why if config.belief_reasoning == "evidence" else f"In this game, I am rewarded for unique {name}."
    target = _describe_target(facts, config)
    if objects is not None and config.target_reasoning in ("descriptions", "search", "judgements", "evidence"):
        seen, place = describe_objects(objects, config.words), facts["intended_dimension"]
        if config.target_reasoning == "descriptions":
            start, target = " ".join((*seen, start)), f"{seen[place]} {target}"
        else:
            target = _describe_verdicts(seen, belief, facts, config)
    return " ".join(filter(None, ("Let's think step by step.", start, target)))


def _describe_verdicts(seen: list[str], belief: np.ndarray, facts: dict[str, int], config: OddOneOutTextConfig) -> str:
    """The descriptions, each with what is known of its dimension; the choice follows that of the dimension that the expert goes by."""
    goes_by = facts["intended_dimension"]
    if config.target_reasoning == "evidence":
        verdicts = [_evidence(state, facts["reason"]) for state in belief]
    else:
        verdicts = ["counts" if each == goes_by else "does not count" for each in range(len(seen))]
    if config.target_reasoning == "search":
        seen, verdicts = seen[: goes_by + 1], verdicts[: goes_by + 1]
    elif facts["target_object"] >= 0:
        verdicts[goes_by] += f", so I go for {LETTERS[facts['target_object']]}"
    judged = zip(seen, config.dimensions, verdicts, strict=False)
    return " ".join(f"{sentence.removesuffix('.')}, and {name} {verdict}." for sentence, name, verdict in judged)


def conclusion(reasoning: str) -> str:
    """The beginning of a reasoning up to the dimension that it says is rewarded; "" if it does not say."""
    found = _CONCLUSION.match(reasoning)
    return found[0] if found else ""


def _describe_belief(belief: np.ndarray, reason: int, config: OddOneOutTextConfig) -> str:
    named = {state: [config.dimensions[d] for d in np.flatnonzero(belief == state)] for state in Belief}
    ruled_out = listed(named[Belief.RULED_OUT], "or") if named[Belief.RULED_OUT] else ""
    each = ""
    if config.belief_reasoning == "evidence" or (config.belief_reasoning == "descriptions" and reason != Reason.WAS_REWARDED):
        states = [
            f"{name} {_evidence(state, reason)}"
            for name, state in zip(config.dimensions, belief, strict=True)
            if state >= 0  # of tokens that make no sense it is not known
        ]
        each = f"So far, {listed(states)}. " if states else ""
    if config.belief_reasoning == "evidence":
        return each.rstrip()
    if named[Belief.MUST_BE]:
        name = named[Belief.MUST_BE][0]
        why = "changing it was rewarded" if reason == Reason.WAS_REWARDED else f"it must not be {ruled_out}"
        return f"{each}The rewarding dimension must be {name}, because {why}."
    if not named[Belief.MAY_BE]:
        return ""
    may_be = f"may be {listed(named[Belief.MAY_BE], 'or')}"
    return f"{each}The rewarding dimension " + (f"must not be {ruled_out}, so it {may_be}." if ruled_out else f"{may_be}.")


def _evidence(state: int, reason: int) -> str:
    """What is known of a dimension; ``reason`` is that of the whole belief."""
    if state == Belief.RULED_OUT:
        return "is ruled out"
    return "was rewarded" if state == Belief.MUST_BE and reason == Reason.WAS_REWARDED else "is left"


def _describe_target(facts: dict[str, int], config: OddOneOutTextConfig) -> str:
    target, dimension, value, shared = (facts[key] for key in ("target_object", "intended_dimension", "target_value", "shared_value"))
    if min(target, value, shared) < 0:
        return ""
    letter, letters = LETTERS[target], LETTERS[: config.num_objects]
    name, values_of = config.dimensions[dimension], config.words.values[dimension]
    word, others_word = DIMENSIONS[values_of][value], DIMENSIONS[values_of][shared]
    others = listed([other for other in letters if other != letter])
    listed_values = ""
    if config.target_reasoning in ("values", "comparisons"):
        values = [word if each == target else others_word for each in range(config.num_objects)]
        listed_values = f"{_list_values(values, compare=config.target_reasoning == 'comparisons')}. "
    because = f"because {others} are {plural(values_of, shared)}"
    return f"{listed_values}Object {letter} is the only {word} object, {because}, so {letter} has a unique {name}."


def _list_values(values: list[str], *, compare: bool) -> str:
    """The objects' values, compared with the first one's on request."""
    likeness = ["", *(f" {'like' if value == values[0] else 'unlike'} {LETTERS[0]}" if compare else "" for value in values[1:])]
    return ", ".join(f"{letter}) {value}{like}" for letter, value, like in zip(LETTERS, values, likeness, strict=False))
