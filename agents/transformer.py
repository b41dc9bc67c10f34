"""A Transformer over the steps of an episode, each of them a few tokens; whole episodes at once, or step by step with a memory.

A token sees every token of its own step and of all earlier ones. torch only: nothing here knows what the tokens stand for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Memory:
    """What attention needs of the steps so far, so that a step costs one step's tokens. Each row has its own number of steps.

    Args:
        capacity: the most steps that an episode can have.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.lengths = torch.zeros(0, dtype=torch.long)  # (B,) steps seen
        self._stored: dict[str, Tensor] = {}  # name -> (B, capacity * K, ...)

    def begin(self, rows: Tensor) -> None:
        """Forget what was seen in some rows, (B,) bool."""
        if len(self.lengths) != len(rows):
            self.lengths = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        self.lengths = torch.where(rows, 0, self.lengths)

    @property
    def extent(self) -> int:
        """Steps of the row that has most of them, the present one included."""
        return int(self.lengths.max()) + 1

    def write(self, name: str, new: Tensor) -> Tensor:
        """Add what the present step's tokens have under a name, (B, K, ...); returns it for ``extent`` steps, a row's later ones void."""
        batch, tokens = new.shape[:2]
        if name not in self._stored or len(self._stored[name]) != batch:
            self._stored[name] = new.new_zeros(batch, self.capacity * tokens, *new.shape[2:])
        rows = torch.arange(batch, device=new.device)[:, None]
        self._stored[name][rows, self.lengths[:, None] * tokens + torch.arange(tokens, device=new.device)] = new
        return self._stored[name][:, : self.extent * tokens]


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
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        # [h, r]: how much relation r of a token to another draws the attention of head h.
        self.attraction = nn.Parameter(torch.zeros(num_heads, num_relations)) if num_relations else None

    def forward(self, x: Tensor, hidden: Tensor, relations: Tensor | None, memory: Memory | None, layer: int) -> Tensor:
        """(B, L, W) -> (B, L, W), attending to S tokens: the same ones, or those in memory.

        Args:
            x: the tokens.
            hidden: broadcastable to (B, L, S); minus infinity where a token may not look, else 0.
            relations: (R, B, L, S).
            memory: of the tokens of earlier steps.
            layer: whose entries in memory are this one's.
        """
        queries, keys, values = self.queries_keys_values(x).chunk(3, dim=-1)
        if memory is not None:
            keys, values = memory.write(f"keys {layer}", keys), memory.write(f"values {layer}", values)
        queries, keys, values = (self._by_head(part) for part in (queries, keys, values))
        size = queries.shape[-1]
        bias = hidden.expand(len(x), x.shape[1], keys.shape[1])
        if self.attraction is None:
            bias = bias.repeat(self.num_heads, 1, 1)
        else:
            assert relations is not None
            bias = ((self.attraction @ relations.flatten(1)).unflatten(1, relations.shape[1:]) + bias).flatten(0, 1)
        weights = torch.softmax(torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=size**-0.5), dim=-1)  # (H * B, L, S)
        mixed = torch.bmm(weights, values).unflatten(0, (self.num_heads, len(x)))  # (H, B, L, D)
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

    def forward(self, x: Tensor, hidden: Tensor, relations: Tensor | None, memory: Memory | None, layer: int) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), hidden, relations, memory, layer))
        return x + self.dropout(self.perceptron(self.perceptron_norm(x)))


class Transformer(nn.Module):
    """Blocks, and a last normalisation.

    A token may seek some vectors and offer some, of D numbers each, zeros for none. Attention then prefers tokens that offer what is
    sought, as far as it learns to: its logits get a weighted sum of the inner products of each vector sought and each offered, and of
    whether both tokens are of the same step, with learned weights for each layer and head.

    Args:
        width: W, of a token.
        num_layers: blocks.
        num_heads: H; divides W.
        num_sought: vectors that a token seeks; 0, like ``num_offered``, for attention by queries and keys alone.
        num_offered: vectors that it offers.
        dropout: share of each block's additions that is dropped in training.
    """

    def __init__(
        self, width: int, num_layers: int, num_heads: int, *, num_sought: int = 0, num_offered: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.relations = num_sought * num_offered + 1 if num_sought else 0
        self.blocks = nn.ModuleList(Block(width, num_heads, self.relations, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, sought: Tensor | None = None, offered: Tensor | None = None, memory: Memory | None = None) -> Tensor:
        """(B, T, K, W) -> (B, T, K, W): T steps of K tokens.

        Args:
            x: the tokens.
            sought: (B, T, K, num_sought, D).
            offered: (B, T, K, num_offered, D).
            memory: of the steps before, to which this one is added; T is 1 then. None: these are whole episodes.
        """
        num_steps, num_tokens = x.shape[1:3]
        x = x.flatten(1, 2)
        if memory is None:
            step = torch.arange(num_steps, device=x.device).repeat_interleave(num_tokens)
            now = step[None, :, None]  # (1, L, 1)
        else:
            step = torch.arange(memory.extent, device=x.device).repeat_interleave(num_tokens)
            now = memory.lengths[:, None, None].expand(-1, num_tokens, -1)  # (B, K, 1)
        hidden = torch.zeros(now.shape[0], now.shape[1], len(step), device=x.device).masked_fill_(step > now, -torch.inf)
        relations = None
        if self.relations:
            assert sought is not None and offered is not None
            offered = offered.flatten(1, 2) if memory is None else memory.write("offered", offered.flatten(1, 2))
            same_step = (step == now).to(x.dtype).expand(len(x), -1, -1)
            relations = torch.cat([_inner_products(sought.flatten(1, 2), offered), same_step[None]])
        for layer, block in enumerate(self.blocks):
            x = block(x, hidden, relations, memory, layer)
        if memory is not None:
            memory.lengths = memory.lengths + 1
        return self.norm(x).unflatten(1, (num_steps, num_tokens))


def _inner_products(sought: Tensor, offered: Tensor) -> Tensor:
    """(P * Q, B, L, S), of (B, L, P, D) and (B, S, Q, D)."""
    products = torch.bmm(sought.transpose(1, 2).flatten(1, 2), offered.transpose(1, 2).flatten(1, 2).transpose(1, 2))
    (batch, length, count, _), (_, others, other_count, _) = sought.shape, offered.shape
    return products.reshape(batch, count, length, other_count, others).permute(1, 3, 0, 2, 4).flatten(0, 1)
