"""Recorded episodes, the data of a passive learner: in memory, and as one compressed file without pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from gym_causal.files import reason, write_atomically
from gym_causal.npz import read_arrays

_FORMAT = "gym_causal episodes 1"
_KINDS = {"actions": "iu", "rewards": "f", "lengths": "iu", "truncated": "b"}
"""Array of a file -> the kinds of its dtype. All have one axis."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """E recorded episodes, concatenated.

    S is the total number of steps. An episode of n steps has n + 1 states, so there are S + E states.
    """

    observations: dict[str, np.ndarray]  # (S + E, ...) each; in every episode, the last one is the final observation
    explanations: dict[str, np.ndarray]  # (S + E, ...) each; info["explanation"] of every state; empty if there were none
    actions: np.ndarray  # (S,) int
    rewards: np.ndarray  # (S,) float
    lengths: np.ndarray  # (E,) int; the number of steps of every episode
    truncated: np.ndarray  # (E,) bool; whether a time limit cut the episode short (else it was terminated)
    metadata: dict[str, Any] = field(default_factory=dict)  # how they were recorded; JSON-able

    def __post_init__(self) -> None:
        if (self.lengths < 1).any():
            raise ValueError(f"lengths must be at least 1, got {self.lengths.min()}")
        steps, states = int(self.lengths.sum()), int(self.lengths.sum()) + len(self.lengths)
        for name, count in (("actions", steps), ("rewards", steps), ("truncated", len(self.lengths))):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} must have {count} entries for these lengths, got {len(getattr(self, name))}")
        for kind in ("observations", "explanations"):
            for key, value in getattr(self, kind).items():
                if len(value) != states:
                    raise ValueError(f"{kind}[{key!r}] must have {states} entries, one a state, got {len(value)}")

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """(E + 1,) int; the first step of every episode, and S. The states of episode e begin at ``starts[e] + e``."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def __getitem__(self, index: int | slice | np.ndarray) -> Episodes:
        """Some of the episodes, copied. ``index`` is an int (one episode), a slice, or an integer or boolean array."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        lengths = self.lengths[chosen]
        steps = _ranges(self.starts[chosen], lengths)
        states = _ranges(self.starts[chosen] + chosen, lengths + 1)
        return Episodes(
            {key: value[states] for key, value in self.observations.items()},
            {key: value[states] for key, value in self.explanations.items()},
            self.actions[steps],
            self.rewards[steps],
            lengths,
            self.truncated[chosen],
            self.metadata,
        )

    def __iter__(self) -> Iterator[Episodes]:
        return (self[index] for index in range(len(self)))

    def slices(self) -> Iterator[tuple[slice, slice]]:
        """For every episode, the slice of its steps and the slice of its states. Unlike indexing, slicing with them copies nothing."""
        for index, (start, length) in enumerate(zip(self.starts[:-1].tolist(), self.lengths.tolist(), strict=True)):
            yield slice(start, start + length), slice(start + index, start + index + length + 1)

    @property
    def explanation_version(self) -> int:
        """The version of the vocabulary (:class:`~gym_causal.core.explanations.ExplanationSpec`) that the tokens belong to."""
        return int(self.metadata.get("explanation_version", 1))  # files of the first release do not state it

    @property
    def returns(self) -> np.ndarray:
        """(E,) float; the undiscounted return of every episode."""
        return np.add.reduceat(self.rewards, self.starts[:-1]) if len(self) else np.zeros(0)

    def stacked(self, values: np.ndarray) -> np.ndarray:
        """An array of steps (S, ...) or states (S + E, ...) as (E, T, ...) or (E, T + 1, ...), without copying.

        Raises:
            ValueError: the episodes differ in length, or ``values`` has another length.
        """
        if len(np.unique(self.lengths)) != 1:
            raise ValueError("stacked: the episodes differ in length")
        if len(values) not in (self.starts[-1], self.starts[-1] + len(self)):
            raise ValueError(f"stacked: values must have an entry for every step or state, got {len(values)}")
        return values.reshape(len(self), -1, *values.shape[1:])

    def flat(self, space: spaces.Dict | None = None) -> dict[str, np.ndarray]:
        """Steps as plain arrays, for libraries that take no dicts: ``d3rlpy.dataset.MDPDataset(**episodes.flat())``.

        Final observations are left out: what follows an episode's last step is not in these arrays.

        Args:
            space: of the observations; None: that of the environment that the metadata name.

        Returns:
            ``observations`` (S, D) float32, as ``flatten=True`` of the environments makes them; ``actions`` (S,), ``rewards`` (S,) float32;
            ``terminals`` and ``timeouts`` (S,) bool: the last steps of episodes that ended, and of those that a time limit cut short.

        Raises:
            ValueError: no space, and metadata without an environment; or observations that are not of the space, or no numbers.
        """
        from gym_causal.flat_export import flat_arrays  # noqa: PLC0415 - it needs the registry, which comes after this module

        return flat_arrays(self, space)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one compressed ``.npz`` file, whole or not at all; an older one is replaced."""
        path = Path(path)
        arrays = {name: getattr(self, name) for name in ("actions", "rewards", "lengths", "truncated")}
        for kind in ("observations", "explanations"):
            arrays.update({f"{kind}/{key}": value for key, value in getattr(self, kind).items()})
        document = json.dumps({"format": _FORMAT, **self.metadata}, default=_default)

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:  # given a path, NumPy would append a suffix of its own
                np.savez_compressed(file, metadata=np.array(document), **arrays)

        write_atomically(path, write)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Episodes:
        """Read what :meth:`save` wrote. Nothing in the file is ever unpickled, and memory is taken only for what the file can hold.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, or no file of episodes.
        """
        try:
            arrays = read_arrays(path)
            metadata = json.loads(str(arrays["metadata"]))
            if metadata.pop("format", None) != _FORMAT:
                raise ValueError("its format is another one")
            for name, kinds in _KINDS.items():
                if arrays[name].ndim != 1 or arrays[name].dtype.kind not in kinds:
                    raise ValueError(f"{name} has shape {arrays[name].shape} of {arrays[name].dtype}")
            observations, explanations = within("observations", arrays), within("explanations", arrays)
            actions, rewards, lengths, truncated = (arrays[name] for name in _KINDS)
            return cls(observations, explanations, actions, rewards, lengths, truncated, metadata)
        except FileNotFoundError:
            raise
        except Exception as error:  # of the libraries that parse it: what they raise for damaged files is documented nowhere
            raise ValueError(f"path: {os.fspath(path)!r} is not a readable file of episodes: {reason(error)}") from error


def as_json(value: Any) -> Any:
    """An env's argument as metadata hold it: an object as its ``to_dict()``, a function as "module:name", NumPy's numbers as Python's."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if callable(value):
        return f"{value.__module__}:{getattr(value, '__qualname__', type(value).__qualname__)}"
    return value.item() if isinstance(value, np.generic) else value


def _default(value: Any) -> Any:
    """:func:`as_json` for ``json.dumps``, which calls it with what it cannot write itself."""
    if (written := as_json(value)) is value:
        raise TypeError(f"metadata must be JSON, got {value!r}")
    return written


def within(folder: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays named ``folder/key``, by key."""
    return {key.removeprefix(f"{folder}/"): value for key, value in arrays.items() if key.startswith(f"{folder}/")}


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The ranges (start, start + 1, ..., start + length - 1), concatenated."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
