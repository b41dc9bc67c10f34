"""The explanations that B rows hold now."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.odd_one_out import explanations
from gym_causal.odd_one_out.explanation_text import describe
from gym_causal.odd_one_out.features import NUM_OBJECTS, Attribute

# The slots of a row: 0 to 3 are its objects, for an agent next to one; then an agent next to none; then the last touch.
NO_OBJECT, TOUCH = NUM_OBJECTS, NUM_OBJECTS + 1


class ExplanationTable:
    """Facts about every object of B rows and about their last touch, written when they change and looked up at every step.

    Args:
        kinds: of the explanations to give, as in :attr:`~gym_causal.core.explanations.ExplanationSpec.modes`.
        named: the attributes whose values explanations name; without any there are no explanations.
        num_envs: B.
        names_rewarded_attribute: whether a reward explanation in words also names the rewarded attribute.
    """

    def __init__(self, kinds: tuple[str, ...], named: tuple[Attribute, ...], num_envs: int, *, names_rewarded_attribute: bool) -> None:
        self._is_empty = not kinds
        self._named, self._num_envs, self._names_rewarded_attribute = named, num_envs, names_rewarded_attribute
        given = kinds if named else ()
        self._has_properties = explanations.PROPERTIES in given
        self.touch_kind = next((kind for kind in given if kind != explanations.PROPERTIES), explanations.NONE)
        kind_of_object = explanations.PROPERTIES if self._has_properties else explanations.NONE
        # (6,) by slot, as indices into KINDS.
        self._kind_of_slot = np.array(
            [explanations.KIND_INDEX[kind] for kind in (*[kind_of_object] * NUM_OBJECTS, explanations.NONE, self.touch_kind)]
        )
        self._facts = np.full((len(explanations.FIELDS), TOUCH + 1, num_envs), -1, np.int8)  # (9, 6, B)

    def set_properties(self, rows: np.ndarray, features: np.ndarray) -> None:
        """The objects of (n,) rows have these ``features``, (4 attributes, 4 objects, n)."""
        if self._has_properties:
            self._facts[:, :NUM_OBJECTS, rows] = explanations.property_facts(features, self._named)

    def set_touch(self, rows: np.ndarray, facts: np.ndarray) -> None:
        """The last touches in (n,) rows are explained by ``facts`` (9, n)."""
        self._facts[:, TOUCH, rows] = facts

    def explanation(self, rows: np.ndarray, slots: np.ndarray, *, text: bool) -> dict[str, Any]:
        """``info["explanation"]`` of (n,) rows, taken from (n,) ``slots``; ``text`` adds the explanations in words."""
        if self._is_empty:
            explanation: dict[str, Any] = {"kind": np.full(len(rows), explanations.NONE, explanations.KINDS.dtype)}
            if text:
                explanation["text"] = np.full(len(rows), "", object)
            return explanation
        facts = self._facts.reshape(len(explanations.FIELDS), -1).take(slots * self._num_envs + rows, axis=1)  # (9, n)
        kinds = self._kind_of_slot.take(slots)
        explanation = {
            "kind": explanations.KINDS.take(kinds),
            "tokens": explanations.tokens(facts),
            **dict(zip(explanations.FIELDS, facts, strict=True)),
        }
        if text:
            words = np.full(len(rows), "", object)
            for row in np.flatnonzero(kinds):
                words[row] = describe(facts[:, row], names_rewarded_attribute=self._names_rewarded_attribute)
            explanation["text"] = words
        return explanation
