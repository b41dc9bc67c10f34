"""Causal attention in bfloat16 for CPUs, as an attention implementation of transformers: ``set_attn_implementation(BFLOAT16_CAUSAL)``.

torch's fused attention has no fast bfloat16 path on CPUs, and transformers' "eager" one computes the softmax in float32, with copies before
and after. Here scores stay bfloat16 in memory (torch's softmax sums in float32), and only the probabilities are kept for the backward
pass. Queries are computed in blocks, each with the keys up to its end, which saves nearly half of the work on long texts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

BFLOAT16_CAUSAL = "bfloat16_causal"
_BLOCK = 128  # queries; 64 to 256 take about as long


class _CausalAttention(torch.autograd.Function):
    """Queries, keys and values (N, T, D) bfloat16 -> (N, T, D); position t attends to positions 0..t."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        output = torch.empty_like(query)
        weights = []
        for start, end in _blocks(query.shape[1]):
            mask = query.new_full((end - start, end), float("-inf")).triu(1 + start)
            weights.append(torch.baddbmm(mask, query[:, start:end], key[:, :end].mT, alpha=scale).softmax(dim=-1))
            output[:, start:end] = weights[-1] @ value[:, :end]
        ctx.save_for_backward(query, key, value, *weights)
        ctx.scale = scale
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, *weights = ctx.saved_tensors
        of_query, of_key, of_value = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
        for (start, end), block in zip(_blocks(query.shape[1]), weights, strict=True):
            of_output = gradients[0][:, start:end]
            of_scores = torch.ops.aten._softmax_backward_data(of_output @ value[:, :end].mT, block, -1, block.dtype)
            of_query[:, start:end] = of_scores @ key[:, :end]
            of_key[:, :end] += of_scores.mT @ query[:, start:end]
            of_value[:, :end] += block.mT @ of_output
        return of_query.mul_(ctx.scale), of_key.mul_(ctx.scale), of_value, None


def _blocks(length: int) -> list[tuple[int, int]]:
    """The first query of each block and the one after its last."""
    return [(start, min(start + _BLOCK, length)) for start in range(0, length, _BLOCK)]


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
