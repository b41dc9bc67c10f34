"""Puts the explanation of a state together: facts, token ids and words, as far as the mode has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gym_causal.core.task import constant
from gym_causal.odd_one_out.explanations import NONE, OUTCOME
from gym_causal.odd_one_out.reasoning import REASONING
from gym_causal.odd_one_out_text import explanations, wording
from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.explanations import MODES, REASONING_FIELDS, Facts

_KIND_DTYPE = "<U17"  # of the longest, "outcome+reasoning"


class Explainer:
    """The explanations that a game's arguments ask for."""

    def __init__(self, config: OddOneOutTextConfig) -> None:
        self._config, self._kinds, self._words = config, MODES[config.explain], config.words

    def explain(
        self, count: int, outcome: Callable[[], Facts], reasoning: Callable[[], Facts], objects: Callable[[], np.ndarray], *, text: bool
    ) -> dict[str, Any]:
        """``info["explanation"]`` of (n,) states.

        Args:
            count: n.
            outcome: gives the facts of the last outcomes; called if the mode explains them.
            reasoning: gives the facts of the reasoning about the coming trials; likewise.
            objects: gives (n, O, D + F) int, the objects' values; called if reasoning is put into words.
            text: also put them into words.
        """
        parts: list[tuple[Facts, np.ndarray, np.ndarray]] = []  # facts, tokens and whether there is an explanation
        words: list[np.ndarray] = []
        if OUTCOME in self._kinds:
            facts = outcome()
            parts.append((facts, explanations.outcome_tokens(facts, self._words.dimensions), facts["statement"] >= 0))
            words += [self.describe_outcomes(facts)] if text else []
        if REASONING in self._kinds:
            facts = reasoning()
            parts.append((facts, explanations.reasoning_tokens(facts, self._words), facts["intention"] >= 0))
            words += [self.describe_reasoning(facts, objects())] if text else []
        kinds = [np.where(given, kind, "") for kind, (_, _, given) in zip(self._kinds, parts, strict=True)]
        explanation: dict[str, Any] = {"kind": constant(count, NONE).astype(_KIND_DTYPE)}
        if parts:
            explanation["kind"] = _kind(kinds)
            explanation |= {name: fact for facts, _, _ in parts for name, fact in facts.items()}
            explanation["tokens"] = np.concatenate([tokens for _, tokens, _ in parts], axis=1)
        if text:
            explanation["text"] = _joined(words, count)
        return explanation

    def describe_outcomes(self, facts: Facts) -> np.ndarray:
        """(n,) object; outcome explanations in words."""
        texts = constant(len(facts["statement"]), "")
        for row, (statement, dimension) in enumerate(zip(facts["statement"].tolist(), facts["dimension"].tolist(), strict=True)):
            texts[row] = wording.describe_outcome(statement, dimension, self._words.dimensions)
        return texts

    def describe_reasoning(self, facts: Facts, objects: np.ndarray | None = None) -> np.ndarray:
        """(n,) object; reasoning in words. Descriptions of objects are part of it only where ``objects``, (n, O, D + F) int, are given."""
        texts = constant(len(facts["belief"]), "")
        columns = zip(*(facts[name].tolist() for name in REASONING_FIELDS), strict=True)
        for row, values in enumerate(columns):
            named = dict(zip(REASONING_FIELDS, values, strict=True))
            belief = facts["belief"][row]
            seen = None if objects is None else objects[row]
            texts[row] = wording.describe_reasoning(belief, named, self._config, seen)
        return texts

    def describe_tokens(self, tokens: np.ndarray) -> list[str]:
        """n explanations in words, of tokens (n, L) that need not make sense; what does not is left out."""
        words, first = [], 0
        if OUTCOME in self._kinds:
            first = explanations.NUM_OUTCOME_TOKENS
            words.append(self.describe_outcomes(explanations.facts_of_outcome(tokens[:, :first], self._words.dimensions)))
        if REASONING in self._kinds:
            words.append(self.describe_reasoning(explanations.facts_of_reasoning(tokens[:, first:], self._words)))
        return list(_joined(words, len(tokens)))


def _kind(kinds: list[np.ndarray]) -> np.ndarray:
    """(n,) str; the kinds of each explanation, joined by "+"; "" in ``kinds`` stands for none."""
    both = kinds[0]
    if len(kinds) > 1:
        both = np.where(kinds[1] == "", kinds[0], np.where(kinds[0] == "", kinds[1], f"{OUTCOME}+{REASONING}"))
    return np.where(both == "", NONE, both).astype(_KIND_DTYPE)


def _joined(parts: list[np.ndarray], count: int) -> np.ndarray:
    texts = constant(count, "")
    for row, words in enumerate(zip(*parts, strict=True)):
        texts[row] = " ".join(filter(None, words))
    return texts
