"""One implementation of a task for any number of episodes at once, and its two thin adapters to Gymnasium.

A :class:`BatchedTask` owns all logic on arrays with a leading batch axis. :class:`TaskEnv` is the batch of one and
:class:`TaskVectorEnv` the batch of ``num_envs``; neither adds logic, so they cannot drift apart.
"""

from __future__ import annotations

import dataclasses
import operator
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

Draws = TypeVar("Draws")
Observations = dict[str, np.ndarray]
Infos = dict[str, Any]


_FIRST_BLOCK = 64  # episodes


class SeedDomain(IntEnum):
    """Disjoint families of episodes: the same seed never gives the same episode in two of them."""

    INTERACTION = 0  # what gym.make and make_vec play
    EVALUATION = 1
    COLLECTION = 2


class EpisodeStream(Generic[Draws]):
    """The endless sequence of a seed's episodes, drawn in blocks of fixed sizes, so that episode i depends on nothing but (seed, i).

    The first blocks are small, so that a first ``reset`` is quick; the later ones large, so that drawing them is: sizes grow
    fourfold until ``block_size``, such that blocks end at 64, 256, 1024, ... and then at multiples of ``block_size``.

    Args:
        draw_block: draws the randomness of one block, of a given number of episodes, from the generator it is given.
        block_size: episodes of a large block.
        seed: non-negative int.
        domain: which of the disjoint families.
        max_blocks: blocks kept; one that was dropped is drawn again when it is needed.
    """

    def __init__(
        self, draw_block: Callable[[np.random.Generator, int], Draws], block_size: int, seed: int, domain: SeedDomain, max_blocks: int = 4
    ) -> None:
        self._draw_block, self._block_size, self._max_blocks = draw_block, block_size, max_blocks
        self._seed, self._domain = seed, domain
        self._blocks: OrderedDict[int, Draws] = OrderedDict()
        ends = [block_size]
        while ends[0] > _FIRST_BLOCK:
            ends.insert(0, max(_FIRST_BLOCK, ends[0] // 4))
        self._first_ends = np.array(ends)  # of the growing blocks; the last is block_size

    def take(self, episodes: np.ndarray) -> Draws:
        """The randomness of the given episodes, (n,) ints >= 0, in that order."""
        block_of = self.blocks_of(episodes)
        if block_of[0] == block_of[-1] and (np.diff(episodes) == 1).all():  # neighbours in one block: a view
            first = episodes[0] - self.start(int(block_of[0]))
            return take_rows(self.block(int(block_of[0])), slice(first, first + len(episodes)))
        blocks, part = np.unique(block_of, return_inverse=True)
        parts, places = [], []
        for k, block in enumerate(blocks.tolist()):
            mine = np.flatnonzero(part == k)
            within = episodes[mine] - self.start(block)
            neighbours = (np.diff(within) == 1).all()
            parts.append(take_rows(self.block(block), slice(within[0], within[-1] + 1) if neighbours else within))
            places.append(mine)
        joined = concatenate_rows(parts)
        place = np.concatenate(places)
        return joined if (np.diff(place) == 1).all() else take_rows(joined, np.argsort(place))

    def blocks_of(self, episodes: np.ndarray) -> np.ndarray:
        """The numbers of the blocks that episodes are in."""
        growing = np.searchsorted(self._first_ends, episodes, side="right")
        return np.where(episodes < self._block_size, growing, len(self._first_ends) + episodes // self._block_size - 1)

    def start(self, block: int) -> int:
        """The first episode of a block."""
        growing = len(self._first_ends)
        if block >= growing:
            return (block - growing + 1) * self._block_size
        return int(self._first_ends[block - 1]) if block else 0

    def block(self, block: int) -> Draws:
        """The randomness of a block."""
        if block not in self._blocks:
            if len(self._blocks) >= self._max_blocks:
                self._blocks.popitem(last=False)  # first, so that its memory can be used again
            seed_sequence = np.random.SeedSequence(self._seed, spawn_key=(int(self._domain), block))
            count = self.start(block + 1) - self.start(block)
            # SFC64 is NumPy's fastest generator; random numbers are a third of the cost of an episode.
            self._blocks[block] = self._draw_block(np.random.Generator(np.random.SFC64(seed_sequence)), count)
        self._blocks.move_to_end(block)
        return self._blocks[block]


def take_rows(draws: Any, index: Any) -> Any:
    """The rows ``index`` of a dataclass whose every field is indexed by episode first."""
    return dataclasses.replace(draws, **{f.name: getattr(draws, f.name)[index] for f in dataclasses.fields(draws)})


def concatenate_rows(parts: list[Any]) -> Any:
    """One such dataclass of several."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in dataclasses.fields(parts[0]):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else type(values[0]).concatenate(values)
    return dataclasses.replace(parts[0], **joined)


class BatchedTask(ABC):
    """A task's whole logic, on arrays with a leading batch axis of ``num_envs`` rows.

    All randomness of an episode is drawn when it begins; dynamics are then deterministic and rows are independent.
    """

    observation_space: spaces.Dict  # of one row
    action_space: spaces.Discrete  # of one row
    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 2}

    def __init__(self, num_envs: int) -> None:
        if not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs must be an int of at least 1, got {num_envs!r}")
        self.num_envs = int(num_envs)
        self._stream: EpisodeStream[Any] | None = None

    def seed(self, seed: int, domain: SeedDomain = SeedDomain.INTERACTION) -> None:
        """Play the episodes of ``seed`` from now on."""
        blocks = 4 + self.num_envs // self.block_size
        self._stream = EpisodeStream(self.draw_block, self.block_size, seed, domain, max_blocks=blocks)

    @property
    @abstractmethod
    def block_size(self) -> int:
        """Episodes of a large block (see :class:`EpisodeStream`); a function of the task's arguments alone."""

    @abstractmethod
    def draw_block(self, rng: np.random.Generator, count: int) -> Any:
        """The randomness of ``count`` episodes, as a dataclass whose fields are indexed by episode first."""

    @abstractmethod
    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """Begin the given episodes, (n,) ints of the stream, in the given rows, (n,) ints."""

    @abstractmethod
    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Play (B,) actions; returns rewards (B,) float64, terminated (B,) bool and truncated (B,) bool, all fresh."""

    @abstractmethod
    def observations(self) -> Observations:
        """What the agent sees now, (B, ...) each: fresh arrays in every state (but the same ones when asked twice in one state)."""

    def observations_of(self, rows: np.ndarray) -> Observations:
        """The observations of some rows, (n,) ints. A task whose rows end at different times should compute no others."""
        return {key: value[rows] for key, value in self.observations().items()}

    @abstractmethod
    def infos(self, *, text: bool) -> Infos:
        """What is said beside it, privileged facts included: fresh arrays (B, ...); ``text`` also puts explanations into words."""

    @abstractmethod
    def action_masks(self) -> np.ndarray:
        """(B, A) bool; which actions are legal now."""

    @abstractmethod
    def expert_actions(self) -> np.ndarray:
        """(B,) int; the expert's action in the present state."""

    @abstractmethod
    def is_choice(self) -> np.ndarray:
        """(B,) bool; whether the coming step is one in which strategies are told apart (an exploitation trial, say)."""

    @abstractmethod
    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Metric -> (numerator, denominator), (B,) float each, that the last step adds to a ratio of sums over the episode."""

    @abstractmethod
    def render(self, row: int, mode: str) -> Any:
        """A picture of one row: a str for ``ansi``, (H, W, 3) uint8 for ``rgb_array``."""


class TaskEnv(gym.Env):
    """A :class:`BatchedTask` of one row as a :class:`gymnasium.Env`.

    The k-th call of ``reset`` after a seed plays episode k of that seed.
    """

    def __init__(self, task: BatchedTask, render_mode: str | None = None) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode must be None or one of {modes}, got {render_mode!r}")
        self.task = task
        self.render_mode = render_mode
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self._num_actions = int(task.action_space.n)
        self._rows = np.zeros(1, int)
        self._episode: int | None = None  # the next one to play; None until seeded
        self._over = True
        self._window: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Infos]:
        super().reset(seed=seed)
        if seed is not None or self._episode is None:
            self.task.seed(_new_seed(seed, self.np_random))
            self._episode = 0
        self.task.begin(self._rows, np.array([self._episode]), options)
        self._episode += 1
        self._over = False
        observation = {key: value[0] for key, value in self.task.observations().items()}
        result = observation, row_of(self.task.infos(text=True), 0)
        if self.render_mode == "human":
            self.render()
        return result

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Infos]:
        if self._over:
            raise gym.error.ResetNeeded("step: the episode is over or was never begun; call reset first")
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
            {key: value[0] for key, value in self.task.observations().items()},
            float(rewards[0]),
            ended,
            cut,
            row_of(self.task.infos(text=True), 0),
        )
        if self.render_mode == "human":
            self.render()
        return result

    def expert_action(self) -> int:
        """The expert's action in the present state."""
        return int(self.task.expert_actions()[0])

    def action_masks(self) -> np.ndarray:
        """(A,) bool; which actions are legal now."""
        return self.task.action_masks()[0]

    def render(self) -> Any:
        if self.render_mode is None:
            gym.logger.warn('render: no render_mode was given; use gym.make(..., render_mode="ansi" | "rgb_array" | "human")')
            return None
        if self.render_mode != "human":
            return self.task.render(0, self.render_mode)
        from gym_causal.window import Window  # noqa: PLC0415 - an optional extra that the core does not import

        self._window = self._window or Window(self.spec.id if self.spec else type(self).__name__, self.metadata["render_fps"])
        self._window.show(self.task.render(0, "rgb_array"))
        return None

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None


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
            self.task.seed(_new_seed(seed, self.np_random))
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


@lru_cache(maxsize=None, typed=True)  # typed: True and 1 make different arrays
def _constant(count: int, value: Any) -> np.ndarray:
    return np.full(count, value, object if value == "" else None)


def constant(count: int, value: Any) -> np.ndarray:
    """A fresh (count,) array of one value; many times faster than ``np.full`` for a short one."""
    return _constant(count, value).copy()


def _new_seed(seed: int | None, np_random: np.random.Generator) -> int:
    return int(np_random.integers(2**63)) if seed is None else int(seed)


def _checked(actions: Any, shape: tuple[int, ...], num_actions: int) -> np.ndarray:
    actions = np.asarray(actions)
    if actions.shape != shape or actions.dtype.kind not in "iu":
        raise ValueError(f"actions must be integers of shape {shape}, got {actions.dtype} of shape {actions.shape}")
    if actions.min() < 0 or actions.max() >= num_actions:
        raise ValueError(f"actions must be in 0..{num_actions - 1}, got {actions.min()}..{actions.max()}")
    return actions


def row_of(infos: Infos, row: int) -> Infos:
    """What batched infos say of one row."""
    return {key: row_of(value, row) if type(value) is dict else value[row] for key, value in infos.items()}


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
