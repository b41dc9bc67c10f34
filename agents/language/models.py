"""Language models behind two methods: scores of given continuations, and generated text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gym_causal.extras import needs_extra

CACHED = "hf-cached"
"""Our own backend: a local model of transformers, with cached keys and values."""

SHIPPED = Path(__file__).parents[1] / "pretrained_language_models"
"""Holds a small model for each of some environments, in the folder of its id: ``pretrained=OddOneOutText-v0``."""

ScoreRequest = tuple[str, str]  # context, continuation


@dataclass(frozen=True)
class GenerationRequest:
    """Text to be written greedily.

    Attributes:
        context: what comes before.
        stop: the text ends before this string.
        max_tokens: it ends after so many tokens at the latest.
    """

    context: str
    stop: str = "\n"
    max_tokens: int = 200


class LanguageModel(Protocol):
    """What the player needs of a model.

    Both methods raise a ValueError for a text that is longer than the model's context: nothing is ever cut off. A model that also has
    ``count_tokens(text)`` and ``max_length`` is checked before a run.
    """

    def loglikelihood(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """log p(continuation | context) of each request, summed over the continuation's tokens."""
        ...

    def generate_until(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """The text that the model writes after each context, without the stop."""
        ...


def parse_model_args(text: str) -> dict[str, Any]:
    """lm_eval's form of arguments: ``pretrained=FOLDER,dtype=float32,max_length=2048``.

    Raises:
        ValueError: an entry is no pair NAME=VALUE, or one holds a key: keys are read from the environment alone.
    """
    arguments: dict[str, Any] = {}
    for entry in filter(None, text.split(",")):
        name, equals, value = (part.strip() for part in entry.partition("="))
        if not equals or not name:
            raise ValueError(f"model_args must be pairs NAME=VALUE with commas between them, got {entry!r}")
        if name in ("auth_token", "api_key", "header", "token"):
            raise ValueError(f"model_args must hold no keys, got {name}; set the environment variable OPENAI_API_KEY instead")
        arguments[name] = _parsed(value)
    return arguments


def _parsed(value: str) -> Any:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            pass
    return value


def load_model(name: str, arguments: dict[str, Any]) -> LanguageModel:
    """A model by the name of its backend.

    Args:
        name: "hf-cached", or one that lm_eval knows: hf, vllm, local-completions, openai-completions, local-chat-completions, ...
        arguments: of the backend; see :func:`parse_model_args`.

    Raises:
        ImportError: a package is missing; the message says how to install it.
        ValueError: an unknown backend, a wrong argument, or a model that cannot be used.
        OSError: a folder or a server that does not answer.
    """
    if "pretrained" in arguments:
        arguments = {**arguments, "pretrained": shipped_folder(arguments["pretrained"])}
    if name == CACHED:
        with needs_extra("a language model", "language"):
            import transformers  # noqa: F401, PLC0415

            from agents.language.hf_cached import load_cached_model  # noqa: PLC0415 - torch and transformers take seconds
        return load_cached_model(**arguments)
    with needs_extra(f"model {name!r}", "language"):
        from agents.language.lm_eval_model import load_lm_eval_model  # noqa: PLC0415 - see above
    return load_lm_eval_model(name, arguments)


def shipped_folder(pretrained: Any) -> str:
    """The folder of a shipped model, if ``pretrained`` is the id of an environment that has one; else what was given."""
    folder = SHIPPED / str(pretrained)
    return str(folder if "/" not in str(pretrained) and (folder / "config.json").exists() else pretrained)


_SPEED = ("device", "batch_size", "max_batch_size", "num_concurrent", "max_retries", "timeout", "cache_gb", "gpu_memory_utilization")
"""Arguments of backends that change no answer."""


def fingerprint(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What tells two models apart: backend, arguments and, of a local folder, the sizes and the ends of its files."""
    import hashlib  # noqa: PLC0415

    document: dict[str, Any] = {"model": name, "model_args": {key: value for key, value in arguments.items() if key not in _SPEED}}
    folder = Path(shipped_folder(arguments.get("pretrained", "")))
    if arguments.get("pretrained") and folder.is_dir():
        digest = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            if path.suffix in (".json", ".safetensors", ".bin", ".model"):
                with path.open("rb") as file:
                    size = path.stat().st_size
                    digest.update(f"{path.name} {size}".encode() + file.read(1 << 20))
                    file.seek(max(0, size - (1 << 20)))
                    digest.update(file.read())
        document["files"] = digest.hexdigest()[:16]
    return document
