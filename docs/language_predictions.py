"""Which token of a text a trained language model takes to be the likeliest next one, wherever it has read what comes before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from language_model_folders import ModelFolder, model_folders
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.language.conditions import Condition, named_condition
from agents.language.training import TRAINING
from gym_causal.files import read_json


class TrainedModel(NamedTuple):
    """One model, loaded."""

    folder: ModelFolder
    training: dict[str, Any]  # its configuration
    condition: Condition  # of its texts
    model: Any
    tokenizer: Any


def trained_models(results: Path) -> Iterator[TrainedModel]:
    """The models of texts with reasoning in a folder, one at a time."""
    torch.set_num_threads(1)  # texts are short: more threads only wait for each other
    for folder in model_folders(results, "config.json"):
        training = read_json(folder.path / TRAINING)
        condition = named_condition(training["condition"])
        if condition.reasoning:
            model, tokenizer = AutoModelForCausalLM.from_pretrained(folder.path).eval(), AutoTokenizer.from_pretrained(folder.path)
            yield TrainedModel(folder, training, condition, model, tokenizer)


class Predictions:
    """The predictions of a model in one text.

    Args:
        model: of transformers.
        tokenizer: its own.
        text: that it reads.
    """

    def __init__(self, model: Any, tokenizer: Any, text: str) -> None:
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        self._tokenizer, self._ids, self._ends = tokenizer, encoded["input_ids"][0], encoded["offset_mapping"][0, :, 1]
        with torch.no_grad():
            self._predicted = model(input_ids=encoded["input_ids"]).logits[0].argmax(-1)

    def is_right(self, start: int) -> bool:
        """Whether the token that holds the character at ``start`` is the likeliest."""
        place = self._place(start)
        return bool(self._predicted[place - 1] == self._ids[place])

    def are_right(self, start: int, end: int) -> bool:
        """Whether all tokens of the characters from ``start`` to ``end`` are the likeliest."""
        return all(self.is_right(character) for character in range(start, end))

    def word(self, start: int) -> str:
        """The likeliest token in place of the one that holds the character at ``start``."""
        return self._tokenizer.decode([int(self._predicted[self._place(start) - 1])]).strip()

    def _place(self, start: int) -> int:
        return int((self._ends > start).nonzero()[0])
