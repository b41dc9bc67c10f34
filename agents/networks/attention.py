"""A Transformer over the steps of an episode, each of them K tokens: whole episodes at once, or step by step with a cache.

A token attends to every token of its own step and of earlier ones, up to ``context`` steps. Nothing here knows what tokens stand for.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agents.networks.kv_cache import KVCache


class Attention(nn.Module):
    """Multi-head attention with a learned bias: logits = queries @ keys / sqrt(D) + bias_weight @ attention_bias.

    Args:
        width: W, of a token.
        num_heads: H; divides W.
        num_biases: R, known quantities of each pair of tokens that may bias the logits; 0: none.
    """

    def __init__(self, width: int, num_heads: int, num_biases: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv_projection = nn.Linear(width, 3 * width)
        self.output_projection = nn.Linear(width, width)
        self.bias_weight = nn.Parameter(torch.zeros(num_heads, num_biases)) if num_biases else None

    def forward(
        self, x: Tensor, query_index: Tensor, attention_mask: Tensor, attention_bias: Tensor | None, cache: KVCache | None, layer: int
    ) -> Tensor:
        """(B, L, W) -> (B, Q, W), of the Q tokens that are queries. Keys are the L tokens, or all that are cached: S.

        Args:
            x: the tokens.
            query_index: (Q,) int; which of the L tokens are queries.
            attention_mask: (1 or B, Q, S) float; minus infinity where a query may not attend to a key, else 0.
            attention_bias: (R, B, Q, S).
            cache: of the tokens of earlier steps.
            layer: names this layer's entries in the cache.
        """
        queries, keys, values = (part.unflatten(-1, (self.num_heads, -1)) for part in self._projections(x, query_index))
        if cache is not None:
            keys, values = cache.append(f"keys {layer}", keys), cache.append(f"values {layer}", values)
        queries, keys, values = (_merge_heads_and_rows(part) for part in (queries, keys, values))
        mask = attention_mask.expand(len(x), -1, -1)  # (B, Q, S)
        if self.bias_weight is None:
            mask = mask.repeat(self.num_heads, 1, 1)
        else:
            assert attention_bias is not None
            bias = (self.bias_weight @ attention_bias.flatten(1)).unflatten(1, attention_bias.shape[1:])  # (H, B, Q, S)
            mask = (bias + mask).flatten(0, 1)
        # Not F.scaled_dot_product_attention: on a CPU it has no fused kernel for a mask with gradients. Updates of the default agent take
        # 1.13 times as long with it (docs/performance.md, python -m benchmarks.attention).
        weights = torch.softmax(torch.baddbmm(mask, queries, keys.transpose(1, 2), alpha=queries.shape[-1] ** -0.5), dim=-1)
        attended = torch.bmm(weights, values).unflatten(0, (self.num_heads, len(x)))  # (H, B, Q, D)
        return self.output_projection(attended.permute(1, 2, 0, 3).flatten(2))

    def _projections(self, x: Tensor, query_index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, Q, W), keys and values (B, L, W)."""
        if len(query_index) == x.shape[1]:
            queries, keys, values = self.qkv_projection(x).chunk(3, dim=-1)
            return queries, keys, values
        width, (weight, bias) = x.shape[-1], (self.qkv_projection.weight, self.qkv_projection.bias)
        keys, values = F.linear(x, weight[width:], bias[width:]).chunk(2, dim=-1)
        return F.linear(x[:, query_index], weight[:width], bias[:width]), keys, values


class Block(nn.Module):
    """Attention, then an MLP for each token, both residual (pre-norm)."""

    def __init__(self, width: int, num_heads: int, num_biases: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads, num_biases)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, query_index: Tensor, attention_mask: Tensor, attention_bias: Tensor | None, cache: KVCache | None, layer: int
    ) -> Tensor:
        """(B, L, W) -> (B, Q, W), of the tokens that are queries; see :class:`Attention`."""
        attended = self.attention(self.attention_norm(x), query_index, attention_mask, attention_bias, cache, layer)
        x = self.dropout(attended) + (x[:, query_index] if len(query_index) < x.shape[1] else x)
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Transformer(nn.Module):
    """Blocks and a final layer norm.

    Attention logits may get a learned bias, a weighted sum with weights for each layer and head of

    * the inner products of each of a query's ``bias_queries`` with each of a key's ``bias_keys``, vectors of D numbers, and
    * whether the key is of the query's own step, of the one before, and so on.

    Args:
        width: W, of a token.
        num_layers: blocks.
        num_heads: H; divides W.
        context: steps that a token attends to: its own and those before.
        num_bias_queries: P vectors of each query; 0, like ``num_bias_keys``: no inner products.
        num_bias_keys: P' vectors of each key.
        num_recent: how many of the last steps the bias tells apart; 0: none.
        num_outputs: how many of each step's tokens are returned, the first ones; None: all. The last block computes no others.
        dropout: share of each residual branch that is dropped in training.
    """

    def __init__(
        self,
        width: int,
        num_layers: int,
        num_heads: int,
        *,
        context: int,
        num_bias_queries: int = 0,
        num_bias_keys: int = 0,
        num_recent: int = 0,
        num_outputs: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.context, self.num_recent, self.num_outputs = context, num_recent, num_outputs
        self.compares = num_bias_queries > 0
        num_biases = num_bias_queries * num_bias_keys + num_recent
        self.blocks = nn.ModuleList(Block(width, num_heads, num_biases, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        bias_queries: Tensor | None = None,
        bias_keys: Tensor | None = None,
        *,
        key_padding_mask: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """(B, T, K, W) -> (B, T, K, W), or (B, T, num_outputs, W): T steps of K tokens.

        Args:
            x: the tokens.
            bias_queries: (B, T, K, P, D).
            bias_keys: (B, T, K, P', D).
            key_padding_mask: (B, T, K) bool; tokens that no token attends to. Not with a cache.
            cache: of the steps before, to which this step is appended; T is 1 then. None: whole episodes.
        """
        num_steps, num_tokens = x.shape[1:3]
        x = x.flatten(1, 2)
        ago = _steps_ago(num_steps, num_tokens, cache, x.device)  # (1 or B, L, S)
        masked = (ago < 0) | (ago >= self.context)
        if cache is not None:
            masked |= ago > cache.positions[:, None, None]  # empty slots
        if key_padding_mask is not None:
            assert cache is None
            masked = masked | key_padding_mask.flatten(1)[:, None]
        attention_mask = torch.zeros(masked.shape, dtype=x.dtype, device=x.device).masked_fill_(masked, -torch.inf)
        attention_bias = self._attention_bias(len(x), ago, x.dtype, bias_queries, bias_keys, cache)
        all_tokens = torch.arange(x.shape[1], device=x.device)
        for layer, block in enumerate(self.blocks):
            query_index = all_tokens
            if self.num_outputs is not None and layer == len(self.blocks) - 1:
                query_index = all_tokens.unflatten(0, (num_steps, num_tokens))[:, : self.num_outputs].flatten()
                attention_mask = attention_mask[:, query_index]
                attention_bias = None if attention_bias is None else attention_bias[:, :, query_index]
            x = block(x, query_index, attention_mask, attention_bias, cache, layer)
        if cache is not None:
            cache.advance()
        return self.norm(x).unflatten(1, (num_steps, -1))

    def _attention_bias(
        self, batch: int, ago: Tensor, dtype: torch.dtype, bias_queries: Tensor | None, bias_keys: Tensor | None, cache: KVCache | None
    ) -> Tensor | None:
        """(R, B, L, S) what the attention logits' bias is a weighted sum of; None: nothing."""
        parts = []
        if self.compares:
            assert bias_queries is not None and bias_keys is not None
            bias_queries, bias_keys = bias_queries.flatten(1, 2), bias_keys.flatten(1, 2)
            parts.append(_inner_products(bias_queries, bias_keys if cache is None else cache.append("bias_keys", bias_keys)))
        if self.num_recent:
            parts.append(torch.stack([(ago == steps).to(dtype).expand(batch, -1, -1) for steps in range(self.num_recent)]))
        return torch.cat(parts) if parts else None


def _steps_ago(num_steps: int, num_tokens: int, cache: KVCache | None, device: torch.device) -> Tensor:
    """(1 or B, L, S) int64; how many steps before the query's the key's is."""
    if cache is None:
        step = torch.arange(num_steps, device=device).repeat_interleave(num_tokens)
        return step[None, :, None] - step[None, None]
    key_step = cache.key_positions().repeat_interleave(num_tokens, dim=1)
    return (cache.positions[:, None] - key_step)[:, None].expand(-1, num_tokens, -1)


def _merge_heads_and_rows(x: Tensor) -> Tensor:
    """(B, S, H, D) -> (H * B, S, D); of what is cached, a view: copying it would take more than half the time of a step in a room."""
    return x.permute(2, 0, 1, 3).flatten(0, 1)


def _inner_products(bias_queries: Tensor, bias_keys: Tensor) -> Tensor:
    """(P * P', B, L, S), of (B, L, P, D) and (B, S, P', D)."""
    products = torch.bmm(bias_queries.transpose(1, 2).flatten(1, 2), bias_keys.transpose(1, 2).flatten(1, 2).transpose(1, 2))
    (batch, length, count, _), (_, others, other_count, _) = bias_queries.shape, bias_keys.shape
    return products.reshape(batch, count, length, other_count, others).permute(1, 3, 0, 2, 4).flatten(0, 1)
