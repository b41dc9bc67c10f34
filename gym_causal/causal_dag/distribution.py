"""How the structural causal model of an episode is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gym_causal.scm import VALUE_LIMIT, StructuralCausalModels, Topology

LARGEST_NORMAL = 12.3
"""NumPy draws no standard normal number beyond plus or minus this: the tail of its ziggurat is cut by the 53 bits of a uniform one."""


@dataclass(frozen=True)
class ModelDistribution:
    """How the structural causal model of an episode is drawn (see docs/sources.md for where each number comes from)."""

    num_variables: int  # that are observed and can be set
    num_relevant: int  # that are in the graph; the others are independent noise
    num_roots: tuple[int, int]  # uniform between these, both included
    num_parents: tuple[int, int]  # of a variable that is no root; uniform, as far as there are earlier variables
    weight_range: tuple[float, float]  # uniform
    noise_scale_mean: float  # a variable's noise standard deviation is normal(mean, std), truncated at 0
    noise_scale_std: float
    negative_slope: float
    shuffle_names: bool  # a random permutation of the topological order; False: always alphabetical

    def draw(self, rng: np.random.Generator, relevant: np.ndarray, first: tuple[int, int] | None = None) -> StructuralCausalModels:
        """Draw one model for each row of ``relevant``.

        Args:
            rng: source of all randomness.
            relevant: (B, R) int, the variables in each graph.
            first: (cause, effect), to draw only models in which the cause comes before the effect in the topological order.
        """
        batch, size = relevant.shape
        width, num_others = self.num_parents[1], self.num_variables - size
        # Everything by topological position with the batch innermost, as the models keep it; the irrelevant variables come last.
        num_roots = rng.integers(self.num_roots[0], self.num_roots[1], size=batch, endpoint=True)
        num_parents = rng.integers(*self.num_parents, size=(size, batch), endpoint=True)
        low, high = self.weight_range
        weights = rng.random((size, width, batch))
        weights *= high - low
        weights += low
        choice = rng.random((size, width, batch))
        order = (rng.permuted(relevant, axis=1) if self.shuffle_names else np.sort(relevant, axis=1)).T  # (R, B) variables
        if first is not None and self.shuffle_names:
            order = _put_first(order, *first)
        noise_scale = self._draw_noise_scale(rng, batch)

        earlier = np.arange(size)[:, None]  # how many variables come before each position
        causes = np.zeros((size, width, batch), int)  # topological positions
        for slot in range(width):
            cause = (choice[:, slot] * np.maximum(earlier - slot, 1)).astype(int)
            # The slot-th draw is among what is left: step over the ones already taken, in ascending order.
            taken = causes[:, :1] if slot == 1 else np.sort(causes[:, :slot], axis=1)
            for j in range(slot):
                cause += cause >= taken[:, j]
            causes[:, slot] = cause
        parent_mask = np.arange(width)[:, None] < np.minimum(num_parents, earlier)[:, None, :]  # (R, P, B)
        parent_mask &= (earlier >= num_roots)[:, None, :]
        causes *= parent_mask
        weights *= parent_mask
        if num_others:
            in_graph = np.zeros((self.num_variables, batch), bool)
            np.put_along_axis(in_graph, order, True, 0)
            order = np.concatenate([order, np.argsort(in_graph, axis=0, kind="stable")[:num_others]])
            causes, weights, parent_mask = (
                np.concatenate([field, np.zeros((num_others, width, batch), field.dtype)]) for field in (causes, weights, parent_mask)
            )
        topology = Topology(np.ascontiguousarray(order), causes, weights, parent_mask, noise_scale)
        return StructuralCausalModels.from_topology(topology, self.negative_slope)

    def largest_value(self, intervention_value: float) -> float:
        """A whole number that no value of a model exceeds in size, whatever is drawn and whichever variable is set.

        Args:
            intervention_value: the size of the value that a variable is set to.
        """
        noise = LARGEST_NORMAL * (self.noise_scale_mean + LARGEST_NORMAL * self.noise_scale_std)
        weight = max(map(abs, self.weight_range))
        largest: list[float] = []  # by topological position, each with the causes that make it largest
        for _ in range(self.num_relevant):
            causes = sorted(largest)[-self.num_parents[1] :]
            largest.append(min(VALUE_LIMIT, max(intervention_value, noise + weight * sum(causes))))
        return min(VALUE_LIMIT, math.ceil(max(largest)))

    def _draw_noise_scale(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """(N, B) normal(mean, std) truncated at 0."""
        scale = rng.standard_normal((self.num_variables, batch))
        scale *= self.noise_scale_std
        scale += self.noise_scale_mean
        while (negative := np.flatnonzero(scale < 0)).size:
            scale.reshape(-1)[negative] = rng.normal(self.noise_scale_mean, self.noise_scale_std, size=negative.size)
        return scale


def _put_first(order: np.ndarray, first: int, second: int) -> np.ndarray:
    """Swap two variables wherever (R, B) ``order`` has them the wrong way round; uniform permutations stay uniform given the order."""
    is_first, is_second = order == first, order == second
    wrong = is_first.argmax(axis=0) > is_second.argmax(axis=0)
    return np.where(wrong & is_first, second, np.where(wrong & is_second, first, order))
