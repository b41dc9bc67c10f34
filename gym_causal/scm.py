"""Structural causal models, many at a time: a value is ``f(noise + weights . the causes' values)``.

``f`` is a LeakyReLU on variables that have causes and the identity on roots. All three rungs of the causal hierarchy are here:
*observe* (:meth:`StructuralCausalModels.sample`), *intervene* (the same with ``do_target``) and *counterfactual*
(:meth:`StructuralCausalModels.counterfactual`: the same exogenous noise, another intervention).
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_CACHED_ROWS = 4_096  # long enough to make NumPy's calls cheap, short enough for a core's cache

_LARGEST = 1e300  # of a weight or a noise scale: times a value it must still be a float

VALUE_LIMIT = 1e6
"""Values saturate at plus or minus this, so that no model, however extreme, leaves the observation space. Our choice."""


MAX_VARIABLES = 26 + 26 * 26
"""So many names there are: A..Z and AA..ZZ."""


def variable_names(num_variables: int) -> list[str]:
    """The names of variables 0, 1, 2, ...: A..Z, then AA, AB, ... as in a spreadsheet."""
    letters = string.ascii_uppercase
    pairs = [first + second for first in letters for second in letters]
    return (list(letters) + pairs)[:num_variables]


class Topology(NamedTuple):
    """B models by topological position, the batch axis last."""

    order: np.ndarray  # (N, B) int; the variable at each topological position
    causes: np.ndarray  # (N, P, B) int; positions of the direct causes of the variable at a position; 0 where there is none
    cause_weights: np.ndarray  # (N, P, B) float; 0 where there is none
    parent_mask: np.ndarray  # (N, P, B) bool
    scale: np.ndarray  # (N, B) float; noise standard deviation of the variable at each position


class StructuralCausalModels:
    """A batch of B acyclic models over N variables, each given by parent lists, so that cost follows the edges.

    Inside, everything is kept by *topological position* with the batch axis innermost, (..., N, B): evaluating the models is then
    one pass over the positions, a handful of long vector operations each. That form is public too, for code that must be fast: the fields
    of :class:`Topology`, which are attributes here, :meth:`propagate`, :meth:`to_position` and :meth:`to_variable`. Everything else is by
    variable, batch first.

    Args:
        parents: (B, N, P) int. ``parents[b, j]`` lists the direct causes of variable j of model b; -1 = none.
        parent_weights: (B, N, P) float. The weight of each of those causes; ignored where there is none.
        noise_scale: (B, N) float >= 0. Standard deviation of each variable's zero-mean Gaussian exogenous noise.
        negative_slope: slope of the LeakyReLU below zero, in (0, 1]; 1 makes the models linear.

    Raises:
        ValueError: shapes that do not agree, an index out of range, a repeated parent, a cycle, a value that is not finite.
    """

    def __init__(self, parents: ArrayLike, parent_weights: ArrayLike, noise_scale: ArrayLike, negative_slope: float = 0.2) -> None:
        parents = np.asarray(parents)
        weights, scale = np.asarray(parent_weights, float), np.asarray(noise_scale, float)
        if parents.ndim != 3 or not np.issubdtype(parents.dtype, np.integer):
            raise ValueError(f"parents must be an integer array of shape (B, N, P), got {parents.dtype} of shape {parents.shape}")
        batch, num_variables, _ = parents.shape
        if weights.shape != parents.shape:
            raise ValueError(f"parent_weights must have the shape of parents, {parents.shape}, got {weights.shape}")
        if scale.shape != (batch, num_variables):
            raise ValueError(f"noise_scale must have shape {(batch, num_variables)}, got {scale.shape}")
        if not 0 < negative_slope <= 1:
            raise ValueError(f"negative_slope must be in (0, 1], got {negative_slope}")
        if parents.size and (parents.min() < -1 or parents.max() >= num_variables):
            raise ValueError(f"parents must be -1 (none) or in 0..{num_variables - 1}, got {parents.min()}..{parents.max()}")
        if not ((np.abs(weights) <= _LARGEST).all() and (scale <= _LARGEST).all() and (scale >= 0).all()):
            raise ValueError(f"parent_weights must be finite and noise_scale finite and >= 0, neither beyond {_LARGEST:g}")
        ascending = np.sort(parents, axis=2)
        if ((ascending[..., 1:] == ascending[..., :-1]) & (ascending[..., 1:] >= 0)).any():
            raise ValueError("parents must not list the same cause of a variable twice")
        order = _topological_order(parents)  # (B, N) position -> variable
        position = np.argsort(order, axis=1)  # (B, N) variable -> position
        listed = np.take_along_axis(parents, order[:, :, None], 1)  # (B, N, P)
        listed_weights = np.take_along_axis(weights, order[:, :, None], 1)
        cause_position = np.take_along_axis(position, np.maximum(listed, 0).reshape(batch, -1), 1).reshape(listed.shape)
        topology = Topology(
            order.T,
            np.where(listed >= 0, cause_position, 0).transpose(1, 2, 0),
            np.where(listed >= 0, listed_weights, 0.0).transpose(1, 2, 0),
            (listed >= 0).transpose(1, 2, 0),
            np.take_along_axis(scale, order, 1).T,
        )
        self._set(Topology(*map(np.ascontiguousarray, topology)), negative_slope)

    @classmethod
    def from_weights(cls, weights: ArrayLike, noise_scale: ArrayLike = 0.5, negative_slope: float = 0.2) -> StructuralCausalModels:
        """Models from dense matrices.

        Args:
            weights: (N, N) or (B, N, N) float; ``weights[..., i, j]`` is the direct effect of i on j, 0 = no edge.
            noise_scale: scalar, (N,) or (B, N); see the class.
            negative_slope: see the class.
        """
        weights = np.asarray(weights, float)
        if weights.ndim == 2:
            weights = weights[None]
        if weights.ndim != 3 or weights.shape[1] != weights.shape[2]:
            raise ValueError(f"weights must have shape (N, N) or (B, N, N), got {weights.shape}")
        into = weights.transpose(0, 2, 1)  # (B, N, N); [b, j, i] direct effect of i on j
        width = max(1, int((into != 0).sum(axis=2).max(initial=0)))
        causes_first = np.argsort(into == 0, axis=2, kind="stable")[..., :width]
        parent_weights = np.take_along_axis(into, causes_first, 2)
        parents = np.where(parent_weights != 0, causes_first, -1)
        return cls(parents, parent_weights, np.broadcast_to(np.asarray(noise_scale, float), weights.shape[:2]), negative_slope)

    @classmethod
    def from_topology(cls, topology: Topology, negative_slope: float) -> StructuralCausalModels:
        """Models from their inner form, unchecked: for code that establishes it, as generators do."""
        models = object.__new__(cls)
        models._set(topology, negative_slope)
        return models

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> StructuralCausalModels:
        """Models from what :meth:`to_dict` made, or the same entries written by hand.

        Args:
            document: ``parents``, ``parent_weights`` and ``noise_scale``, nested lists or arrays, and ``negative_slope`` (default 0.2), all
                as in the class.

        Raises:
            ValueError: unknown or missing entries, or values that the class does not accept.
        """
        entries = ("parents", "parent_weights", "noise_scale", "negative_slope")
        if not set(entries[:3]) <= set(document) <= set(entries):
            raise ValueError(f"models as a dict must have the entries {', '.join(entries)}, got {', '.join(map(str, document))}")
        return cls(**document)

    def to_dict(self) -> dict[str, Any]:
        """The models as nested lists and numbers, ready for JSON; :meth:`from_dict` makes the same models of them."""
        arrays = {"parents": self.parents, "parent_weights": self.parent_weights, "noise_scale": self.noise_scale}
        return {**{name: array.tolist() for name, array in arrays.items()}, "negative_slope": float(self.negative_slope)}

    def _set(self, topology: Topology, negative_slope: float) -> None:
        self.topology, self.negative_slope = topology, negative_slope
        self.order, self.causes, self.cause_weights, self.parent_mask, self.scale = topology

    # --- the batch -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.order.shape[1]

    @property
    def num_variables(self) -> int:
        return self.order.shape[0]

    def __getitem__(self, index: slice | np.ndarray) -> StructuralCausalModels:
        """The sub-batch at ``index`` (a slice, an integer or boolean array over the batch axis)."""
        if isinstance(index, slice):
            if index.indices(len(self)) == (0, len(self), 1):
                return self  # with all that is cached
            return self.from_topology(Topology(*(field[..., index] for field in self.topology)), self.negative_slope)
        index = np.flatnonzero(index) if index.dtype == bool else index
        return self.from_topology(Topology(*(field.take(index, axis=-1) for field in self.topology)), self.negative_slope)

    @classmethod
    def concatenate(cls, parts: Sequence[StructuralCausalModels]) -> StructuralCausalModels:
        """One batch of several; all must have the same N and ``negative_slope``."""
        if len(parts) == 1:
            return parts[0]
        for name in ("num_variables", "negative_slope"):
            if len(values := {getattr(part, name) for part in parts}) > 1:
                raise ValueError(f"models that are joined must have one {name}, got {sorted(values)}")
        width = max(part.causes.shape[1] for part in parts)
        fields = zip(*(part._padded(width) for part in parts), strict=True)
        return cls.from_topology(Topology(*(np.concatenate(field, axis=-1) for field in fields)), parts[0].negative_slope)

    def _padded(self, width: int) -> Topology:
        """The inner form with room for ``width`` causes a variable."""
        if (missing := width - self.causes.shape[1]) == 0:
            return self.topology
        padding = ((0, 0), (0, missing), (0, 0))
        return self.topology._replace(
            causes=np.pad(self.causes, padding),
            cause_weights=np.pad(self.cause_weights, padding),
            parent_mask=np.pad(self.parent_mask, padding),
        )

    # --- the graph -------------------------------------------------------------------------------------------------------

    @cached_property
    def parents(self) -> np.ndarray:
        """(B, N, P) int; the direct causes of every variable, -1 = none."""
        cause = np.take_along_axis(self.order, self.causes.reshape(-1, len(self)), 0).reshape(self.causes.shape)
        return self._per_slot(np.where(self.parent_mask, cause, -1))

    @cached_property
    def parent_weights(self) -> np.ndarray:
        """(B, N, P) float; the weight of each of :attr:`parents`, 0 where there is none."""
        return self._per_slot(self.cause_weights)

    def _per_slot(self, by_position: np.ndarray) -> np.ndarray:
        """(B, N, P), by variable, of a field (N, P, B), by position."""
        return self.to_variable(by_position.transpose(1, 0, 2)).transpose(1, 2, 0)

    @property
    def noise_scale(self) -> np.ndarray:
        """(B, N) float; standard deviation of each variable's exogenous noise."""
        return self.to_variable(self.scale)

    @property
    def is_root(self) -> np.ndarray:
        """(B, N) bool; whether a variable has no causes."""
        return self.to_variable(np.logical_not(self.parent_mask.any(axis=1)))

    @property
    def weights(self) -> np.ndarray:
        """(B, N, N) float; [b, i, j] is the direct effect of i on j."""
        weights = np.zeros((len(self), self.num_variables, self.num_variables))
        model, effect, slot = np.nonzero(self.parents >= 0)
        weights[model, self.parents[model, effect, slot], effect] = self.parent_weights[model, effect, slot]
        return weights

    def descendants(self, variable: ArrayLike) -> np.ndarray:
        """(B, N) bool; the strict, transitive descendants of ``variable`` (an int, or (B,) ints)."""
        return self.to_variable(self._reached(variable))

    def is_ancestor(self, cause: ArrayLike, effect: ArrayLike) -> np.ndarray:
        """(B,) bool; whether ``cause`` is a strict, transitive ancestor of ``effect`` (an int, or (B,) ints, each)."""
        return (self._reached(cause) & (self.order == effect)).any(axis=0)

    def _reached(self, variable: ArrayLike) -> np.ndarray:
        """(N, B) bool, by position; the strict descendants of ``variable``."""
        is_source = self.order == variable
        reached = is_source.copy()
        flat = reached.reshape(-1)
        for k in range(1, self.num_variables):
            cause_reached = flat.take(self.flat_causes[k])  # (P, B)
            cause_reached &= self.parent_mask[k]
            for slot in cause_reached:
                reached[k] |= slot
        return reached & ~is_source

    @property
    def ancestors(self) -> np.ndarray:
        """(B, N, N) bool; [b, i, j] tells whether i is a strict, transitive ancestor of j."""
        return np.stack([self.descendants(variable) for variable in range(self.num_variables)], axis=1)

    # --- the three rungs -------------------------------------------------------------------------------------------------

    def sample_noise(self, rng: np.random.Generator, num_samples: int) -> np.ndarray:
        """Draw exogenous noise, (B, num_samples, N)."""
        return rng.standard_normal((len(self), num_samples, self.num_variables)) * self.noise_scale[:, None, :]

    def sample(self, noise: np.ndarray, do_target: ArrayLike | None = None, do_value: ArrayLike = 0.0) -> np.ndarray:
        """The values that follow from exogenous noise, under an intervention or none.

        Args:
            noise: (B, N) or (B, S, N) float, exogenous noise of S samples a model.
            do_target: variable that is set, per sample: broadcastable to (B,) or (B, S); -1 = none. None: no intervention anywhere.
            do_value: the value it is set to, of the same shape.

        Returns:
            Values of the shape of ``noise``, saturated at ``VALUE_LIMIT``.
        """
        noise = np.asarray(noise, float)
        if noise.ndim not in (2, 3) or noise.shape[0] != len(self) or noise.shape[-1] != self.num_variables:
            expected = f"({len(self)}, {self.num_variables}) or ({len(self)}, S, {self.num_variables})"
            raise ValueError(f"noise must have shape {expected}, got {noise.shape}")
        samples = noise.shape[:-1]
        target = None if do_target is None else np.broadcast_to(do_target, samples).T
        samples_first = np.moveaxis(noise, 0, -2)  # (B, N) or (S, B, N)
        values = self.propagate(self.to_position(samples_first), target, np.broadcast_to(do_value, samples).T)
        return np.moveaxis(self.to_variable(values), -2, 0)

    def abduct(self, values: np.ndarray, do_target: ArrayLike | None = None) -> np.ndarray:
        """The exogenous noise that produced ``values``: the inverse of :meth:`sample`.

        Args:
            values: (B, N) or (B, S, N) float, observed values.
            do_target: the variable that was set when they were observed, as in :meth:`sample`. Its own noise left no trace; 0,
                its mean, is returned for it. A saturated value cannot be inverted either.

        Returns:
            Noise of the shape of ``values``.
        """
        batch, num_variables, width = self.parents.shape
        values = np.asarray(values, float)
        flat = values.reshape(batch, -1, num_variables)  # (B, S, N)
        causes = np.maximum(self.parents, 0).reshape(batch, 1, num_variables * width)
        cause_values = np.take_along_axis(flat, np.broadcast_to(causes, (*flat.shape[:2], num_variables * width)), 2)
        pre_activation = (cause_values.reshape(*flat.shape, width) * self.parent_weights[:, None]).sum(axis=-1)
        slope = np.where(self.is_root, 1.0, self.negative_slope)[:, None, :]
        noise = (np.where(flat < 0, flat / slope, flat) - pre_activation).reshape(values.shape)
        if do_target is not None:
            target = np.broadcast_to(do_target, values.shape[:-1])
            noise[target[..., None] == np.arange(num_variables)] = 0.0
        return noise

    def counterfactual(
        self, values: np.ndarray, do_target: ArrayLike, do_value: ArrayLike, *, given_do_target: ArrayLike | None = None
    ) -> np.ndarray:
        """What the values would have been under another intervention: abduction, action, prediction (Pearl).

        Args:
            values: (B, N) or (B, S, N), what was observed.
            do_target: the variable set in the counterfactual, as in :meth:`sample` (-1: none).
            do_value: the value it is set to.
            given_do_target: the variable that was set when they were observed, if any; see :meth:`abduct`.
        """
        return self.sample(self.abduct(values, given_do_target), do_target, do_value)

    def total_effect(self, do_target: ArrayLike, do_value: ArrayLike) -> np.ndarray:
        """(B, N) noise-free change of every variable when ``do_target`` is set to ``do_value``, against no intervention."""
        zero_noise = np.zeros((len(self), self.num_variables))
        return self.sample(zero_noise, do_target, do_value) - self.sample(zero_noise)

    def noise_free_outcomes(self, outcome: ArrayLike, do_values: Sequence[float]) -> np.ndarray:
        """What ``outcome`` becomes, without noise, under every intervention.

        Args:
            outcome: the variable of interest, an int or (B,) ints.
            do_values: V values that a variable may be set to.

        Returns:
            (B, V, N) float; [b, v, i] is the value of ``outcome`` when variable i is set to ``do_values[v]``. Interventions that
            do not reach it leave it at exactly its noise-free observational value.
        """
        outcome = np.broadcast_to(outcome, len(self))
        result = np.empty((len(self), len(do_values), self.num_variables))
        # All N values under each of the V * N interventions are computed to read one: in chunks, so that memory stays bounded.
        chunk = max(1, min(_CACHED_ROWS, 2_000_000 // (len(do_values) * self.num_variables**2)))
        for start in range(0, len(self), chunk):
            models = self[start : start + chunk]
            with np.errstate(over="ignore", invalid="ignore"):
                values = models._noise_free_values(do_values, saturate=False)
            if not _within_limit(values):
                values = models._noise_free_values(do_values, saturate=True)
            row = np.arange(len(models))
            position = models.positions[row, outcome[start : start + chunk]]
            by_position = values[position, :, :, row]  # (B, N, V)
            result[start : start + chunk] = by_position[row[:, None], models.positions].transpose(0, 2, 1)
        return result

    def _noise_free_values(self, do_values: Sequence[float], *, saturate: bool) -> np.ndarray:
        """(N, N, V, B) noise-free values; [k, i, v] is the value at position k when the variable at position i is set to do_values[v]."""
        num_variables, batch = self.order.shape
        # An intervention changes nothing before its own position, where all noise-free values are 0.
        values = np.zeros((num_variables, num_variables, len(do_values), batch))
        columns = values.reshape(num_variables, -1, batch)  # (N, N * V, B)
        for k in range(num_variables):
            earlier = k * len(do_values)  # columns of interventions on earlier positions
            value = columns[k, :earlier]
            if k:
                offset = np.arange(earlier)[:, None] * batch + np.arange(batch)  # (N * V, B) within the values at one position
                for cause, weight in zip(self.causes[k], self.cause_weights[k], strict=True):
                    value += columns.reshape(-1).take(cause * columns[0].size + offset) * weight
                np.maximum(value, value * self._slope[k], out=value)
            values[k, k] = np.asarray(do_values, float)[:, None]
            if saturate:
                np.clip(value, -VALUE_LIMIT, VALUE_LIMIT, out=value)
        return values

    # --- by topological position -----------------------------------------------------------------------------------------

    def propagate(
        self,
        noise: np.ndarray,
        do_target: np.ndarray | None = None,
        do_value: ArrayLike = 0.0,
        *,
        standard: bool = False,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """:meth:`sample` by position.

        Args:
            noise: (N, B) or (S, N, B) float, by position.
            do_target: (B,) or broadcastable to (S, B) int, the variable (not the position) that is set, -1 = none.
            do_value: of the same shape.
            standard: ``noise`` is standard normal, still to be multiplied by ``scale``.
            out: where to put the values, for ``noise`` of shape (N, B); not ``noise`` itself.

        Returns:
            Values of the shape of ``noise``: ``out``, or a new array.
        """
        if noise.ndim == 3:
            return self._propagate_samples(noise, do_target, do_value, standard=standard)
        values = np.empty(noise.shape) if out is None else out
        # Almost no model comes near the limit: check once at the end, and only then saturate on the way. (NaN fails the check.)
        for saturate in (False, True):
            np.multiply(noise, self.scale if standard else 1.0, out=values)
            with np.errstate(over="ignore", invalid="ignore"):
                self._propagate_in_place(values, do_target, do_value, saturate=saturate)
            if saturate or _within_limit(values):
                break
        return values

    def _propagate_samples(self, noise: np.ndarray, do_target: np.ndarray | None, do_value: ArrayLike, *, standard: bool) -> np.ndarray:
        """:meth:`propagate` of (S, N, B) noise."""
        num_samples, num_variables, batch = noise.shape
        values = np.empty(noise.shape)
        if do_target is not None:
            do_target, do_value = np.broadcast_to(do_target, (num_samples, batch)), np.broadcast_to(do_value, (num_samples, batch))
        # Samples of one model are further models with the same graph, as many at a time as a processor's cache holds.
        width = max(1, min(num_samples, _CACHED_ROWS // batch))
        models = self.concatenate([self] * width)
        for start in range(0, num_samples, width):
            part = slice(start, start + width)
            side_by_side = noise[part].transpose(1, 0, 2).reshape(num_variables, -1)  # (N, width * B)
            if side_by_side.shape[1] < len(models):  # the last, narrower one
                models = models[: side_by_side.shape[1]]
            do = () if do_target is None else (do_target[part].reshape(-1), np.asarray(do_value)[part].reshape(-1))
            propagated = models.propagate(side_by_side, *do, standard=standard)
            values[part] = propagated.reshape(num_variables, -1, batch).transpose(1, 0, 2)
        return values

    def _propagate_in_place(self, values: np.ndarray, do_target: np.ndarray | None, do_value: ArrayLike, *, saturate: bool) -> None:
        """Turn (N, B) exogenous noise into values."""
        flat = values.reshape(-1)
        is_set = None if do_target is None else self._narrow_order == do_target.astype(self._narrow_order.dtype)
        cause_values, leaked = np.empty(self.causes.shape[1:]), np.empty(len(self))  # reused: allocating costs as much as computing
        for k, value in enumerate(values):
            if k:  # the first position is always a root
                flat.take(self.flat_causes[k], out=cause_values, mode="clip")
                np.multiply(cause_values, self.cause_weights[k], out=cause_values)
                for weighted in cause_values:
                    value += weighted
                np.multiply(value, self._slope[k], out=leaked)
                np.maximum(value, leaked, out=value)
            if saturate:
                np.clip(value, -VALUE_LIMIT, VALUE_LIMIT, out=value)
            if is_set is not None:
                np.putmask(value, is_set[k], do_value)

    def to_variable(self, by_position: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(N, B) or (S, N, B) by position -> (B, N) or (S, B, N) by variable: ``out``, or a new array."""
        if by_position.ndim == 2:
            flat = by_position.reshape(-1)
            return flat.take(self._flat_position) if out is None else flat.take(self._flat_position, out=out, mode="clip")
        if out is None:
            out = np.empty((len(by_position), len(self), self.num_variables), by_position.dtype)
        for sample, values in zip(out, by_position, strict=True):
            self.to_variable(values, out=sample)
        return out

    def to_position(self, by_variable: np.ndarray) -> np.ndarray:
        """(B, N) or (S, B, N) by variable -> (N, B) or (S, N, B) by position."""
        swapped = by_variable.swapaxes(-1, -2)
        return np.take_along_axis(swapped, self.order if swapped.ndim == 2 else self.order[None], -2)

    @property
    def positions(self) -> np.ndarray:
        """(B, N) int; the topological position of every variable."""
        return self._flat_position // len(self)

    @cached_property
    def _narrow_order(self) -> np.ndarray:
        """(N, B) int; ``order`` in 16 bits where they suffice: comparing it takes a third of the time."""
        return self.order.astype(np.int16 if self.num_variables < 2**15 else int)

    @cached_property
    def _slope(self) -> np.ndarray:
        """(N, B) float; the slope below zero of the variable at each position: a root is linear."""
        return np.where(self.parent_mask.any(axis=1), self.negative_slope, 1.0)

    @cached_property
    def flat_causes(self) -> np.ndarray:
        """(N, P, B) int; indices of the causes in a flattened (N, B) array by position."""
        return self.causes * len(self) + np.arange(len(self))

    @cached_property
    def _flat_position(self) -> np.ndarray:
        """(B, N) int; indices of the variables in a flattened (N, B) array by position."""
        row = np.arange(len(self))
        flat = np.empty((len(self), self.num_variables), int)
        flat[row, self.order] = np.arange(self.num_variables)[:, None] * len(self) + row
        return flat


def _within_limit(values: np.ndarray) -> bool:
    return bool(values.max() <= VALUE_LIMIT and values.min() >= -VALUE_LIMIT)


def _topological_order(parents: np.ndarray) -> np.ndarray:
    """(B, N) a topological order for (B, N, P) parent lists; ValueError names the first model with a cycle."""
    batch, num_variables, _ = parents.shape
    depth = np.zeros((batch, num_variables), int)  # length of the longest path that ends here
    model = np.arange(batch)[:, None, None]
    for _ in range(num_variables + 1):
        deeper = np.where(parents >= 0, depth[model, parents] + 1, 0).max(axis=2, initial=0)
        if (deeper == depth).all():
            return np.argsort(depth, axis=1, kind="stable")
        depth = deeper
    # Without a cycle no path is longer than N - 1, so only a cycle keeps growing.
    raise ValueError(f"parents must be acyclic, model {int(np.nonzero((depth >= num_variables).any(axis=1))[0][0])} has a cycle")
