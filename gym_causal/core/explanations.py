"""What a task's explanations are made of, as data: which modes it has, and how token ids become words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExplanationSpec:
    """The explanations of a task.

    Attributes:
        modes: what ``explain`` accepts -> the kinds of explanation that ``info["explanation"]`` then holds. "none" has no kinds.
        vocabulary: token id -> word. Id 0 is padding.
        num_tokens: L, the length of ``tokens``.
        version: raised whenever a token id changes its meaning; recorded with every file that holds tokens.
    """

    modes: Mapping[str, tuple[str, ...]]
    vocabulary: tuple[str, ...]
    num_tokens: int
    version: int = 1


NO_EXPLANATIONS = ExplanationSpec({"none": ()}, ("",), 0)
"""Of a task that explains nothing."""
