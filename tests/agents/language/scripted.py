"""A language model whose answers are a function of the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.language.models import GenerationRequest, ScoreRequest


class ScriptedModel:
    """Scores and texts from functions; it remembers what it was asked.

    Args:
        score: (context, continuation) -> score.
        write: context -> text.
    """

    def __init__(
        self, score: Callable[[str, str], float] = lambda context, continuation: 0.0, write: Callable[[str], str] = lambda context: " So."
    ) -> None:
        self._score, self._write = score, write
        self.scored: list[ScoreRequest] = []
        self.written: list[GenerationRequest] = []

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        self.scored += requests
        return [self._score(context, continuation) for context, continuation in requests]

    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        self.written += requests
        return [self._write(request.context) for request in requests]


def reads_explanations(context: str, continuation: str) -> float:
    """An expert that knows the game from its text: it tries what is not ruled out, and chooses what is unique in what was rewarded."""
    game = context[context.rfind("New game.") :]
    dimensions = ("color", "shape", "texture")
    tried = [line.split(" into a different ")[1].split(":")[0] for line in game.splitlines() if line.startswith("I transform")]
    results = ["was rewarded!" in line for line in game.splitlines() if line.startswith("Choosing")]
    rewarded = [dimension for dimension, result in zip(tried, results, strict=True) if result]
    possible = rewarded[:1] or [dimension for dimension in dimensions if dimension not in tried] or list(dimensions)
    if continuation.startswith("I transform"):
        return float(continuation.endswith(possible[0]))
    objects = [line[3:].split() for line in game.splitlines() if line[1:3] == ") "][-3:]
    values = [each[dimensions.index(possible[0])] for each in objects]
    chosen = "ABC".index(continuation.split("object ")[1][0])
    return float(values.count(values[chosen]) == 1)
