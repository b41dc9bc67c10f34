"""A task's explanations as data: which modes it has, and which word each token id stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExplanationSpec:
    """The explanations of a task, in one of its modes.

    Attributes:
        modes: each accepted value of the argument ``explain`` -> the values of ``info["explanation"]["kind"]`` that it leads to, "none"
            aside. Where two statements are made at once, their kinds are joined by "+".
        vocabulary: token id -> word. Id 0 is padding.
        num_tokens: L, the length of ``tokens``.
        version: raised whenever a token id changes its meaning; recorded in every file that holds tokens.
        starts: the indices in ``tokens`` at which a statement begins, the first of them 0. A statement that is not made is padding; one
            that is made has another first token.
    """

    modes: Mapping[str, tuple[str, ...]]
    vocabulary: tuple[str, ...]
    num_tokens: int
    version: int = 1
    starts: tuple[int, ...] = (0,)


NO_EXPLANATIONS = ExplanationSpec({"none": ()}, ("",), 0)
"""The spec of a task without explanations."""
