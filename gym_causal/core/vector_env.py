"""A batched task as a native, batched :class:`gymnasium.vector.VectorEnv`."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space

from gym_causal.arguments import check_one_of, checked_actions
from gym_causal.core.env import observation_space, task_seed
from gym_causal.core.episode_length import StatesEpisodeLength
from gym_causal.core.flattening import Flattener
from gym_causal.core.row_access import AnswersForRows
from gym_causal.core.step_infos import EndedEpisodes, StepInfos
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations

AUTORESET_MODES = ("same_step", "next_step")


class TaskVectorEnv(StatesEpisodeLength, AnswersForRows, gym.vector.VectorEnv):
    """A :class:`BatchedTask` as a native, batched :class:`gymnasium.vector.VectorEnv`.

    Row b of B plays episodes b, b + B, b + 2B, ... of the seed, so the i-th episode is the same whatever ``num_envs``. (Gymnasium's
    own vector envs seed row i with ``seed + i`` instead.)

    With ``autoreset_mode="next_step"`` a row that is done stays in its last state. Its next step begins its next episode, whatever the
    action, and pays nothing. With "same_step" it begins its next episode at once. The last observation and info of the old one are then in

    * ``infos["final_obs"]``: (B,) objects, as Gymnasium has them: a row's observation, or None where not done.
      ``infos["final_observation"]``, the name of gymnasium 0.29, is the same array.
    * ``infos["final_info"]``: batched like any info; on gymnasium 0.29 (B,) objects, a dict or None, as its users loop over.
    * ``infos["_final_obs"]``, ``infos["_final_observation"]``, ``infos["_final_info"]``: (B,) bool; which rows were done.

    These infos are :class:`~gym_causal.core.step_infos.StepInfos`, whose ``ended`` has the same as batches.

    Args:
        task: of B rows.
        explanation_text: put explanations into words, ``infos["explanation"]["text"]``; words are slow, so the default is data only.
        autoreset_mode: "same_step" or "next_step", or the member of :class:`gymnasium.vector.AutoresetMode`.
        render_mode: None, "ansi" or "rgb_array": what :meth:`render` returns of each row.
        flatten: observations are float32 vectors (B, D), not dicts (:class:`~gym_causal.core.flattening.Flattener`).
        domain: which of the disjoint families of episodes are played.

    Raises:
        ValueError: another mode.
    """

    is_vector_env = True  # gymnasium 0.29's wrappers ask for it

    def __init__(
        self,
        task: BatchedTask,
        *,
        explanation_text: bool = False,
        autoreset_mode: Any = "same_step",
        render_mode: str | None = None,
        flatten: bool = False,
        domain: SeedDomain = SeedDomain.INTERACTION,
    ) -> None:
        # gymnasium 0.29 and 1.x disagree about VectorEnv.__init__, so the documented attributes are set directly.
        mode = str(getattr(autoreset_mode, "name", autoreset_mode)).lower()
        check_one_of("autoreset_mode", mode, AUTORESET_MODES)
        members = getattr(gym.vector, "AutoresetMode", None)
        self.autoreset_mode = mode if members is None else members[mode.upper()]
        self.metadata = {**task.metadata, "autoreset_mode": self.autoreset_mode}
        self.metadata["render_modes"] = [name for name in task.metadata["render_modes"] if name != "human"]  # B windows are of no use
        if render_mode is not None:
            check_one_of("render_mode", render_mode, tuple(self.metadata["render_modes"]))
        self.task, self.num_envs, self.render_mode = task, task.num_envs, render_mode
        self._flat = Flattener(task.observation_space) if flatten else None
        self.single_observation_space = observation_space(task) if self._flat is None else self._flat.space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(self.single_observation_space, task.num_envs)
        self.action_space = batch_space(task.action_space, task.num_envs)
        self.closed = False
        self._num_actions = int(task.action_space.n)
        self._text, self._resets_next_step, self._domain = explanation_text, mode == "next_step", domain
        self._rows = np.arange(task.num_envs)
        self._episodes: np.ndarray | None = None  # (B,) the episode that each row plays; None until seeded
        self._over = np.zeros(task.num_envs, bool)  # (B,) rows that the coming step resets; never any with "same_step"
        self._all_begin = False  # whether no row has had a step of its episode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Infos]:
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise TypeError(f"seed must be one int (row b plays episodes b, b + num_envs, ... of it) or None, got {seed!r}")
        if seed is not None:
            self._np_random, self._np_random_seed = gym.utils.seeding.np_random(int(seed))
        if seed is not None or self._episodes is None:
            self.task.seed(task_seed(seed, self.np_random), self._domain)
            episodes = self._rows.copy()
        else:
            episodes = self._episodes + self.num_envs
        return self._begin_all(episodes, options)

    def begin_episodes(self, first: int) -> tuple[Any, Infos]:
        """Begin episodes ``first``, ``first`` + 1, ... of the seed, one in each row; what they return is what ``reset`` does.

        Rows that have just begun these episodes, because their last ones ended at once, do not begin them again.
        """
        self.require_reset("begin_episodes")
        episodes = first + self._rows
        if self._all_begin and self._episodes is not None and np.array_equal(episodes, self._episodes):
            return self._shown(self.task.observations()), self.task.infos(text=self._text)
        return self._begin_all(episodes)

    def _begin_all(self, episodes: np.ndarray, options: dict[str, Any] | None = None) -> tuple[Any, Infos]:
        self.task.begin(self._rows, episodes, options)
        self._episodes, self._all_begin = episodes, True
        self._over[:] = False
        return self._shown(self.task.observations()), self.task.infos(text=self._text)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Infos]:
        if self._episodes is None:
            self.require_reset("step")
        actions = checked_actions("actions", actions, self.num_envs, self._num_actions)
        if self._resets_next_step:
            return self._step_or_begin(actions)
        task = self.task
        rewards, terminated, truncated = task.step(actions)
        done = terminated | truncated
        self._all_begin = False
        observations, infos = task.observations(), task.infos(text=self._text)
        if np.count_nonzero(done):  # several times faster than `any`
            observations, infos = self._begin_next_episodes(done, observations, infos)
        return self._shown(observations), rewards, terminated, truncated, infos

    def _begin_next_episodes(self, done: np.ndarray, last: Observations, final_infos: Infos) -> tuple[Observations, Infos]:
        """Begin the next episode in the rows that are done, (B,) bool; returns all rows' observations and infos."""
        rows = self._rows[done]
        self._all_begin = len(rows) == self.num_envs
        if self._all_begin:
            ended = EndedEpisodes(rows, self._shown(last), final_infos, self.num_envs)
            self._begin_next(rows)
            observations = self.task.observations()
        else:  # the other rows keep their observations, so only these are computed
            of_rows = {key: value[rows] for key, value in last.items()}
            ended = EndedEpisodes(rows, self._shown(of_rows), final_infos, self.num_envs)
            self._begin_next(rows)
            observations = last
            for key, value in self.task.observations_of(rows).items():
                observations[key][rows] = value
        return observations, StepInfos(self.task.infos(text=self._text), ended, done)

    def _begin_next(self, rows: np.ndarray) -> None:
        """Begin the next episode in (n,) rows."""
        assert self._episodes is not None
        self._episodes[rows] += self.num_envs
        self.task.begin(rows, self._episodes[rows])

    def _step_or_begin(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, Infos]:
        """Begin an episode in the rows whose last one is over, and step the others."""
        begun = self._rows[self._over]
        if len(begun) == self.num_envs:
            rewards, terminated, truncated = np.zeros(self.num_envs), np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        else:
            rewards, terminated, truncated = self.task.step(actions)
        if begun.size:
            self._begin_next(begun)
            rewards[begun], terminated[begun], truncated[begun] = 0, False, False
        self._over = terminated | truncated
        return self._shown(self.task.observations()), rewards, terminated, truncated, self.task.infos(text=self._text)

    def _shown(self, observations: Observations) -> Any:
        """Batched observations as they are returned: a dict of arrays, or vectors; of texts a tuple, as Gymnasium batches them."""
        if self._flat is not None:
            return self._flat(observations)
        bare = self.task.bare_observation
        return observations if bare is None else tuple(observations[bare])

    def expert_actions(self) -> np.ndarray:
        """(B,) int; the expert's action in every row's present state; 0 if all rows wait for their next episode."""
        self.require_reset("expert_actions")
        return np.zeros(self.num_envs, int) if self._over.all() else self.task.expert_actions()

    def action_masks(self) -> np.ndarray:
        """(B, A) bool; which actions are legal now."""
        self.require_reset("action_masks")
        return self.task.action_masks()

    def require_reset(self, call: str) -> None:
        """Raise ``ResetNeeded``, naming the method ``call``, if no episode was ever begun."""
        if self._episodes is None:
            raise gym.error.ResetNeeded(f"{call}: no episodes yet; call reset first")

    def render(self) -> tuple[Any, ...]:
        """One picture of each row, as ``render_mode`` says.

        Raises:
            NotImplementedError: there is no ``render_mode``.
        """
        self.require_reset("render")
        if self.render_mode is None:
            raise NotImplementedError('render: a vector env does not render without make_vec(..., render_mode="ansi" | "rgb_array")')
        return tuple(self.task.render(row, self.render_mode) for row in range(self.num_envs))

    def close(self, **kwargs: Any) -> None:
        self.task.close()
        self.closed = True
