"""What an experiment would ask, without a model: games, requests and tokens, for an estimate of its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agents.language.conditions import named_condition
from agents.language.experiment import Experiment, effort
from agents.language.models import GenerationRequest, ScoreRequest
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL

_CHARACTERS_PER_TOKEN = 4.0


class CountingModel:
    """Counts what it is asked. It scores all alike, and writes what it is given.

    Args:
        explanations: label -> an explanation.
        answer: what it writes where no label stands.
    """

    def __init__(self, explanations: dict[str, str], answer: str) -> None:
        self._explanations, self._answer = explanations, answer
        self.requests = self.characters_read = self.characters_written = 0

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """0 for all."""
        self.requests += len(requests)
        self.characters_read += sum(len(context) + len(continuation) for context, continuation in requests)
        return [0.0] * len(requests)

    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """An explanation for a context that ends with its label, else the answer."""
        labels = self._explanations
        texts = [next((labels[label] for label in labels if request.context.endswith(label)), self._answer) for request in requests]
        self.requests += len(requests)
        self.characters_read += sum(len(request.context) for request in requests)
        self.characters_written += sum(map(len, texts))
        return texts


def describe(experiment: Experiment, name: str, arguments: dict[str, Any]) -> str:
    """The estimate, and the first prompt, in words."""
    longest = {label: "" for label in (REASONING_LABEL, OUTCOME_LABEL)}
    conditions = [named_condition(name) for name in experiment.conditions]
    games = [game for condition in conditions for game in experiment.example_games(condition)[:8]]
    for game in games:
        for turn in game.turns:
            longest[REASONING_LABEL] = max(longest[REASONING_LABEL], turn.reasoning, key=len)
            longest[OUTCOME_LABEL] = max(longest[OUTCOME_LABEL], turn.outcome_explanation, key=len)
    explanations = {label.rstrip(): f" {text}" for label, text in longest.items()}
    model = CountingModel(explanations, games[0].turns[0].action)
    for condition in conditions:
        selected = experiment.select_prompt(condition, lambda _: model)
        experiment.evaluate(condition, selected.text, lambda _: model, lambda *_: None)
    condition = conditions[0]
    prompt = experiment.candidate_prompts(condition)[0]
    ratio, source = characters_per_token(prompt, name, arguments)
    planned = effort(experiment)
    read, written = (round(characters / ratio) for characters in (model.characters_read, model.characters_written))
    lines = (
        f"{planned.games:,} games, {planned.answers:,} answers in {model.requests:,} requests",
        f"{read:,} tokens to read if every request is sent in full, {written:,} to write ({source})",
        "hf-cached, and servers that keep common beginnings, read each prompt once instead",
        f"the first of {experiment.num_candidates(condition)} prompts of {condition.name!r}, {round(len(prompt) / ratio):,} tokens:",
        "",
        prompt,
    )
    return "\n".join(lines)


def characters_per_token(text: str, name: str, arguments: dict[str, Any]) -> tuple[float, str]:
    """Of the model's own tokenizer where it is at hand, else a common value; and which of them."""
    source = arguments.get("tokenizer") or arguments.get("pretrained")
    if source and Path(str(source)).is_dir() and text:
        encode = _tokenizer(str(source))
        return len(text) / max(1, len(encode(text))), "counted with the model's tokenizer"
    return _CHARACTERS_PER_TOKEN, f"estimated: {_CHARACTERS_PER_TOKEN:.0f} characters a token"


def _tokenizer(source: str) -> Callable[[str], list[int]]:
    from transformers import AutoTokenizer  # noqa: PLC0415 - seconds

    return AutoTokenizer.from_pretrained(source).encode
