"""Causal attention in bfloat16 for CPUs, as an attention implementation of transformers: ``set_attn_implementation(BFLOAT16_CAUSAL)``.

torch's fused attention has no fast bfloat16 path on CPUs, and transformers' "eager" one computes the softmax in float32, with copies before
and after. Here scores stay bfloat16 in memory (torch's softmax sums in float32), and only the probabilities are kept for the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

BFLOAT16_CAUSAL = "bfloat16_causal"


class _CausalAttention(torch.autograd.Function):
    """Queries, keys and values (N, T, D) bfloat16 -> (N, T, D); position t attends to positions 0..t."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        length = query.shape[1]
        mask = query.new_full((length, length), float("-inf")).triu(1)
        weights = torch.baddbmm(mask, query, key.mT, alpha=scale).softmax(dim=-1)
        ctx.save_for_backward(query, key, value, weights)
        ctx.scale = scale
        return weights @ value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, weights = ctx.saved_tensors
        (of_output,) = gradients
        of_weights = of_output @ value.mT
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        return (of_scores @ key).mul_(ctx.scale), (of_scores.mT @ query).mul_(ctx.scale), weights.mT @ of_output, None


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """What transformers calls: (B, H, T, D) each -> (B, T, H, D); with as many heads of keys and values as of queries, without dropout."""
    shape = query.shape
    with torch.autocast("cpu", enabled=False):
        query, key, value = (x.bfloat16().reshape(-1, *shape[2:]) for x in (query, key, value))
        output: Tensor = _CausalAttention.apply(query, key, value, scaling)
    return output.view(shape).transpose(1, 2).contiguous(), None


def _no_mask(*_: Any, **__: Any) -> None:
    """The mask that transformers makes for this implementation: none, for it is causal."""


AttentionInterface.register(BFLOAT16_CAUSAL, _attention)
AttentionMaskInterface.register(BFLOAT16_CAUSAL, _no_mask)
