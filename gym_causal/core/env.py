"""A batched task of one row as a :class:`gymnasium.Env`."""

from __future__ import annotations

import operator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from gym_causal.core.episode_length import StatesEpisodeLength
from gym_causal.core.flattening import Flattener
from gym_causal.core.task import BatchedTask, Infos, Observations, row_of


class TaskEnv(StatesEpisodeLength, gym.Env):
    """A :class:`BatchedTask` of one row as a :class:`gymnasium.Env`.

    The k-th call of ``reset`` after a seed plays episode k of that seed.

    Args:
        task: of one row.
        render_mode: None or one of the task's ``metadata["render_modes"]``.
        flatten: observations are float32 vectors (D,), not dicts (:class:`~gym_causal.core.flattening.Flattener`).

    Raises:
        ValueError: another ``render_mode``.
    """

    def __init__(self, task: BatchedTask, render_mode: str | None = None, *, flatten: bool = False) -> None:
        self.metadata = task.metadata
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode must be None or one of {modes}, got {render_mode!r}")
        self.task = task
        self.render_mode = render_mode
        self._flat = Flattener(task.observation_space) if flatten else None
        self.observation_space = observation_space(task) if self._flat is None else self._flat.space
        self.action_space = task.action_space
        self._num_actions = int(task.action_space.n)
        self._rows = np.zeros(1, int)
        self._next_episode: int | None = None  # None until seeded
        self._begun = False
        self._over = True
        self._window: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Infos]:
        super().reset(seed=seed)
        if seed is not None or self._next_episode is None:
            self.task.seed(task_seed(seed, self.np_random))
            self._next_episode = 0
        self.task.begin(self._rows, np.array([self._next_episode]), options)
        self._next_episode += 1
        self._begun, self._over = True, False
        result = self._observation(), row_of(self.task.infos(text=True), 0)
        if self.render_mode == "human":
            self.render()
        return result

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Infos]:
        self.require_running("step")
        try:
            legal = 0 <= (action := operator.index(action)) < self._num_actions
        except TypeError:
            legal = False
        if not legal:
            raise ValueError(f"action must be an int in 0..{self._num_actions - 1}, got {action!r}")
        rewards, terminated, truncated = self.task.step(np.array([action]))
        ended, cut = bool(terminated[0]), bool(truncated[0])
        self._over = ended or cut
        result = (
            self._observation(),
            float(rewards[0]),
            ended,
            cut,
            row_of(self.task.infos(text=True), 0),
        )
        if self.render_mode == "human":
            self.render()
        return result

    def _observation(self) -> Any:
        observations = self.task.observations()
        return row_observation(observations, 0, self.task.bare_observation) if self._flat is None else self._flat(observations)[0]

    def expert_action(self) -> int:
        """The expert's action in the present state.

        Raises:
            ResetNeeded: the episode is over or was never begun.
        """
        self.require_running("expert_action")
        return int(self.task.expert_actions()[0])

    def action_masks(self) -> np.ndarray:
        """(A,) bool; which actions are legal now."""
        self.require_reset("action_masks")
        return self.task.action_masks()[0]

    def require_reset(self, call: str) -> None:
        """Raise ``ResetNeeded``, naming the method ``call``, if no episode was ever begun."""
        if not self._begun:
            raise gym.error.ResetNeeded(f"{call}: no episode yet; call reset first")

    def require_running(self, call: str) -> None:
        """Raise ``ResetNeeded``, naming the method ``call``, if no episode is going on."""
        if self._over:
            raise gym.error.ResetNeeded(f"{call}: the episode is over or was never begun; call reset first")

    def render(self) -> Any:
        self.require_reset("render")
        if self.render_mode is None:
            gym.logger.warn('render: no render_mode was given; use gym.make(..., render_mode="ansi" | "rgb_array" | "human")')
            return None
        if self.render_mode != "human":
            return self.task.render(0, self.render_mode)
        from gym_causal.core.window import Window  # noqa: PLC0415 - an optional extra that the core does not import

        self._window = self._window or Window(self.spec.id if self.spec else type(self).__name__, self.metadata["render_fps"])
        self._window.show(self.task.render(0, "rgb_array"))
        return None

    def close(self) -> None:
        self.task.close()
        if self._window is not None:
            self._window.close()
            self._window = None


def observation_space(task: BatchedTask) -> spaces.Space:
    """The space of what an env returns of one row: a dict, or one entry of it."""
    return task.observation_space if task.bare_observation is None else task.observation_space[task.bare_observation]


def row_observation(observations: Observations, row: int, bare: str | None) -> Any:
    """What an env returns of one row of batched observations: a dict, or the entry ``bare`` of it."""
    return {key: value[row] for key, value in observations.items()} if bare is None else observations[bare][row]


def task_seed(seed: int | None, np_random: np.random.Generator) -> int:
    """The seed of the task's episodes: the given one, else a random one."""
    return int(np_random.integers(2**63)) if seed is None else int(seed)
