"""The infos of a vector env's step in which episodes ended, with what Gymnasium has in object arrays made when it is first read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from gym_causal.core.task import Infos, Observations, row_of

# 1.x batches final infos like any others; 0.29 has an object array of dicts.
_BATCHES_FINAL_INFO = hasattr(gym.vector, "AutoresetMode")


@dataclass(frozen=True, eq=False)
class EndedEpisodes:
    """The last states of the n episodes that a step of B rows ended."""

    rows: np.ndarray  # (n,) int, ascending; where they were played
    observations: Observations | np.ndarray | tuple[str, ...]  # (n, ...) each; one array where observations are flat; n texts
    infos: Infos  # (B, ...); those of other rows are of episodes that go on
    num_envs: int  # B

    def each_observation(self) -> list[Any]:
        """(n,) observations of one row: dicts, where they are flat arrays, or texts."""
        if not isinstance(self.observations, dict):
            return list(self.observations)
        keys = tuple(self.observations)
        return [dict(zip(keys, values, strict=True)) for values in zip(*self.observations.values(), strict=True)]

    def observation_array(self) -> np.ndarray:
        """(B,) objects: an observation, or None where no episode ended."""
        return self._array(self.each_observation())

    def info_array(self) -> np.ndarray:
        """(B,) objects: a dict of infos, or None where no episode ended."""
        return self._array([row_of(self.infos, row) for row in self.rows.tolist()])

    def _array(self, entries: list[Any]) -> np.ndarray:
        array = np.full(self.num_envs, None, object)
        for row, entry in zip(self.rows.tolist(), entries, strict=True):  # one by one: NumPy would unpack an entry that is an array
            array[row] = entry
        return array


class _Late:
    """A value that is made when it is first read."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._value: Any = None

    def read(self) -> Any:
        if self._make is not None:
            self._value, self._make = self._make(), None
        return self._value


class StepInfos(dict[str, Any]):
    """The infos of a step in which episodes ended and others began: a dict with Gymnasium's own entries about the ended ones.

    Object arrays of thousands of dicts cost more than playing the episodes, and are seldom read: they are made when they are. Whoever
    reads batches finds them in :attr:`ended`.

    Args:
        infos: of the states that rows are in now.
        ended: the episodes that ended.
        done: (B,) bool; in which rows.
    """

    def __init__(self, infos: Infos, ended: EndedEpisodes, done: np.ndarray) -> None:
        super().__init__(infos)
        self.ended = ended
        observation = _Late(ended.observation_array)
        info = ended.infos if _BATCHES_FINAL_INFO else _Late(ended.info_array)
        self.update(final_obs=observation, final_observation=observation, final_info=info)
        self.update(_final_obs=done.copy(), _final_observation=done.copy(), _final_info=done.copy())

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) is _Late:
            value = self[key] = value.read()
        return value

    # A dict's own methods read past __getitem__.

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # without one of our own, dict(infos) and {**infos} would do so too

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - this is `get`

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self[key]
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        key = next(reversed(self))
        return key, self.pop(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        super().setdefault(key, default)
        return self[key]

    def values(self) -> Any:
        return self._made().values()

    def items(self) -> Any:
        return self._made().items()

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __eq__(self, other: object) -> bool:
        return dict(self) == other

    __hash__ = None

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)  # what is pickled or copied is a plain dict

    def _made(self) -> Any:
        for key in self:
            self[key]
        return super()
