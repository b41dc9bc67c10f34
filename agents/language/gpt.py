"""A small language model and its tokenizer, in the format of transformers: any command that takes a checkpoint takes these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gym_causal.arguments import check_integer
from gym_causal.files import read_json

WEIGHTS = "model.safetensors"

END = "<|endoftext|>"
_VOCABULARY = 1_024  # at most; the games have about a hundred words
# Words with the space before them, single digits, single line breaks: a sentence is encoded alike wherever it stands.
_PIECES = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]|\n|\s+"


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The size of a small model with Llama's architecture. (Its rotary positions make it easy to compare words that are far apart.)"""

    width: int = 128
    num_layers: int = 4
    num_heads: int = 4

    def __post_init__(self) -> None:
        for name in ("width", "num_layers", "num_heads"):
            check_integer(name, getattr(self, name), 1, 10**5)
        if self.width % (2 * self.num_heads):
            raise ValueError(f"num_heads must divide half the width, {self.width // 2}, got {self.num_heads}")


def make_tokenizer(texts: Iterable[str]) -> Any:
    """A byte-level BPE tokenizer, learned from texts: frequent words become single tokens, digits stay single, any text can be encoded.

    Args:
        texts: to learn from.

    Returns:
        A ``transformers.PreTrainedTokenizerFast``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415 - an extra
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - seconds

    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_PIECES), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    special = {"eos_token": END, "bos_token": END, "pad_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)


def make_gpt(config: GPTConfig, tokenizer: Any, context: int, seed: int) -> Any:
    """A model with freshly drawn weights, as a ``transformers.LlamaForCausalLM``.

    Args:
        config: its size.
        tokenizer: whose tokens it reads.
        context: tokens that it reads at most.
        seed: of the weights.
    """
    import torch  # noqa: PLC0415 - seconds
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 - seconds

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=-(-len(tokenizer) // 64) * 64,  # a multiple of 64 is faster
                hidden_size=config.width,
                intermediate_size=2 * config.width,
                num_hidden_layers=config.num_layers,
                num_attention_heads=config.num_heads,
                max_position_embeddings=context,
                tie_word_embeddings=True,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )


def load_tokenizer(folder: Path) -> Any:
    """The ``transformers.PreTrainedTokenizerFast`` of a saved model; see :func:`check_saved_gpt`."""
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - seconds

    return PreTrainedTokenizerFast.from_pretrained(folder)


def load_weights(model: Any, folder: Path) -> None:
    """Give a model of :func:`make_gpt` the weights of a saved one of the same size; see :func:`check_saved_gpt`.

    Raises:
        ValueError: a damaged file, or one that does not hold the weights of this model.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - an extra
    from safetensors.torch import load_file  # noqa: PLC0415 - seconds

    try:
        found = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(f"init: {str(folder / WEIGHTS)!r} cannot be read as the weights of this model: {error}") from error
    if different := {*found.missing_keys, *found.unexpected_keys} - {"lm_head.weight"}:  # tied to the embedding, and not saved
        raise ValueError(f"init: {str(folder / WEIGHTS)!r} has other weights than this model: {', '.join(sorted(different))}")


def check_saved_gpt(folder: Path, config: GPTConfig) -> None:
    """Raise a ValueError unless a folder holds a model of :func:`make_gpt`, of the size of ``config``, and its tokenizer."""
    if missing := [name for name in ("config.json", "tokenizer.json", WEIGHTS) if not (folder / name).exists()]:
        raise ValueError(f"init must be the folder of a trained model, got {str(folder)!r}, which lacks {', '.join(missing)}")
    found = read_json(folder / "config.json")
    wanted = {
        "model_type": "llama",
        "hidden_size": config.width,
        "intermediate_size": 2 * config.width,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
    }
    if not isinstance(found, dict):
        raise ValueError(f"init: {str(folder / 'config.json')!r} is not the configuration of a model")
    if different := [f"{name} is {found.get(name)!r}, not {value!r}" for name, value in wanted.items() if found.get(name) != value]:
        raise ValueError(f"init must be the folder of a model of the same size, got {str(folder)!r} ({'; '.join(different)})")
