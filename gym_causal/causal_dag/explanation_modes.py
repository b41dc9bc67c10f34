"""What the argument ``explain`` accepts: which explanations each mode gives, and the words and length of their tokens."""

from __future__ import annotations

import numpy as np

from gym_causal.causal_dag import reasoning
from gym_causal.causal_dag.explanations import NONE, PROPERTIES, REWARD, is_properties, num_tokens, vocabulary
from gym_causal.causal_dag.reasoning import PARTS, REASONING
from gym_causal.core.explanations import ExplanationSpec

MODES: dict[str, tuple[str, ...]] = {
    NONE: (),
    "properties": (PROPERTIES,),
    "reward": (REWARD,),
    "full": (PROPERTIES, REWARD),
    "outcome": (PROPERTIES, REWARD),  # as the same explanations are called where games are played in words
    **{part: (part,) for part in PARTS},
    "reasoning": (REASONING,),
    "all": (PROPERTIES, REWARD, REASONING),
}


def statement_kinds(mode: str) -> tuple[str, ...]:
    """The kinds of a mode that are statements about the last trial."""
    return tuple(kind for kind in MODES[mode] if kind in (PROPERTIES, REWARD))


def reasoning_part(mode: str) -> str | None:
    """The part of the reasoning that a mode gives: all of it, one of ``PARTS``, or None."""
    return next((kind for kind in MODES[mode] if kind in (REASONING, *PARTS)), None)


def joined(statement_kind: str, reasoning_kind: str) -> str:
    """The ``kind`` of an explanation that has both; either may be "none"."""
    return "+".join(kind for kind in (statement_kind, reasoning_kind) if kind != NONE) or NONE


def explanation_spec(num_variables: int, mode: str) -> ExplanationSpec:
    """The explanations of a mode over N variables. Tokens are those of the statement, then those of the reasoning, if it has them."""
    words, first = tuple(vocabulary(num_variables)), _first_of_reasoning(num_variables, mode)
    if reasoning_part(mode) is None:
        return ExplanationSpec(MODES, words, first)
    # Words are appended, so that the other ids mean the same in every mode.
    length = first + reasoning.num_tokens(num_variables)
    return ExplanationSpec(MODES, (*words, *reasoning.WORDS), length, starts=(0, first) if first else (0,))


def _first_of_reasoning(num_variables: int, mode: str) -> int:
    """Where the tokens of the reasoning begin: after the statement, if the mode has one."""
    return num_tokens(num_variables) if statement_kinds(mode) or reasoning_part(mode) is None else 0


def token_groups(tokens: np.ndarray, num_variables: int, mode: str) -> dict[str, tuple[np.ndarray, slice]]:
    """Groups of (n, L) tokens: whole statements about the last trial, and the parts of the reasoning.

    See :meth:`gym_causal.core.task.BatchedTask.explanation_groups`.
    """
    first, part = _first_of_reasoning(num_variables, mode), reasoning_part(mode)
    groups: dict[str, tuple[np.ndarray, slice]] = {}
    if first:
        is_property = is_properties(tokens)
        groups = {"properties": (is_property, slice(first)), "reward": ((tokens[:, 0] > 0) & ~is_property, slice(first))}
    return groups if part is None else {**groups, **reasoning.token_groups(tokens, part, first)}
