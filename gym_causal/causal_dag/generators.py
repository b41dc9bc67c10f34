"""EpisodeNoise batches of (model, goal, relevant variables) for a split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gym_causal.causal_dag.splits import HeldOutLink, Split
from gym_causal.scm import StructuralCausalModels, Topology, variable_names

MAX_DRAWS_PER_EPISODE = 200_000
"""Rejection sampling gives up (ValueError) once it has drawn this many models for one that a split admits. Our choice."""

_MAX_BATCH = 16_384  # models drawn at once while rejecting; bounds memory


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

    def _draw_noise_scale(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """(N, B) normal(mean, std) truncated at 0."""
        scale = rng.standard_normal((self.num_variables, batch))
        scale *= self.noise_scale_std
        scale += self.noise_scale_mean
        while (negative := np.flatnonzero(scale < 0)).size:
            scale.reshape(-1)[negative] = rng.normal(self.noise_scale_mean, self.noise_scale_std, size=negative.size)
        return scale


@dataclass(frozen=True)
class CueClass:
    """Subsets of variables whose index sum is ``residue`` modulo ``modulus`` are held out of training."""

    modulus: int
    residue: int

    def contains(self, relevant: np.ndarray) -> np.ndarray:
        """(B,) bool for (B, R) subsets."""
        return relevant.sum(axis=1) % self.modulus == self.residue

    def draw(
        self, rng: np.random.Generator, batch: int, num_variables: int, num_relevant: int, *, held_out: bool, include: tuple[int, ...]
    ) -> np.ndarray:
        """(B, R) int: subsets, uniform among those in the class (or out of it) that contain the variables ``include``."""
        others = np.setdiff1d(np.arange(num_variables), include)
        subsets = np.empty((batch, num_relevant), int)
        missing = np.ones(batch, bool)
        for _ in range(1_000):
            count = int(missing.sum())
            if count == 0:
                return subsets
            pool = rng.permuted(np.tile(others, (count, 1)), axis=1)[:, : num_relevant - len(include)]
            subsets[missing] = np.concatenate([np.broadcast_to(include, (count, len(include))).astype(int), pool], axis=1)
            missing = self.contains(subsets) != held_out
        raise ValueError(
            f"no subset of num_relevant={num_relevant} of {num_variables} variables"
            f"{' that contains ' + ' and '.join(variable_names(num_variables)[i] for i in include) if include else ''} was found that is "
            f"{'held out' if held_out else 'in training'} with cue_modulus={self.modulus}, cue_residue={self.residue}"
        )


def draw_models(
    rng: np.random.Generator,
    count: int,
    distribution: ModelDistribution,
    split: Split,
    link: HeldOutLink,
    cues: CueClass | None = None,
    *,
    restrict_cues: bool = True,
) -> tuple[StructuralCausalModels, np.ndarray, np.ndarray]:
    """Draw ``count`` models with goals that ``split`` admits, by rejection.

    Args:
        rng: source of all randomness.
        count: how many, B.
        distribution: how a candidate is drawn.
        split: which candidates are kept.
        link: the held-out link.
        cues: which subsets of variables are held out; None: every variable is relevant.

    Returns:
        Models, goals (B,) int and relevant variables (B, R) int. A goal is uniform over the relevant variables and drawn before
        any rejection, so that the rejection cannot favour any; where the split fixes it, it is the link's effect.

    Raises:
        ValueError: after ``MAX_DRAWS_PER_EPISODE`` candidates for one that is admitted.
    """
    num_variables, size = distribution.num_variables, distribution.num_relevant
    include = (link.cause, link.effect) if split.held_out else ()
    kept: list[tuple[StructuralCausalModels, np.ndarray, np.ndarray]] = []
    accepted, drawn = 0, 0
    while accepted < count:
        # Aim at what is missing, and a little above, at the acceptance rate so far.
        rate = (accepted + 1) / (drawn + 1) if drawn else split.acceptance
        missing = (count - accepted) / rate
        batch = int(np.clip(missing if rate == 1 else missing + 3 * missing**0.5, 64, _MAX_BATCH))
        if cues is None or not restrict_cues:
            relevant = np.tile(np.arange(num_variables), (batch, 1))
            if size < num_variables:
                relevant = rng.permuted(relevant, axis=1)[:, :size]
        else:
            relevant = cues.draw(rng, batch, num_variables, size, held_out=split.held_out, include=include)
        models = distribution.draw(rng, relevant, first=include or None)
        goals = relevant[np.arange(batch), rng.integers(size, size=batch)]
        if split.held_out:
            goals = np.full(batch, link.effect)
        admitted = np.flatnonzero(split.admits(models, link))[: count - accepted]
        drawn += batch
        accepted += len(admitted)
        kept.append((models[admitted], goals[admitted], relevant[admitted]))
        if drawn > MAX_DRAWS_PER_EPISODE * (accepted + 1):
            raise ValueError(
                f"split: only {accepted} of {drawn} models drawn with num_variables={num_variables} satisfy: {split.description}. "
                "Use fewer variables, a smaller min_effect, or another split"
            )
    goals, relevant = (np.concatenate([part[i] for part in kept]) for i in (1, 2))
    return StructuralCausalModels.concatenate([part[0] for part in kept]), goals, relevant


def _put_first(order: np.ndarray, first: int, second: int) -> np.ndarray:
    """Swap two variables wherever (R, B) ``order`` has them the wrong way round; uniform permutations stay uniform given the order."""
    is_first, is_second = order == first, order == second
    wrong = is_first.argmax(axis=0) > is_second.argmax(axis=0)
    return np.where(wrong & is_first, second, np.where(wrong & is_second, first, order))
