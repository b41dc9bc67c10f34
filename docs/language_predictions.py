"""Which token of a text a language model takes to be the likeliest next one, wherever it has read what comes before."""

from __future__ import annotations

from typing import Any

import torch


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
