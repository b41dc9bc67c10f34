"""A batched task as a native, batched :class:`gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space

from gym_causal.core.env import new_seed
from gym_causal.core.task import BatchedTask, Infos, Observations


class TaskVectorEnv(gym.vector.VectorEnv):
    """A :class:`BatchedTask` as a native, batched :class:`gymnasium.vector.VectorEnv`.

    Row b of B plays episodes b, b + B, b + 2B, ... of the seed, so the i-th episode is the same whatever ``num_envs``. (Gymnasium's
    own vector envs seed row i with ``seed + i`` instead.) A row that is done begins its next episode in the same step; the
    observation and info that ended the old one are in ``infos["final_obs"]`` (per row a dict, None where not done; also under
    0.29's name, ``final_observation``) and ``infos["final_info"]`` (batched like any info), with the mask
    ``infos["_final_obs"]`` saying where.
    """

    def __init__(self, task: BatchedTask, *, explanation_text: bool = False) -> None:
        # gymnasium 0.29 and 1.x disagree about VectorEnv.__init__, so the documented attributes are set directly.
        autoreset_mode = getattr(gym.vector, "AutoresetMode", None)
        self.metadata = dict(task.metadata)
        if autoreset_mode is not None:
            self.metadata["autoreset_mode"] = autoreset_mode.SAME_STEP
        self.task = task
        self.num_envs = task.num_envs
        self.single_observation_space, self.single_action_space = task.observation_space, task.action_space
        self.observation_space = batch_space(task.observation_space, task.num_envs)
        self.action_space = batch_space(task.action_space, task.num_envs)
        self.render_mode = None
        self.closed = False
        self._text = explanation_text
        self._rows = np.arange(task.num_envs)
        self._episodes: np.ndarray | None = None  # (B,) the episode that each row plays; None until seeded

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise TypeError(f"seed must be one int (row b plays episodes b, b + num_envs, ... of it) or None, got {seed!r}")
        if seed is not None:
            self._np_random, _ = gym.utils.seeding.np_random(int(seed))
        if seed is not None or self._episodes is None:
            self.task.seed(new_seed(seed, self.np_random))
            self._episodes = self._rows.copy()
        else:
            self._episodes = self._episodes + self.num_envs
        self.task.begin(self._rows, self._episodes, options)
        return self.task.observations(), self.task.infos(text=self._text)

    def step(self, actions: Any) -> tuple[Observations, np.ndarray, np.ndarray, np.ndarray, Infos]:
        if self._episodes is None:
            raise gym.error.ResetNeeded("step: call reset first")
        rewards, terminated, truncated = self.task.step(_checked(actions, (self.num_envs,), int(self.task.action_space.n)))
        done = terminated | truncated
        if not done.any():
            return self.task.observations(), rewards, terminated, truncated, self.task.infos(text=self._text)
        observations, final_info = self.task.observations(), self.task.infos(text=self._text)
        rows = self._rows[done]
        self._episodes[rows] += self.num_envs
        if len(rows) == self.num_envs:
            final_obs = FinalObservations(observations, rows, self.num_envs)
            self.task.begin(rows, self._episodes)
            observations = self.task.observations()
        else:  # only what has changed
            final_obs = FinalObservations({key: value[rows] for key, value in observations.items()}, rows, self.num_envs)
            self.task.begin(rows, self._episodes[rows])
            for key, value in self.task.observations_of(rows).items():
                observations[key][rows] = value
        infos = self.task.infos(text=self._text)
        infos.update(final_obs=final_obs, final_observation=final_obs, final_info=final_info)
        infos.update({f"_{key}": done.copy() for key in ("final_obs", "final_observation", "final_info")})
        return observations, rewards, terminated, truncated, infos

    def expert_actions(self) -> np.ndarray:
        """(B,) int; the expert's action in every row's present state."""
        return self.task.expert_actions()

    def action_masks(self) -> np.ndarray:
        """(B, A) bool; which actions are legal now."""
        return self.task.action_masks()

    def close(self, **kwargs: Any) -> None:
        self.closed = True


def _checked(actions: Any, shape: tuple[int, ...], num_actions: int) -> np.ndarray:
    actions = np.asarray(actions)
    if actions.shape != shape or actions.dtype.kind not in "iu":
        raise ValueError(f"actions must be integers of shape {shape}, got {actions.dtype} of shape {actions.shape}")
    if actions.min() < 0 or actions.max() >= num_actions:
        raise ValueError(f"actions must be in 0..{num_actions - 1}, got {actions.min()}..{actions.max()}")
    return actions


class FinalObservations(Sequence[Any]):
    """The last observations of the episodes that ended: like Gymnasium's object array, the dict of row i or None, but made on demand.

    (Making thousands of small dicts costs more than playing the episodes.) ``batched`` holds the same as arrays (n, ...), one row for each
    of the ``rows`` that ended.
    """

    def __init__(self, batched: Observations, rows: np.ndarray, num_envs: int) -> None:
        self.batched, self.rows, self._num_envs = batched, rows, num_envs
        self._made: dict[int, Any] = {}

    def __len__(self) -> int:
        return self._num_envs

    def __getitem__(self, row: Any) -> Any:
        if not hasattr(row, "__index__"):  # a slice, a mask or a list, as of an array
            return np.asarray(self)[row]
        index = range(len(self))[row]
        if index not in self._made:
            place = int(np.searchsorted(self.rows, index))
            ended = place < len(self.rows) and self.rows[place] == index
            self._made[index] = {key: value[place] for key, value in self.batched.items()} if ended else None
        return self._made[index]

    def __setitem__(self, row: int, observation: Any) -> None:
        """Wrappers that transform observations put theirs in place."""
        self._made[range(len(self))[row]] = observation

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        rows = np.empty(len(self), object)
        for i in range(len(self)):
            rows[i] = self[i]
        return rows
