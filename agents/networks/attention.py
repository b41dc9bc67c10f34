"""A Transformer over the steps of an episode, each of them a few tokens; whole episodes at once, or step by step with a memory.

A token sees every token of its own step and of all earlier ones. torch only: nothing here knows what the tokens stand for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agents.networks.kv_cache import KVCache


class Attention(nn.Module):
    """Multi-head attention, whose logits may also be moved by known relations between tokens.

    Args:
        width: W, of a token.
        num_heads: H; divides W.
        num_relations: R; 0: there are none.
    """

    def __init__(self, width: int, num_heads: int, num_relations: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv_projection = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        # [h, r]: how much relation r of a token to another draws the attention of head h.
        self.bias_weight = nn.Parameter(torch.zeros(num_heads, num_relations)) if num_relations else None

    def forward(self, x: Tensor, looking: Tensor, hidden: Tensor, relations: Tensor | None, memory: KVCache | None, layer: int) -> Tensor:
        """(B, L, W) -> (B, Q, W), of the tokens that look, attending to S tokens: the same L, or those in memory.

        Args:
            x: the tokens.
            looking: (Q,) which of the L tokens look.
            hidden: broadcastable to (B, Q, S); minus infinity where a token may not look, else 0.
            relations: (R, B, Q, S).
            memory: of the tokens of earlier steps.
            layer: whose entries in memory are this one's.
        """
        queries, keys, values = self.qkv_projection(x).chunk(3, dim=-1)
        if len(looking) < x.shape[1]:
            queries = queries[:, looking]
        if memory is not None:
            keys, values = memory.write(f"keys {layer}", keys), memory.write(f"values {layer}", values)
        queries, keys, values = (self._by_head(part) for part in (queries, keys, values))
        size = queries.shape[-1]
        bias = hidden.expand(len(x), len(looking), keys.shape[1])
        if self.bias_weight is None:
            bias = bias.repeat(self.num_heads, 1, 1)
        else:
            assert relations is not None
            bias = ((self.bias_weight @ relations.flatten(1)).unflatten(1, relations.shape[1:]) + bias).flatten(0, 1)
        weights = torch.softmax(torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=size**-0.5), dim=-1)  # (H * B, Q, S)
        mixed = torch.bmm(weights, values).unflatten(0, (self.num_heads, len(x)))  # (H, B, Q, D)
        return self.output(mixed.permute(1, 2, 0, 3).flatten(2))

    def _by_head(self, x: Tensor) -> Tensor:
        """(B, S, W) -> (H * B, S, D)"""
        return x.unflatten(-1, (self.num_heads, -1)).permute(2, 0, 1, 3).flatten(0, 1)


class Block(nn.Module):
    """Attention, then a perceptron for each token; both add to the token (pre-norm)."""

    def __init__(self, width: int, num_heads: int, num_relations: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads, num_relations)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, looking: Tensor, hidden: Tensor, relations: Tensor | None, memory: KVCache | None, layer: int) -> Tensor:
        """(B, L, W) -> (B, Q, W), of the tokens that look; see :class:`Attention`."""
        found = self.dropout(self.attention(self.attention_norm(x), looking, hidden, relations, memory, layer))
        x = found + (x[:, looking] if len(looking) < x.shape[1] else x)
        return x + self.dropout(self.perceptron(self.perceptron_norm(x)))


class Transformer(nn.Module):
    """Blocks, and a last normalisation.

    A token may seek some vectors and offer some, of D numbers each, zeros for none. Attention then prefers tokens that offer what is
    bias_queries, as far as it learns to: its logits get a weighted sum of the inner products of each vector bias_queries and each bias_keys, and of
    whether the other token is of the same step, of the one before, and so on, with learned weights for each layer and head.

    Args:
        width: W, of a token.
        num_layers: blocks.
        num_heads: H; divides W.
        context: how many steps a token sees: its own and those before.
        num_bias_queries: vectors that a token seeks; 0, like ``num_bias_keys``, for attention by queries and keys alone.
        num_bias_keys: vectors that it offers.
        num_recent: how many of the last steps are told apart by how long ago they were; only where vectors are bias_queries.
        num_outputs: how many of each step's tokens come out, the first ones; None: all. The last block saves itself the others.
        dropout: share of each block's additions that is dropped in training.
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
        num_recent: int = 1,
        num_outputs: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.context, self.num_recent, self.num_outputs = context, num_recent, num_outputs
        self.relations = num_bias_queries * num_bias_keys + num_recent if num_bias_queries else 0
        self.blocks = nn.ModuleList(Block(width, num_heads, self.relations, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        bias_queries: Tensor | None = None,
        bias_keys: Tensor | None = None,
        *,
        absent: Tensor | None = None,
        memory: KVCache | None = None,
    ) -> Tensor:
        """(B, T, K, W) -> (B, T, K, W), or fewer tokens: T steps of K tokens.

        Args:
            x: the tokens.
            bias_queries: (B, T, K, num_bias_queries, D).
            bias_keys: (B, T, K, num_bias_keys, D).
            absent: (B, T, K) bool; tokens that stand for nothing, which nobody sees; not with a memory.
            memory: of the steps before, to which this one is added; T is 1 then. None: these are whole episodes.
        """
        num_steps, num_tokens = x.shape[1:3]
        x = x.flatten(1, 2)
        if memory is None:
            step = torch.arange(num_steps, device=x.device).repeat_interleave(num_tokens)
            now, step = step[None, :, None], step[None, None]  # (1, L, 1), (1, 1, S)
        else:
            step = memory.steps().repeat_interleave(num_tokens, dim=1)[:, None]  # (B, 1, S)
            now = memory.lengths[:, None, None].expand(-1, num_tokens, -1)  # (B, K, 1)
        unseen = (step > now) | (step < 0) | (step <= now - self.context)
        if absent is not None:
            assert memory is None
            unseen = unseen | absent.flatten(1)[:, None]
        hidden = torch.zeros(unseen.shape, device=x.device).masked_fill_(unseen, -torch.inf)
        relations = None
        if self.relations:
            assert bias_queries is not None and bias_keys is not None
            bias_keys = bias_keys.flatten(1, 2) if memory is None else memory.write("bias_keys", bias_keys.flatten(1, 2))
            recent = [(now - step == ago).to(x.dtype).expand(len(x), -1, -1) for ago in range(self.num_recent)]
            relations = torch.cat([_inner_products(bias_queries.flatten(1, 2), bias_keys), torch.stack(recent)])
        everyone = torch.arange(x.shape[1], device=x.device)
        for layer, block in enumerate(self.blocks):
            looking = everyone
            if self.num_outputs is not None and layer == len(self.blocks) - 1:
                looking = everyone.unflatten(0, (num_steps, num_tokens))[:, : self.num_outputs].flatten()
                hidden = hidden[:, looking]
                relations = None if relations is None else relations[:, :, looking]
            x = block(x, looking, hidden, relations, memory, layer)
        if memory is not None:
            memory.end_step()
        return self.norm(x).unflatten(1, (num_steps, -1))


def _inner_products(bias_queries: Tensor, bias_keys: Tensor) -> Tensor:
    """(P * Q, B, L, S), of (B, L, P, D) and (B, S, Q, D)."""
    products = torch.bmm(bias_queries.transpose(1, 2).flatten(1, 2), bias_keys.transpose(1, 2).flatten(1, 2).transpose(1, 2))
    (batch, length, count, _), (_, others, other_count, _) = bias_queries.shape, bias_keys.shape
    return products.reshape(batch, count, length, other_count, others).permute(1, 3, 0, 2, 4).flatten(0, 1)
