"""Causal attention in bfloat16, against torch's own in float32."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from agents.language.causal_attention import BFLOAT16_CAUSAL
from agents.language.gpt import GPTConfig, make_gpt, make_tokenizer
from tests.agents.language.test_language_training import SMALL

SHAPE = (2, 3, 17, 8)  # batch, heads, positions, width of a head


def attention(query, key, value):
    output, weights = AttentionInterface()[BFLOAT16_CAUSAL](None, query, key, value, None, scaling=0.3)
    assert weights is None
    return output.transpose(1, 2)


def inputs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(SHAPE, generator=generator).bfloat16().float().requires_grad_() for _ in range(3)]


def test_outputs_and_gradients_are_those_of_float32():
    upstream = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1)).bfloat16()
    found, wanted = inputs(), inputs()
    output = attention(*found)
    assert output.dtype == torch.bfloat16
    output.backward(upstream)
    reference = F.scaled_dot_product_attention(*wanted, is_causal=True, scale=0.3)
    reference.backward(upstream.float())
    torch.testing.assert_close(output.float(), reference, atol=0.03, rtol=0.03)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=0.05, rtol=0.05)


def test_no_position_reads_a_later_one():
    query, key, value = inputs()
    before = attention(query, key, value)
    with torch.no_grad():
        key[:, :, 9:] += 5
        value[:, :, 9:] -= 5
    after = attention(query, key, value)
    assert torch.equal(after[:, :, :9], before[:, :, :9]) and not torch.equal(after[:, :, 9:], before[:, :, 9:])


def test_a_model_computes_with_it_what_it_computes_otherwise():
    tokenizer = make_tokenizer(["one two three"])
    model = make_gpt(GPTConfig(**{**vars(SMALL.gpt), "num_layers": 2}), tokenizer, 64, seed=0)
    tokens = torch.randint(0, len(tokenizer), (2, 20), generator=torch.Generator().manual_seed(0))
    logits = []
    for name in ("sdpa", BFLOAT16_CAUSAL):
        model.set_attn_implementation(name)
        with torch.autocast("cpu", torch.bfloat16):
            logits.append(model(input_ids=tokens).logits.float())
    torch.testing.assert_close(*logits, atol=0.02, rtol=0.02)
