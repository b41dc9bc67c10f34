"""A Transformer over the steps of an episode, each of them a few tokens; whole episodes at once, or step by step with a memory.

A token sees every token of its own step and of all earlier ones. torch only: nothing here knows what the tokens stand for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Addresses:
    """What attention may match beside its learned queries and keys: for each role, the vector that a token mentions in it.

    A query and a key attract each other by the inner product of what they mention, weighted by learned numbers, one for each head and
    pair of roles. ("My variable is the one that was set here", say.)
    """

    mentions: Tensor  # (B, T, K, R, D): D numbers in each of R roles


class Memory:
    """Keys and values of the steps so far, so that a step costs one step's tokens. Each row has its own number of steps.

    Args:
        num_layers: of the Transformer.
        capacity: the most steps an episode can have.
    """

    def __init__(self, num_layers: int, capacity: int) -> None:
        self.capacity = capacity
        self.keys: list[Tensor] = [torch.empty(0)] * num_layers  # (B, H, capacity * K, D) each, once the first step was seen
        self.values: list[Tensor] = [torch.empty(0)] * num_layers
        self.lengths = torch.zeros(0, dtype=torch.long)  # (B,) steps seen

    def begin(self, rows: Tensor) -> None:
        """Forget what was seen in some rows, (B,) bool."""
        if len(self.lengths) != len(rows):
            self.lengths = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        self.lengths = torch.where(rows, 0, self.lengths)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add a step's keys and values, (B, H, K, D) each; returns those of all ``capacity`` steps, of which later ones are noise."""
        num_rows, num_heads, tokens, _ = keys.shape
        for stored, new in ((self.keys, keys), (self.values, values)):
            if len(stored[layer]) != num_rows:
                stored[layer] = new.new_zeros(num_rows, num_heads, self.capacity * tokens, new.shape[-1])
        places = self.lengths[:, None] * tokens + torch.arange(tokens, device=keys.device)  # (B, K)
        for stored, new in ((self.keys[layer], keys), (self.values[layer], values)):
            stored.scatter_(2, places[:, None, :, None].expand_as(new), new)
        return self.keys[layer], self.values[layer]


class Attention(nn.Module):
    """Multi-head attention whose queries and keys also match by addresses.

    Args:
        width: W, of a token.
        num_heads: H; divides W.
        num_roles: R, of the addresses; 0: plain attention.
    """

    def __init__(self, width: int, num_heads: int, num_roles: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        # [h, r, s]: how much a query that mentions in role r seeks a key that mentions the same in role s.
        self.match = nn.Parameter(torch.zeros(num_heads, num_roles, num_roles)) if num_roles else None

    def forward(self, x: Tensor, addresses: Addresses | None, hidden: Tensor, memory: Memory | None, layer: int) -> Tensor:
        batch, steps, tokens, width = x.shape
        heads, size = self.num_heads, width // self.num_heads
        queries, keys, values = (
            self.queries_keys_values(x).reshape(batch, steps * tokens, 3, heads, size).permute(2, 0, 3, 1, 4)
        )  # (B, H, T * K, D) each
        queries = queries * size**-0.5
        if self.match is not None:
            assert addresses is not None
            mentions = addresses.mentions.flatten(1, 2)  # (B, T * K, R, D')
            sought = torch.einsum("hrs,blrd->bhlsd", self.match, mentions).flatten(3)
            queries = torch.cat([queries, sought], dim=-1)
            keys = torch.cat([keys, mentions.flatten(2)[:, None].expand(-1, heads, -1, -1)], dim=-1)
        if memory is not None:
            keys, values = memory.write(layer, keys, values)
        weights = torch.softmax(queries @ keys.transpose(-1, -2) + hidden, dim=-1)  # (B, H, T * K, all tokens)
        return self.output((weights @ values).transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """Attention, then a perceptron for each token; both add to the token (pre-norm)."""

    def __init__(self, width: int, num_heads: int, num_roles: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads, num_roles)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, addresses: Addresses | None, hidden: Tensor, memory: Memory | None, layer: int) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), addresses, hidden, memory, layer))
        return x + self.dropout(self.perceptron(self.perceptron_norm(x)))


class Transformer(nn.Module):
    """Blocks, and a last normalisation.

    Args:
        width: W, of a token.
        num_layers: blocks.
        num_heads: H; divides W.
        num_roles: R, of the addresses; 0: none.
        dropout: share of each block's additions that is dropped in training.
    """

    def __init__(self, width: int, num_layers: int, num_heads: int, num_roles: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, num_heads, num_roles, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def memory(self, capacity: int) -> Memory:
        """An empty memory of episodes of up to ``capacity`` steps."""
        return Memory(len(self.blocks), capacity)

    def forward(self, x: Tensor, addresses: Addresses | None = None, memory: Memory | None = None) -> Tensor:
        """(B, T, K, W) -> (B, T, K, W). With a memory T is 1: the step after those that it holds, which is added to it."""
        hidden = _hidden_future(x) if memory is None else _hidden_unwritten(x, memory)
        for layer, block in enumerate(self.blocks):
            x = block(x, addresses, hidden, memory, layer)
        if memory is not None:
            memory.lengths = memory.lengths + 1
        return self.norm(x)


def _hidden_future(x: Tensor) -> Tensor:
    """(T * K, T * K); 0 where a token may look, minus infinity at those of later steps."""
    step = torch.arange(x.shape[1], device=x.device).repeat_interleave(x.shape[2])
    return torch.zeros(len(step), len(step), device=x.device).masked_fill_(step[:, None] < step, -torch.inf)


def _hidden_unwritten(x: Tensor, memory: Memory) -> Tensor:
    """(B, 1, 1, capacity * K); minus infinity at the tokens of steps after the present one."""
    step = torch.arange(memory.capacity, device=x.device).repeat_interleave(x.shape[2])
    hidden = torch.zeros(len(x), len(step), device=x.device).masked_fill_(step > memory.lengths[:, None], -torch.inf)
    return hidden[:, None, None]
