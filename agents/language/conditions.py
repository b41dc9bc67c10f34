"""The conditions under which a language model plays: what its example games say beside the moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gym_causal.arguments import check_one_of


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a prompt holds, and what the model writes while it plays.

    Attributes:
        name: of the policy in results.
        outcome: an explanation follows each outcome.
        reasoning: the player reasons in words before each action.
        shuffled: the explanations in the example games are those of other games, of the same kind and at the same place.
        shots: whether there are example games at all.
        instructions: the prompt begins with a description of the game.
        without_held_out: no experiment in the example games is on the held-out dimension: it is neither tried nor ruled out there.
            (Objects still show a value of it, since evaluated games have the same dimensions.)
        env_kwargs: further arguments of the env whose explanations stand in the example games.
    """

    name: str
    outcome: bool = False
    reasoning: bool = False
    shuffled: bool = False
    shots: bool = True
    instructions: bool = False
    without_held_out: bool = False
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)


_LISTED, _COMPARED, _DESCRIBED = ({"target_reasoning": how} for how in ("values", "comparisons", "descriptions"))
_EXPLICIT = {"belief_reasoning": "descriptions", **_DESCRIBED}
_SEARCHED, _JUDGED = ({"belief_reasoning": "descriptions", "target_reasoning": how} for how in ("search", "judgements"))
_JUDGED_DIRECT = {"target_reasoning": "judgements"}
_EVIDENCE = {"belief_reasoning": "evidence", "target_reasoning": "evidence"}
_CONDITIONS = (
    Condition(name="none"),
    Condition(name="outcome", outcome=True),
    Condition(name="reasoning", reasoning=True),
    Condition(name="both", outcome=True, reasoning=True),
    # the reasoning lists what it compares, or also compares it step by step
    Condition(name="reasoning_listed", reasoning=True, env_kwargs=_LISTED),
    Condition(name="both_listed", outcome=True, reasoning=True, env_kwargs=_LISTED),
    Condition(name="reasoning_compared", reasoning=True, env_kwargs=_COMPARED),
    Condition(name="both_compared", outcome=True, reasoning=True, env_kwargs=_COMPARED),
    # the reasoning lists and compares in every dimension, before it says which one is rewarded
    Condition(name="reasoning_described", reasoning=True, env_kwargs=_DESCRIBED),
    Condition(name="both_described", outcome=True, reasoning=True, env_kwargs=_DESCRIBED),
    # and it says of each dimension whether it is ruled out, before it says which one is left
    Condition(name="reasoning_explicit", reasoning=True, env_kwargs=_EXPLICIT),
    Condition(name="both_explicit", outcome=True, reasoning=True, env_kwargs=_EXPLICIT),
    # the same, but it describes one dimension after the other up to the rewarded one, saying of each whether it counts
    Condition(name="reasoning_searched", reasoning=True, env_kwargs=_SEARCHED),
    Condition(name="both_searched", outcome=True, reasoning=True, env_kwargs=_SEARCHED),
    # the same of all dimensions, so that as much is described in every game
    Condition(name="reasoning_judged", reasoning=True, env_kwargs=_JUDGED),
    Condition(name="both_judged", outcome=True, reasoning=True, env_kwargs=_JUDGED),
    # the same, but it does not say of each dimension whether it is ruled out: what is left is named at once, as in "reasoning"
    Condition(name="reasoning_judged_direct", reasoning=True, env_kwargs=_JUDGED_DIRECT),
    Condition(name="both_judged_direct", outcome=True, reasoning=True, env_kwargs=_JUDGED_DIRECT),
    # as "reasoning_judged", but it says what each dimension's experiment showed, and never which one the rewarded dimension must be
    Condition(name="reasoning_evidence", reasoning=True, env_kwargs=_EVIDENCE),
    Condition(name="both_evidence", outcome=True, reasoning=True, env_kwargs=_EVIDENCE),
    # controls
    Condition(name="outcome_shuffled", outcome=True, shuffled=True),
    Condition(name="reasoning_shuffled", reasoning=True, shuffled=True),
    Condition(name="both_shuffled", outcome=True, reasoning=True, shuffled=True),
    Condition(name="reasoning_compared_shuffled", reasoning=True, shuffled=True, env_kwargs=_COMPARED),
    Condition(name="instructions", shots=False, instructions=True),
    Condition(name="none_without_held_out", without_held_out=True),
    Condition(name="both_without_held_out", outcome=True, reasoning=True, without_held_out=True),
)
CONDITIONS = {condition.name: condition for condition in _CONDITIONS}
"""Name -> condition: the four of the talk (Lampinen et al., 2023), then others, which are ours."""

FOUR_CONDITIONS = ("none", "outcome", "reasoning", "both")


def named_condition(name: str) -> Condition:
    """The condition of a name.

    Raises:
        ValueError: an unknown name.
    """
    check_one_of("conditions", name, tuple(CONDITIONS))
    return CONDITIONS[name]
