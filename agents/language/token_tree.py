"""Tokens of many texts as one tree, in which every shared beginning is stored, and computed, once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class TokenTree:
    """A tree of tokens. A node's number is larger than its parent's, so their order is one in which they can be computed.

    Attributes:
        tokens: of each node.
        depths: of each node: how many tokens come before it.
        computed: of each node, whether its keys and values are stored.
    """

    def __init__(self) -> None:
        self._children: dict[tuple[int, int], int] = {}  # (parent, token) -> node; parent -1: at the beginning
        self._keys: list[tuple[int, int]] = []  # node -> its key in _children
        self.tokens: list[int] = []
        self.depths: list[int] = []
        self.computed: list[bool] = []

    def __len__(self) -> int:
        return len(self.tokens)

    def insert(self, tokens: Sequence[int], path: Sequence[int] = ()) -> list[int]:
        """Add a text; returns its path, one node for each token.

        Args:
            tokens: of the text, or of its rest.
            path: nodes of what comes before.
        """
        path = list(path)
        parent = path[-1] if path else -1
        for token in tokens:
            key = (parent, token)
            node = self._children.get(key)
            if node is None:
                node = self._children[key] = len(self.tokens)
                self._keys.append(key)
                self.tokens.append(token)
                self.depths.append(len(path))
                self.computed.append(False)
            path.append(node)
            parent = node
        return path

    def matched(self, tokens: Sequence[int]) -> list[int]:
        """The path of the longest beginning of a text that is stored."""
        path: list[int] = []
        parent = -1
        for token in tokens:
            node = self._children.get((parent, token))
            if node is None:
                break
            path.append(node)
            parent = node
        return path

    def truncate(self, size: int) -> None:
        """Drop all nodes but the first ``size``."""
        for key in self._keys[size:]:
            del self._children[key]
        for entries in (self._keys, self.tokens, self.depths, self.computed):
            del entries[size:]

    def keep(self, nodes: np.ndarray) -> None:
        """Drop all nodes but these, (n,) ints in ascending order that hold every kept node's parent; they are numbered anew."""
        new = {-1: -1, **{int(node): i for i, node in enumerate(nodes)}}
        self._keys = [(new[self._keys[node][0]], self._keys[node][1]) for node in nodes]
        self._children = {key: node for node, key in enumerate(self._keys)}
        self.tokens = [self.tokens[node] for node in nodes]
        self.depths = [self.depths[node] for node in nodes]
        self.computed = [self.computed[node] for node in nodes]


def attention_columns(paths: Sequence[np.ndarray], new: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What new nodes attend to.

    Args:
        paths: of each new node, its ancestors and itself.
        new: (Q,) ints, these nodes.
        size: of the tree.

    Returns:
        The ancestors that are not new, (P,) ints in ascending order, and a mask (Q, P + Q) bool: which of those, and of the new nodes,
        each new node attends to.
    """
    needed = np.zeros(size, bool)
    for path in paths:
        needed[path] = True
    needed[new] = False
    past = np.flatnonzero(needed)
    column = np.full(size, -1)
    column[past] = np.arange(len(past))
    column[new] = len(past) + np.arange(len(new))
    mask = np.zeros((len(new), len(past) + len(new)), bool)
    for row, path in enumerate(paths):
        mask[row, column[path]] = True
    return past, mask
