"""The explanations that B rows hold now."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.odd_one_out import explanations, reasoning
from gym_causal.odd_one_out.explanation_modes import reasoning_part, statement_kinds
from gym_causal.odd_one_out.explanation_text import describe, describe_reasoning
from gym_causal.odd_one_out.features import NUM_OBJECTS, Attribute

# The slots of a row: 0 to 3 are its objects, for an agent next to one; then an agent next to none; then the last touch.
NO_OBJECT, TOUCH = NUM_OBJECTS, NUM_OBJECTS + 1

_KIND_DTYPE = "<U20"  # of the longest, "properties+reasoning"


class ExplanationTable:
    """Facts about every object of B rows, their last touch and the expert's reasoning: written when they change, looked up at every step.

    Args:
        mode: of the explanations to give.
        named: the attributes whose values explanations name; without any there are no explanations.
        num_envs: B.
        names_rewarded_attribute: whether a reward explanation in words also names the rewarded attribute.
    """

    def __init__(self, mode: str, named: tuple[Attribute, ...], num_envs: int, *, names_rewarded_attribute: bool) -> None:
        statements, part = (statement_kinds(mode), reasoning_part(mode)) if named else ((), None)
        self._is_empty = mode == explanations.NONE
        self._named, self._num_envs, self._names_rewarded_attribute = named, num_envs, names_rewarded_attribute
        self._has_statements = bool(statement_kinds(mode)) or reasoning_part(mode) is None
        self._has_properties = explanations.PROPERTIES in statements
        self.touch_kind = next((kind for kind in statements if kind != explanations.PROPERTIES), explanations.NONE)
        self._tokenizes_reasoning = reasoning_part(mode) is not None
        self._part = part
        kind_of_object = explanations.PROPERTIES if self._has_properties else explanations.NONE
        kind_of_slot = (*[kind_of_object] * NUM_OBJECTS, explanations.NONE, self.touch_kind)
        # (6 slots, 2) without reasoning and with it.
        self._kinds = np.array([[kind, _joined(kind, part)] for kind in kind_of_slot], _KIND_DTYPE)
        self._facts = np.full((len(explanations.FIELDS), TOUCH + 1, num_envs), -1, np.int8)  # (9, 6, B)
        self._reasoning = reasoning.no_facts(num_envs)  # (10, B)

    @property
    def has_reasoning(self) -> bool:
        """Whether there is any reasoning to write."""
        return self._part is not None

    def set_properties(self, rows: np.ndarray, features: np.ndarray) -> None:
        """The objects of (n,) rows have these ``features``, (4 attributes, 4 objects, n)."""
        if self._has_properties:
            self._facts[:, :NUM_OBJECTS, rows] = explanations.property_facts(features, self._named)

    def set_touch(self, rows: np.ndarray, facts: np.ndarray) -> None:
        """The last touches in (n,) rows are explained by ``facts`` (9, n)."""
        self._facts[:, TOUCH, rows] = facts

    def set_reasoning(self, rows: np.ndarray, facts: np.ndarray) -> None:
        """The expert's reasoning in (n,) rows, (10, n)."""
        assert self._part is not None
        self._reasoning[:, rows] = reasoning.only(self._part, facts)

    def explanation(self, rows: np.ndarray, slots: np.ndarray, *, text: bool) -> dict[str, Any]:
        """``info["explanation"]`` of (n,) rows, taken from (n,) ``slots``; ``text`` adds the explanations in words."""
        if self._is_empty:
            explanation: dict[str, Any] = {"kind": np.full(len(rows), explanations.NONE, _KIND_DTYPE)}
            if text:
                explanation["text"] = np.full(len(rows), "", object)
            return explanation
        tokens: list[np.ndarray] = []
        facts: list[tuple[str, np.ndarray]] = []
        statement = self._facts.reshape(len(explanations.FIELDS), -1).take(slots * self._num_envs + rows, axis=1)  # (9, n)
        has_reasoning = np.zeros(len(rows), int)
        if self._has_statements:
            tokens.append(explanations.tokens(statement))
            facts += zip(explanations.FIELDS, statement, strict=True)
        if self._tokenizes_reasoning:
            thoughts = self._reasoning[:, rows]  # (10, n)
            tokens.append(reasoning.tokens(thoughts))
            facts += zip(reasoning.FIELDS, thoughts, strict=True)
            has_reasoning = (tokens[-1][:, 0] > 0).astype(int)
        explanation = {
            "kind": self._kinds[slots, has_reasoning],
            "tokens": tokens[0] if len(tokens) == 1 else np.concatenate(tokens, axis=1),
            **dict(facts),
        }
        if text:
            explanation["text"] = self._words(statement, self._reasoning[:, rows])
        return explanation

    def _words(self, statement: np.ndarray, thoughts: np.ndarray) -> np.ndarray:
        """(n,) object; explanations in words, of statements (9, n) and reasoning (10, n)."""
        words = np.full(statement.shape[1], "", object)
        for row in np.flatnonzero((statement[0] >= 0) | (thoughts >= 0).any(axis=0)):
            parts = (
                describe(statement[:, row], names_rewarded_attribute=self._names_rewarded_attribute),
                describe_reasoning(thoughts[:, row]),
            )
            words[row] = " ".join(filter(None, parts))
        return words


def _joined(kind: str, part: str | None) -> str:
    """The kind of an explanation that has a statement of one kind, or none, and a part of the reasoning."""
    if part is None:
        return kind
    return part if kind == explanations.NONE else f"{kind}+{part}"
