"""A small GPT and its tokenizer, in the format of transformers: any command that takes a checkpoint takes these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

END = "<|endoftext|>"
_VOCABULARY = 1_024  # at most; the games have about a hundred words
# Words with the space before them, single digits, single line breaks: a sentence is encoded alike wherever it stands.
_PIECES = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]|\n|\s+"


@dataclass(frozen=True)
class GPTConfig:
    """The size of a GPT-2. Its context is what texts need, see :mod:`agents.language.train`."""

    width: int = 128
    num_layers: int = 4
    num_heads: int = 4
    context: int = 512


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
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, bos_token=END, pad_token=END, clean_up_tokenization_spaces=False)


def make_gpt(config: GPTConfig, tokenizer: Any, seed: int) -> Any:
    """A GPT-2 with freshly drawn weights, as a ``transformers.GPT2LMHeadModel``."""
    import torch  # noqa: PLC0415 - seconds
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415 - seconds

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=-(-len(tokenizer) // 64) * 64,  # a multiple of 64 is faster
                n_positions=config.context,
                n_embd=config.width,
                n_layer=config.num_layers,
                n_head=config.num_heads,
                # Every game is new, so there is nothing to overfit.
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
