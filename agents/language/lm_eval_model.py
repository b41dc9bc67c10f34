"""Any model of EleutherAI's lm_eval: local ones, and servers with OpenAI's interface. Only its model layer is used."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import metadata
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model
from lm_eval.models import MODEL_MAPPING

from agents.language.models import GenerationRequest, ScoreRequest

_CHAT_INSTRUCTION = (
    "\n\n(Continue the last game with the player's next line alone, in exactly the form of the lines above. Write nothing else.)"
)


class LMEvalModel:
    """A model of lm_eval behind the two methods of :class:`agents.language.models.LanguageModel`.

    Args:
        lm: of lm_eval.
        name: of its backend, for messages.
        chat: it answers messages: it generates text and scores none.
    """

    def __init__(self, lm: Any, name: str, *, chat: bool) -> None:
        self.lm, self.name, self.chat = lm, name, chat
        self._is_server = hasattr(lm, "base_url")
        # Of a chat model the server alone knows how long a text it reads, and says so.
        self.max_length = None if chat or getattr(lm, "tokenizer", None) is None else getattr(lm, "max_length", None)
        if self._is_server and not chat:
            lm.parse_logprobs = _checked(lm.parse_logprobs)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text; of a model without a tokenizer here, an estimate."""
        if self.chat or getattr(self.lm, "tokenizer", None) is None:
            return -(-len(text) // 4)
        return len(self.lm.tok_encode(text))

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """See :class:`agents.language.models.LanguageModel`."""
        if self.chat:
            raise ValueError(f"model {self.name!r} answers messages and scores no text; use --answers generate")
        for context, continuation in requests:
            self._check_length(context, continuation)
        instances = [Instance(request_type="loglikelihood", doc={}, arguments=request, idx=0) for request in requests]
        with self._reported():
            return [float(score) for score, _ in self.lm.loglikelihood(instances)]

    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """See :class:`agents.language.models.LanguageModel`."""
        instances = []
        for request in requests:
            self._check_length(request.context, "", request.max_tokens)
            options = {"until": [request.stop], "max_gen_toks": request.max_tokens, "do_sample": False, "temperature": 0.0}
            arguments = (self._message(request.context), options)
            instances.append(Instance(request_type="generate_until", doc={}, arguments=arguments, idx=0))
        with self._reported():
            texts = self.lm.generate_until(instances)
        return [text.lstrip("\n").split(request.stop)[0] for text, request in zip(texts, requests, strict=True)]

    def _message(self, context: str) -> Any:
        if not self.chat:
            return context
        return self.lm.apply_chat_template([{"role": "user", "content": context + _CHAT_INSTRUCTION}])

    def _check_length(self, context: str, continuation: str, generated: int = 0) -> None:
        """Raise a ValueError for a text that lm_eval would cut off, with no more than a warning."""
        if self.max_length is None:
            return
        length = self.count_tokens(context + continuation) + generated
        if length > self.max_length:
            raise ValueError(
                f"prompt: {length} tokens with the answer, and the model reads at most {self.max_length}; take fewer --shots, "
                "or say max_length=TOKENS in --model_args if the model reads more"
            )

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """Errors as one line; lm_eval's own progress bars are not shown."""
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                yield
        except AssertionError as error:
            raise ValueError(f"model {self.name!r} refused a request: {error or 'a token spans context and answer'}") from error
        except OSError as error:
            where = f"the server {self.lm.base_url}" if self._is_server else f"model {self.name!r}"
            raise ConnectionError(f"no answer from {where}: {_first_line(error)}") from error


def _checked(parse: Callable[..., Any]) -> Callable[..., Any]:
    """lm_eval's parser of log-probabilities, for answers that hold them.

    Some servers ignore ``echo`` and return the last token's only. All answers would get the score 0, and a model would seem to guess.
    """

    def parsed(outputs: Any, tokens: Any = None, ctxlens: Any = None, **options: Any) -> Any:
        answers = [choice for output in (outputs if isinstance(outputs, list) else [outputs]) for choice in output["choices"]]
        for answer, prompt in zip(answers, tokens, strict=True):
            found = (answer.get("logprobs") or {}).get("token_logprobs") or []
            if len(found) != len(prompt) + 1 or any(value is None for value in found[1:]):
                raise ValueError(
                    f"model: the server returned {len(found)} log-probabilities for a prompt of {len(prompt)} tokens instead of "
                    f"{len(prompt) + 1}: it does not score prompts (echo with logprobs), or has another tokenizer; use --answers generate"
                )
        return parse(outputs=outputs, tokens=tokens, ctxlens=ctxlens, **options)

    return parsed


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]


def load_lm_eval_model(name: str, arguments: dict[str, Any]) -> LMEvalModel:
    """A model of lm_eval; a server is asked for one answer, to see that it gives a usable one.

    Raises:
        ValueError: an unknown name, wrong arguments, a missing key, or a server whose answers cannot be used.
        ConnectionError: a server that does not answer.
    """
    if name not in MODEL_MAPPING:
        raise ValueError(f"model must be hf-cached or one of lm_eval's ({', '.join(sorted(MODEL_MAPPING))}), got {name!r}")
    if name.startswith("local-") and "base_url" not in arguments:
        raise ValueError(f"model {name!r} needs the server's address: --model_args base_url=http://HOST:PORT/v1/...,model=NAME")
    if name.startswith("openai-") and not os.environ.get("OPENAI_API_KEY"):
        raise ValueError(f"model {name!r} needs a key in the environment variable OPENAI_API_KEY")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    if "base_url" in arguments:  # else lm_eval asks the server for its tokenizer first, for 15 seconds if there is none
        chat = "chat" in name
        arguments = {"tokenizer_backend": None if chat else "huggingface", **arguments}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            lm = get_model(name)(**arguments)
    except ImportError as error:
        has_extra = name in (metadata("lm_eval").get_all("Provides-Extra") or [])
        how = f'; pip install "lm_eval[{name}]"' if has_extra else ""
        raise ImportError(f"model {name!r} needs another package: {_first_line(error)}{how}", name=error.name) from error
    except (OSError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise ValueError(f"model {name!r} with these --model_args cannot be loaded: {_first_line(error)}") from error
    model = LMEvalModel(lm, name, chat="chat" in name)
    if hasattr(lm, "base_url"):
        if model.chat:
            model.generate_until([GenerationRequest("A\nB\n", max_tokens=4)])
        else:
            model.loglikelihood([("A\nB\n", "C")])
    return model
