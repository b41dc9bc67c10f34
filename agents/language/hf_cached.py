"""The backend "hf-cached": a local model of transformers whose keys and values are kept from request to request.

The prompt is computed once for all games, a game's text once for all its turns, and a beginning that several answers share once for
them all. Scores are those of lm_eval's backend "hf", up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.language.models import GenerationRequest, ScoreRequest
from agents.language.tree_attention import TreeModel
from gym_causal.files import reason

_GROUP = 32
"""Contexts that are computed together: more share more passes, and attend to more keys that are masked."""


class CachedModel:
    """See the module.

    Args:
        model: a causal language model, in eval mode.
        tokenizer: its own.
        max_length: tokens of its context; None: what its configuration says.
        add_bos_token: put the tokenizer's beginning-of-text token before every text; None: what the tokenizer does by itself.
        cache_gb: keys and values are kept up to so many gigabytes.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, max_length: int | None = None, add_bos_token: bool | None = None, cache_gb: float = 2.0
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.max_length = max_length or _max_length(model.config)
        self._window = _attention_window(model.config)
        self._special = {} if add_bos_token is None else {"add_special_tokens": add_bos_token}
        self._cache_bytes = cache_gb * 1e9
        self._computer = TreeModel(model)
        self._computer.check()
        self._known: dict[str, list[int]] = {}  # contexts of the last request -> their tokens

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._encode(text))

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """See :class:`agents.language.models.LanguageModel`."""
        encoded = [self._encode_pair(context, continuation) for context, continuation in requests]
        for context, continuation in encoded:
            self._check_length(len(context) + len(continuation) - 1)
        scores = np.zeros(len(requests))
        for group in _groups([tuple(context) for context, _ in encoded]):
            self._score(group, encoded, scores)
        return scores.tolist()

    def _score(self, group: Sequence[int], encoded: Sequence[tuple[list[int], list[int]]], scores: np.ndarray) -> None:
        """Add the scores of a group of requests, given by their numbers."""
        computer, tree = self._computer, self._computer.tree
        self._make_room([encoded[i][0] for i in group])
        contexts = {tuple(encoded[i][0]): tree.insert(encoded[i][0]) for i in dict.fromkeys(group)}
        size = len(tree)
        targets: dict[int, list[tuple[int, int]]] = {}  # node -> (token after it, request)
        paths = []
        for i in group:
            context, continuation = encoded[i]
            path = tree.insert(continuation[:-1], contexts[tuple(context)])
            paths.append(path)
            for node, token in zip(path[len(context) - 1 :], continuation, strict=True):
                targets.setdefault(node, []).append((token, i))
        for nodes, logits in computer.compute(paths, list(targets)):
            log_probs = torch.log_softmax(logits.float(), dim=-1)
            wanted = [(row, token, i) for row, node in enumerate(nodes.tolist()) for token, i in targets[node]]
            rows, tokens, numbers = (list(column) for column in zip(*wanted, strict=True))
            np.add.at(scores, numbers, log_probs[rows, tokens].double().cpu().numpy())
        tree.truncate(size)  # answers that are not given are not needed again

    @torch.no_grad()
    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """See :class:`agents.language.models.LanguageModel`."""
        encoded = [self._encode_known(request.context) for request in requests]
        for tokens, request in zip(encoded, requests, strict=True):
            self._check_length(len(tokens) + request.max_tokens)
        texts = [""] * len(requests)
        for group in _groups([tuple(tokens) for tokens in encoded]):
            for i, text in zip(group, self._generate([requests[i] for i in group], [encoded[i] for i in group]), strict=True):
                texts[i] = text
        return texts

    def _generate(self, requests: Sequence[GenerationRequest], encoded: Sequence[list[int]]) -> list[str]:
        computer = self._computer
        self._make_room(encoded)
        paths = [computer.tree.insert(tokens) for tokens in encoded]
        last: dict[int, int] = {}  # node -> the likeliest next token
        for nodes, logits in computer.compute(paths, [path[-1] for path in paths]):
            last.update(zip(nodes.tolist(), logits.argmax(dim=-1).tolist(), strict=True))
        past = np.unique(np.concatenate(paths))
        cache = computer.store.read(past)
        mask = np.zeros((len(paths), len(past)), bool)
        for row, path in enumerate(paths):
            mask[row, np.searchsorted(past, path)] = True
        written: list[list[int]] = [[] for _ in paths]
        texts: list[str | None] = [None] * len(paths)
        tokens = [last[path[-1]] for path in paths]
        while True:
            for row, request in enumerate(requests):
                if texts[row] is None:
                    texts[row] = self._finished(written[row], tokens[row], request)
            active = [row for row, text in enumerate(texts) if text is None]
            if not active:
                return [text or "" for text in texts]
            added = np.zeros((len(paths), len(active)), bool)
            added[active, np.arange(len(active))] = True  # each text attends to its own new token
            mask = np.concatenate([mask, added], axis=1)
            positions = [len(encoded[row]) + len(written[row]) - 1 for row in active]
            logits = computer.forward([tokens[row] for row in active], positions, mask[active], cache, np.ones(len(active), bool))
            for row, token in zip(active, logits.argmax(dim=-1).tolist(), strict=True):
                tokens[row] = token

    def _finished(self, written: list[int], token: int, request: GenerationRequest) -> str | None:
        """Add a token to what is written; returns the text once it is complete."""
        end = self.model.generation_config.eos_token_id if self.model.generation_config else self.tokenizer.eos_token_id
        if token in (end if isinstance(end, list) else [end]):
            return self.tokenizer.decode(written, skip_special_tokens=True)
        written.append(token)
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        if request.stop in text:
            return text[: text.index(request.stop)]
        return text if len(written) >= request.max_tokens else None

    def _make_room(self, contexts: Sequence[Sequence[int]]) -> None:
        """Forget texts that are no beginnings of these, if more is stored than allowed."""
        computer = self._computer
        if len(computer.tree) * computer.store.bytes_per_token > self._cache_bytes:
            computer.keep([computer.tree.matched(context) for context in contexts])

    def _check_length(self, length: int) -> None:
        if length > self.max_length:
            raise ValueError(
                f"prompt: {length} tokens with the answer, and the model reads at most {self.max_length}; "
                "take fewer --shots or another model"
            )
        if self._window is not None and length > self._window:
            raise ValueError(
                f"prompt: {length} tokens, and some layers of the model attend to the last {self._window} alone, which hf-cached does not "
                "know; use --model hf"
            )

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, **self._special)

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of both, as lm_eval splits them: spaces between them belong to the continuation."""
        stripped = context.rstrip()
        context, continuation = (stripped, context[len(stripped) :] + continuation) if stripped else (context, continuation)
        tokens = self._encode_known(context)
        if not tokens:
            raise ValueError("context must not be empty")
        return tokens, self._continue(context, tokens, continuation)[len(tokens) :]

    def _encode_known(self, context: str) -> list[int]:
        """The tokens of a context; what it shares with an earlier one is not encoded again."""
        if context not in self._known:
            start = max((known for known in self._known if context.startswith(known)), key=len, default="")
            if len(self._known) >= 4_096:
                self._known.clear()
            tokens = self._continue(start, self._known[start], context[len(start) :]) if start in self._known else self._encode(context)
            self._known[context] = tokens
        return self._known[context]

    def _continue(self, text: str, tokens: list[int], addition: str) -> list[int]:
        """The tokens of ``text + addition``, given those of ``text``.

        Only its last line is encoded again with the addition, where that gives the same tokens; else all of it.
        """
        tail = text[text.rstrip("\n").rfind("\n") + 1 :]
        tail_tokens = self.tokenizer.encode(tail, add_special_tokens=False)
        whole = self.tokenizer.encode(tail + addition, add_special_tokens=False)
        if 0 < len(tail_tokens) < len(tokens) and tokens[-len(tail_tokens) :] == tail_tokens:
            return tokens[: -len(tail_tokens)] + whole
        return self._encode(text + addition)


def _groups(contexts: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """The numbers of requests in groups of at most ``_GROUP`` different contexts."""
    by_context: dict[tuple[int, ...], list[int]] = {}
    for i, context in enumerate(contexts):
        by_context.setdefault(context, []).append(i)
    numbers = list(by_context.values())
    return [[i for part in numbers[start : start + _GROUP] for i in part] for start in range(0, len(numbers), _GROUP)]


def _max_length(config: Any) -> int:
    for name in ("n_positions", "max_position_embeddings", "n_ctx", "max_sequence_length"):
        if isinstance(length := getattr(config, name, None), int):
            return length
    raise ValueError("model: its configuration does not say how long a text it reads; add max_length=TOKENS to --model_args")


def _attention_window(config: Any) -> int | None:
    """To how many tokens some layers attend; None: to all."""
    if not getattr(config, "use_sliding_window", True):
        return None
    windows = [getattr(config, name, None) for name in ("sliding_window", "window_size", "attention_window_size")]
    return min((window for window in windows if isinstance(window, int)), default=None)


def load_cached_model(
    pretrained: str = "",
    *,
    tokenizer: str | None = None,
    device: str | None = None,
    dtype: str = "auto",
    revision: str = "main",
    trust_remote_code: bool = False,
    **options: Any,
) -> CachedModel:
    """Load a model of transformers, from a folder or from where transformers keeps downloaded ones.

    Args:
        pretrained: folder or name of a model.
        tokenizer: folder or name; None: the model's own.
        device: cpu, cuda, ...; None: cuda where there is one.
        dtype: float32, bfloat16, ...
        revision: of a model with a name.
        trust_remote_code: as in transformers.
        options: of :class:`CachedModel`.

    Raises:
        ValueError: no such model or tokenizer, or an unknown option.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging  # noqa: PLC0415 - seconds

    logging.disable_progress_bar()
    if unknown := set(options) - {"max_length", "add_bos_token", "cache_gb"}:
        raise ValueError(f"model_args: hf-cached does not know {', '.join(sorted(unknown))}")
    if not pretrained:
        raise ValueError("model_args must name a model: --model_args pretrained=FOLDER")
    if ("/" in pretrained or os.sep in pretrained) and not Path(pretrained).exists() and pretrained.count("/") != 1:
        raise ValueError(f"model_args: there is no folder {pretrained!r}")
    source = {"revision": revision, "trust_remote_code": trust_remote_code}
    try:
        loaded_tokenizer = AutoTokenizer.from_pretrained(tokenizer or pretrained, **source)
        model: Any = AutoModelForCausalLM.from_pretrained(pretrained, dtype=dtype, **source)
    except Exception as error:  # damaged files make tokenizers and safetensors raise errors of their own
        raise ValueError(f"model_args: no language model with its tokenizer in {pretrained!r}: {reason(error)}") from error
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    return CachedModel(model, loaded_tokenizer, **options)
