"""A local causal model that computes trees of tokens: one forward pass for many texts, with stored keys and values."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from agents.language.token_tree import TokenTree, attention_columns

_FIRST_CAPACITY = 4_096  # tokens


class KeyValueStore:
    """Keys and values of the nodes of a tree: for each layer two tensors (H, capacity, D) that grow."""

    def __init__(self) -> None:
        self._tensors: list[tuple[Tensor, Tensor]] = []  # of each layer

    @property
    def bytes_per_token(self) -> int:
        """0 before anything is stored."""
        return sum(tensor[:, 0].numel() * tensor.element_size() for pair in self._tensors for tensor in pair)

    def read(self, nodes: np.ndarray) -> DynamicCache:
        """A cache of some nodes, (P,) ints, as of one text."""
        cache = DynamicCache()
        if len(nodes):
            for layer, (keys, values) in enumerate(self._tensors):
                index = torch.as_tensor(nodes, device=keys.device)
                cache.update(keys[:, index][None], values[:, index][None], layer)
        return cache

    def write(self, nodes: np.ndarray, cache: DynamicCache) -> None:
        """Store the last entries of a cache, those of ``nodes``, (Q,) ints."""
        layers: list[Any] = cache.layers
        new = [(layer.keys[0, :, -len(nodes) :], layer.values[0, :, -len(nodes) :]) for layer in layers]
        if not self._tensors:
            self._tensors = [tuple(x.new_empty(x.shape[0], _FIRST_CAPACITY, x.shape[2]) for x in pair) for pair in new]
        while nodes.max() >= self._tensors[0][0].shape[1]:
            self._tensors = [tuple(torch.cat([x, torch.empty_like(x)], dim=1) for x in pair) for pair in self._tensors]  # type: ignore[misc]
        index = torch.as_tensor(nodes, device=new[0][0].device)
        for stored, added in zip(self._tensors, new, strict=True):
            for target, source in zip(stored, added, strict=True):
                target.index_copy_(1, index, source)

    def keep(self, nodes: np.ndarray) -> None:
        """Drop all but these nodes, which are numbered anew."""
        if self._tensors:
            index = torch.as_tensor(nodes, device=self._tensors[0][0].device)
            self._tensors = [tuple(x[:, index].clone() for x in pair) for pair in self._tensors]  # type: ignore[misc]
            if not len(nodes):
                self._tensors = []


class TreeModel:
    """Computes the nodes of a :class:`TokenTree` with a model of transformers.

    Args:
        model: a causal one whose only memory is keys and values, with positions that it is given. :meth:`check` finds out.
        chunk: nodes that are computed at once.
    """

    def __init__(self, model: Any, chunk: int = 512) -> None:
        self.model, self.chunk = model, chunk
        self.tree, self.store = TokenTree(), KeyValueStore()
        accepted = inspect.signature(model.forward).parameters
        self._cache_argument = "past_key_values" if "past_key_values" in accepted else "cache"
        self._keeps_logits = "logits_to_keep" in accepted

    def keep(self, paths: Sequence[Sequence[int]]) -> None:
        """Forget all nodes but those of some paths that are computed."""
        nodes = np.unique(np.concatenate([np.asarray(path, int) for path in paths] or [np.zeros(0, int)]))
        computed = np.asarray(self.tree.computed, bool)
        nodes = nodes[computed[nodes]]
        self.tree.keep(nodes)
        self.store.keep(nodes)

    def compute(self, paths: Sequence[Sequence[int]], wanted: Sequence[int]) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Compute what is new on some paths.

        Args:
            paths: of texts.
            wanted: nodes on them whose logits are wanted; those are computed again if they were computed before.

        Yields:
            Wanted nodes, (n,) ints, and their logits (n, V).
        """
        is_wanted = np.zeros(len(self.tree), bool)
        is_wanted[list(wanted)] = True
        place: dict[int, np.ndarray] = {}  # node to compute -> the path to it
        for path in paths:
            nodes = np.asarray(path, int)
            for depth in np.flatnonzero(is_wanted[nodes] | ~np.asarray([self.tree.computed[node] for node in path])):
                place.setdefault(int(nodes[depth]), nodes[: depth + 1])
        order = np.array(sorted(place), int)
        for start in range(0, len(order), self.chunk):
            new = order[start : start + self.chunk]
            past, mask = attention_columns([place[node] for node in new.tolist()], new, len(self.tree))
            cache = self.store.read(past)
            logits = self.forward(
                [self.tree.tokens[node] for node in new], [self.tree.depths[node] for node in new], mask, cache, is_wanted[new]
            )
            self.store.write(new, cache)
            for node in new.tolist():
                self.tree.computed[node] = True
            if is_wanted[new].any():
                yield new[is_wanted[new]], logits

    @torch.no_grad()
    def forward(self, tokens: Sequence[int], positions: Sequence[int], mask: np.ndarray, cache: DynamicCache, wanted: np.ndarray) -> Tensor:
        """Logits (n, V) of the ``wanted`` ones, (Q,) bool, of Q tokens; their keys and values are appended to the cache.

        Args:
            tokens: Q ids.
            positions: Q ints.
            mask: (Q, P + Q) bool; which of the P cached and Q new tokens each attends to.
            cache: of P tokens.
            wanted: see above.
        """
        device, dtype = self.model.device, self.model.dtype
        keep = torch.as_tensor(np.flatnonzero(wanted), device=device)
        attention_mask = torch.zeros(mask.shape, dtype=dtype, device=device)
        attention_mask.masked_fill_(~torch.as_tensor(mask, device=device), torch.finfo(dtype).min)
        arguments: dict[str, Any] = {self._cache_argument: cache}
        trimmed = self._keeps_logits and len(keep) > 0  # of no logits at all, some models return all
        if trimmed:
            arguments["logits_to_keep"] = keep
        logits = self.model(
            input_ids=torch.tensor([list(tokens)], device=device),
            position_ids=torch.tensor([list(positions)], device=device),
            attention_mask=attention_mask[None, None],
            use_cache=True,
            **arguments,
        ).logits[0]
        return logits if trimmed else logits[keep]

    def check(self) -> None:
        """Raise a ValueError if the model cannot compute trees: their logits are compared with those of plain texts.

        Models with linear attention, a memory of their own or relative positions that they count themselves fail here.
        """
        problem = "model: hf-cached cannot compute this architecture as the model itself does; use --model hf"
        vocabulary = int(self.model.get_input_embeddings().num_embeddings)
        stem, first, second = ([(7 * i + start) % vocabulary for i in range(6)] for start in (1, 3, 5))
        tree = TreeModel(self.model, chunk=5)  # parts of both texts in one chunk
        base = tree.tree.insert(stem)
        paths = [tree.tree.insert(rest, base) for rest in (first, second)]
        found: dict[int, Tensor] = {}
        try:
            for nodes, logits in tree.compute(paths, [path[-1] for path in paths]):
                found.update(zip(nodes.tolist(), logits.float(), strict=True))
        except Exception as error:  # whatever a model does with a mask, positions or a cache that it does not know
            raise ValueError(problem) from error
        for rest, path in zip((first, second), paths, strict=True):
            with torch.no_grad():
                plain = self.model(input_ids=torch.tensor([stem + rest], device=self.model.device)).logits[0, -1].float()
            limit = (1e-3 if self.model.dtype == torch.float32 else 5e-2) * max(1.0, float(plain.abs().max()))
            if not float((found[path[-1]] - plain).abs().max()) < limit:
                raise ValueError(problem)
