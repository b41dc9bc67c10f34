"""A file of every request to a model and its answer. A killed run reads it and asks nothing twice."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from agents.language.models import GenerationRequest, LanguageModel, ScoreRequest
from gym_causal.files import reason

_CHUNK = 32
"""Contexts that are asked for at once, and lost at most when a run is killed."""
Item = TypeVar("Item")


class RequestLog:
    """Lines of JSON: the model, prompts (the beginnings that many contexts share), and requests with their answers.

    Each line ends with a checksum of itself, so that no changed answer is taken for the model's. (Lines of older versions have none.)

    Args:
        path: of the file; an existing one is continued. None: nothing is written.
        model: what tells this model from others.

    Raises:
        ValueError: the file is of another model, or no such file.
    """

    def __init__(self, path: Path | None, model: dict[str, Any]) -> None:
        self.path = path
        self.scores: dict[tuple[str, str, str], float] = {}  # (prompt, rest of the context, continuation) -> answer
        self.texts: dict[tuple[str, str, str, int], str] = {}  # (prompt, rest of the context, stop, most tokens) -> answer
        self._prompts: set[str] = set()
        if path is None or not path.exists():
            self._append([{"kind": "model", **model}])
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:  # the last line of a killed run
            path.write_bytes(whole)
        try:
            lines = [_checked(json.loads(line)) for line in whole.splitlines()]
            if not lines:
                self._append([{"kind": "model", **model}])
            elif (found := {key: value for key, value in lines[0].items() if key != "kind"}) != model:
                raise ValueError(f"out: {str(path)!r} holds the answers of another model, {found}; choose another folder")
            self._read(lines[1:])
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError, _Damaged) as error:
            raise ValueError(f"out: {str(path)!r} is no log of requests: {reason(error)}") from error

    def _read(self, lines: Sequence[dict[str, Any]]) -> None:
        for line in lines:
            if line["kind"] == "prompt":
                self._prompts.add(line["prompt"])
            elif line["kind"] == "loglikelihood":
                for continuation, score in zip(line["continuations"], line["scores"], strict=True):
                    self.scores[line["prompt"], line["context"], continuation] = score
            else:
                self.texts[line["prompt"], line["context"], line["stop"], line["max_tokens"]] = line["text"]

    def add_prompt(self, text: str) -> str:
        """The id of a prompt, which is written once."""
        prompt = hashlib.sha256(text.encode()).hexdigest()[:16]
        if prompt not in self._prompts:
            self._prompts.add(prompt)
            self._append([{"kind": "prompt", "prompt": prompt, "text": text}])
        return prompt

    def add_scores(self, prompt: str, contexts: dict[str, list[tuple[str, float]]]) -> None:
        """Scores of continuations, (continuation, score), by the rest of their context."""
        self.scores.update({(prompt, rest, text): score for rest, pairs in contexts.items() for text, score in pairs})
        self._append(
            {
                "kind": "loglikelihood",
                "prompt": prompt,
                "context": rest,
                "continuations": [text for text, _ in pairs],
                "scores": [score for _, score in pairs],
            }
            for rest, pairs in contexts.items()
        )

    def add_texts(self, prompt: str, requests: Sequence[GenerationRequest], rests: Sequence[str], texts: Sequence[str]) -> None:
        """Generated texts."""
        lines = []
        for request, rest, text in zip(requests, rests, texts, strict=True):
            self.texts[prompt, rest, request.stop, request.max_tokens] = text
            about = {"stop": request.stop, "max_tokens": request.max_tokens, "text": text}
            lines.append({"kind": "generate_until", "prompt": prompt, "context": rest, **about})
        self._append(lines)

    def _append(self, lines: Any) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(_text({**line, "crc32": _crc32(line)}) + "\n" for line in lines))


class _Damaged(Exception):
    """A line whose checksum is another one."""


def _checked(line: dict[str, Any]) -> dict[str, Any]:
    """A line without its checksum, if it has one, after comparing it."""
    if (stated := line.pop("crc32", None)) not in (None, _crc32(line)):
        raise _Damaged(f"a line has the checksum {_crc32(line)}, and says {stated}")
    return line


def _crc32(line: dict[str, Any]) -> int:
    return zlib.crc32(_text(line).encode())


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False)


class LoggedModel:
    """A model that answers from a log what it was asked before, and logs the rest, in chunks.

    Args:
        model: that is asked.
        log: of its answers.
        prompt: the beginning of all contexts.
        on_answers: called after each chunk with the number of answers.
    """

    def __init__(self, model: LanguageModel, log: RequestLog, prompt: str, on_answers: Callable[[int], None] = lambda _: None) -> None:
        self.model, self.log, self.prompt, self._on_answers = model, log, prompt, on_answers
        self._id = log.add_prompt(prompt)

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """See :class:`agents.language.models.LanguageModel`."""
        keys = [(self._id, self._rest(context), continuation) for context, continuation in requests]
        by_context: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            if key not in self.log.scores:
                by_context.setdefault(key[1], []).append(key[2])
        self._on_answers(len({key[1] for key in keys}) - len(by_context))
        for part in _chunks(list(by_context)):
            pairs = [(rest, continuation) for rest in part for continuation in by_context[rest]]
            answers = iter(self.model.loglikelihood([(self.prompt + rest, continuation) for rest, continuation in pairs]))
            self.log.add_scores(self._id, {rest: [(text, next(answers)) for text in by_context[rest]] for rest in part})
            self._on_answers(len(part))
        return [self.log.scores[key] for key in keys]

    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """See :class:`agents.language.models.LanguageModel`."""
        keys = [(self._id, self._rest(request.context), request.stop, request.max_tokens) for request in requests]
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in self.log.texts}
        self._on_answers(len(keys) - len(missing))
        for part in _chunks(list(missing)):
            asked = [missing[key] for key in part]
            self.log.add_texts(self._id, asked, [key[1] for key in part], self.model.generate_until(asked))
            self._on_answers(len(part))
        return [self.log.texts[key] for key in keys]

    def _rest(self, context: str) -> str:
        """What follows the prompt."""
        if not context.startswith(self.prompt):
            raise ValueError(f"context must begin with the prompt, got {context[:80]!r}")
        return context[len(self.prompt) :]


def _chunks(items: list[Item]) -> Iterator[list[Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
