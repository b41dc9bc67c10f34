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

    def write(self, name: str, new: Tensor) -> Tensor:
        """Add what the present step's tokens have under a name, (B, K, ...); returns it for all ``capacity`` steps, later ones void."""
        batch, tokens = new.shape[:2]
        if name not in self._stored or len(self._stored[name]) != batch:
            self._stored[name] = new.new_zeros(batch, self.capacity * tokens, *new.shape[2:])
        rows = torch.arange(batch, device=new.device)[:, None]
        self._stored[name][rows, self.lengths[:, None] * tokens + torch.arange(tokens, device=new.device)] = new
        return self._stored[name]


class Attention(nn.Module):
    """Multi-head attention, which may also weigh how alike the mentions of two tokens are.

    Args:
        width: W, of a token.
        num_heads: H; divides W.
        num_roles: R, of mentions; 0: there are none.
    """

    def __init__(self, width: int, num_heads: int, num_roles: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        # [h, r * R + s]: how much a token seeks those that mention in role s what it mentions itself in role r.
        self.match = nn.Parameter(torch.zeros(num_heads, num_roles**2)) if num_roles else None

    def forward(self, x: Tensor, hidden: Tensor, likeness: Tensor | None, memory: Memory | None, layer: int) -> Tensor:
        """(B, L, W) -> (B, L, W), attending to S tokens: the same ones, or those in memory.

        Args:
            x: the tokens.
            hidden: broadcastable to (B, L, S); minus infinity where a token may not look, else 0.
            likeness: (R * R, B, L, S) of mentions.
            memory: of the tokens of earlier steps.
            layer: whose entries in memory are this one's.
        """
        queries, keys, values = self.queries_keys_values(x).chunk(3, dim=-1)
        if memory is not None:
            keys, values = memory.write(f"keys {layer}", keys), memory.write(f"values {layer}", values)
        queries, keys, values = (self._by_head(part) for part in (queries, keys, values))
        size = queries.shape[-1]
        bias = hidden.expand(len(x), x.shape[1], keys.shape[1])
        if self.match is None:
            bias = bias.repeat(self.num_heads, 1, 1)
        else:
            assert likeness is not None
            bias = ((self.match @ likeness.flatten(1)).unflatten(1, likeness.shape[1:]) + bias).flatten(0, 1)
        weights = torch.softmax(torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=size**-0.5), dim=-1)  # (H * B, L, S)
        mixed = torch.bmm(weights, values).unflatten(0, (self.num_heads, len(x)))  # (H, B, L, D)
        return self.output(mixed.permute(1, 2, 0, 3).flatten(2))

    def _by_head(self, x: Tensor) -> Tensor:
        """(B, S, W) -> (H * B, S, D)"""
        return x.unflatten(-1, (self.num_heads, -1)).permute(2, 0, 1, 3).flatten(0, 1)


class Block(nn.Module):
    """Attention, then a perceptron for each token; both add to the token (pre-norm)."""

    def __init__(self, width: int, num_heads: int, num_roles: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads, num_roles)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, hidden: Tensor, likeness: Tensor | None, memory: Memory | None, layer: int) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), hidden, likeness, memory, layer))
        return x + self.dropout(self.perceptron(self.perceptron_norm(x)))


class Transformer(nn.Module):
    """Blocks, and a last normalisation.

    A token may mention things: in each of R roles, one vector of D numbers, or none (zeros). Attention then prefers tokens that mention
    the same thing, as far as it learns to: its logits get a weighted sum of the inner products of the mentions of the two tokens, with
    a learned weight for each head and pair of roles.

    Args:
        width: W, of a token.
        num_layers: blocks.
        num_heads: H; divides W.
        num_roles: R; 0: tokens mention nothing.
        dropout: share of each block's additions that is dropped in training.
    """

    def __init__(self, width: int, num_layers: int, num_heads: int, num_roles: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, num_heads, num_roles, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, mentions: Tensor | None = None, memory: Memory | None = None) -> Tensor:
        """(B, T, K, W) -> (B, T, K, W): T steps of K tokens.

        Args:
            x: the tokens.
            mentions: (B, T, K, R, D); what they mention.
            memory: of the steps before, to which this one is added; T is 1 then. None: these are whole episodes.
        """
        steps = x.shape[1:3]
        x, mentions = x.flatten(1, 2), None if mentions is None else mentions.flatten(1, 2)
        hidden = _hidden_future(steps[0], steps[1], x.device) if memory is None else _hidden_void(memory, steps[1])
        likeness = None if mentions is None else _likeness(mentions, mentions if memory is None else memory.write("mentions", mentions))
        for layer, block in enumerate(self.blocks):
            x = block(x, hidden, likeness, memory, layer)
        if memory is not None:
            memory.lengths = memory.lengths + 1
        return self.norm(x).unflatten(1, steps)


def _likeness(mine: Tensor, theirs: Tensor) -> Tensor:
    """(R * R, B, L, S) inner products of what L tokens and S tokens mention, (B, L, R, D) and (B, S, R, D), for all pairs of roles."""
    (batch, tokens, roles, _), others = mine.shape, theirs.shape[1]
    products = torch.bmm(mine.transpose(1, 2).flatten(1, 2), theirs.transpose(1, 2).flatten(1, 2).transpose(1, 2))
    return products.reshape(batch, roles, tokens, roles, others).permute(1, 3, 0, 2, 4).flatten(0, 1)


def _hidden_future(steps: int, tokens: int, device: torch.device) -> Tensor:
    """(T * K, T * K); 0 where a token may look, minus infinity at those of later steps."""
    step = torch.arange(steps, device=device).repeat_interleave(tokens)
    return torch.zeros(len(step), len(step), device=device).masked_fill_(step[:, None] < step, -torch.inf)


def _hidden_void(memory: Memory, tokens: int) -> Tensor:
    """(B, 1, capacity * K); minus infinity at the tokens of steps after the present one."""
    step = torch.arange(memory.capacity, device=memory.lengths.device).repeat_interleave(tokens)
    hidden = torch.zeros(len(memory.lengths), len(step), device=step.device)
    return hidden.masked_fill_(step > memory.lengths[:, None], -torch.inf)[:, None]
