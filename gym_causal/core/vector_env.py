"""A batched task as a native, batched :class:`gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space

from gym_causal.arguments import checked_actions
from gym_causal.core.env import task_seed
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations


class TaskVectorEnv(gym.vector.VectorEnv):
    """A :class:`BatchedTask` as a native, batched :class:`gymnasium.vector.VectorEnv`.

    Row b of B plays episodes b, b + B, b + 2B, ... of the seed, so the i-th episode is the same whatever ``num_envs``. (Gymnasium's
    own vector envs seed row i with ``seed + i`` instead.)

    A row that is done begins its next episode in the same step. The last observation and info of the old episode are then in

    * ``infos["final_obs"]``: :class:`FinalObservations`, per row a dict, or None where not done. ``infos["final_observation"]``, the
      name of gymnasium 0.29, is the same object.
    * ``infos["final_info"]``: batched like any info.
    * ``infos["_final_obs"]``, ``infos["_final_observation"]``, ``infos["_final_info"]``: (B,) bool; which rows were done.

    Args:
        task: of B rows.
        explanation_text: put explanations into words, ``infos["explanation"]["text"]``; words are slow, so the default is data only.
        domain: which of the disjoint families of episodes are played.
    """

    def __init__(self, task: BatchedTask, *, explanation_text: bool = False, domain: SeedDomain = SeedDomain.INTERACTION) -> None:
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
        self._num_actions = int(task.action_space.n)
        self._text, self._domain = explanation_text, domain
        self._rows = np.arange(task.num_envs)
        self._episodes: np.ndarray | None = None  # (B,) the episode that each row plays; None until seeded
        self._all_begin = False  # whether no row has had a step of its episode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise TypeError(f"seed must be one int (row b plays episodes b, b + num_envs, ... of it) or None, got {seed!r}")
        if seed is not None:
            self._np_random, _ = gym.utils.seeding.np_random(int(seed))
        if seed is not None or self._episodes is None:
            self.task.seed(task_seed(seed, self.np_random), self._domain)
            episodes = self._rows.copy()
        else:
            episodes = self._episodes + self.num_envs
        return self._begin(episodes, options)

    def begin_episodes(self, first: int) -> tuple[Observations, Infos]:
        """Begin episodes ``first``, ``first`` + 1, ... of the seed, one in each row; what they return is what ``reset`` does.

        Rows that have just begun these episodes, because their last ones ended at once, do not begin them again.
        """
        self.require_reset("begin_episodes")
        episodes = first + self._rows
        if self._all_begin and self._episodes is not None and np.array_equal(episodes, self._episodes):
            return self.task.observations(), self.task.infos(text=self._text)
        return self._begin(episodes)

    def _begin(self, episodes: np.ndarray, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        self.task.begin(self._rows, episodes, options)
        self._episodes, self._all_begin = episodes, True
        return self.task.observations(), self.task.infos(text=self._text)

    def step(self, actions: Any) -> tuple[Observations, np.ndarray, np.ndarray, np.ndarray, Infos]:
        if self._episodes is None:
            self.require_reset("step")
        task = self.task
        rewards, terminated, truncated = task.step(checked_actions("actions", actions, self.num_envs, self._num_actions))
        done = terminated | truncated
        self._all_begin = False
        observations, infos = task.observations(), task.infos(text=self._text)
        if np.count_nonzero(done):  # several times faster than `any`
            observations, infos = self._begin_next_episodes(done, observations, infos)
        return observations, rewards, terminated, truncated, infos

    def _begin_next_episodes(self, done: np.ndarray, last: Observations, final_info: Infos) -> tuple[Observations, Infos]:
        """Begin the next episode in the rows that are done, (B,) bool; returns all rows' observations and infos."""
        assert self._episodes is not None
        rows = self._rows[done]
        self._episodes[rows] += self.num_envs
        self._all_begin = len(rows) == self.num_envs
        if self._all_begin:
            final_obs = FinalObservations(last, rows, self.num_envs)
            self.task.begin(rows, self._episodes)
            observations = self.task.observations()
        else:  # the other rows keep their observations, so only these are computed
            final_obs = FinalObservations({key: value[rows] for key, value in last.items()}, rows, self.num_envs)
            self.task.begin(rows, self._episodes[rows])
            observations = last
            for key, value in self.task.observations_of(rows).items():
                observations[key][rows] = value
        infos = self.task.infos(text=self._text)
        infos.update(final_obs=final_obs, final_observation=final_obs, final_info=final_info)
        infos.update(_final_obs=done.copy(), _final_observation=done.copy(), _final_info=done.copy())
        return observations, infos

    def expert_actions(self) -> np.ndarray:
        """(B,) int; the expert's action in every row's present state."""
        self.require_reset("expert_actions")
        return self.task.expert_actions()

    def action_masks(self) -> np.ndarray:
        """(B, A) bool; which actions are legal now."""
        self.require_reset("action_masks")
        return self.task.action_masks()

    def require_reset(self, call: str) -> None:
        """Raise ``ResetNeeded``, naming the method ``call``, if no episode was ever begun."""
        if self._episodes is None:
            raise gym.error.ResetNeeded(f"{call}: no episodes yet; call reset first")

    def render(self) -> Any:
        """Not implemented: a vector env has no window. ``task.render(row, "rgb_array")`` draws one row."""
        self.require_reset("render")
        raise NotImplementedError('render: a vector env does not render; use task.render(row, "rgb_array"), or gym.make')

    def close(self, **kwargs: Any) -> None:
        self.task.close()
        self.closed = True


class FinalObservations(Sequence[Any]):
    """The last observation of each row whose episode ended: entry b is a dict, or None where row b's did not end.

    It stands for Gymnasium's object array of dicts. The dicts are made when they are read: making thousands of them costs more than
    playing the episodes.

    Attributes:
        batched: the same as arrays, (n, ...) each, of the n rows that ended.
        rows: (n,) int, ascending; which rows those are.
    """

    def __init__(self, batched: Observations, rows: np.ndarray, num_envs: int) -> None:
        self.batched, self.rows, self._num_envs = batched, rows, num_envs
        self._entries: dict[int, Any] = {}  # those made or replaced so far

    def __len__(self) -> int:
        return self._num_envs

    def __getitem__(self, index: Any) -> Any:
        if not hasattr(index, "__index__"):  # a slice, a mask or a list, as of an array
            return np.asarray(self)[index]
        row = range(len(self))[index]
        if row not in self._entries:
            position = int(np.searchsorted(self.rows, row))
            ended = position < len(self.rows) and self.rows[position] == row
            self._entries[row] = {key: value[position] for key, value in self.batched.items()} if ended else None
        return self._entries[row]

    def __setitem__(self, index: int, observation: Any) -> None:
        """Replace an entry, as wrappers that transform observations do."""
        self._entries[range(len(self))[index]] = observation

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        entries = np.empty(len(self), object)
        for row in range(len(self)):
            entries[row] = self[row]
        return entries
