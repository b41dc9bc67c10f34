"""The batched task: one implementation of an environment's logic for any number of episodes at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gym_causal.core.explanations import NO_EXPLANATIONS, ExplanationSpec
from gym_causal.core.streams import EpisodeStream, SeedDomain

Observations = dict[str, np.ndarray]
Infos = dict[str, Any]


class BatchedTask(ABC):
    """A task's whole logic, on arrays with a leading batch axis of B = ``num_envs`` rows.

    All randomness of an episode is drawn when it begins; dynamics are then deterministic and rows are independent. Used as
    ``seed``, ``begin``, then any number of ``step``; a row whose episode is over must be begun again before it is stepped.

    A task of your own must define the abstract methods and the two spaces. The others have defaults: every action is legal, there
    is no expert, every step is a choice, and the reward is the only metric.
    """

    observation_space: spaces.Dict  # of one row
    bare_observation: str | None = None  # the only key of the observations, if envs return its entry in place of a dict
    action_space: spaces.Discrete  # of one row
    explanations: ExplanationSpec = NO_EXPLANATIONS
    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 2}

    def __init__(self, num_envs: int) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs must be an int of at least 1, got {num_envs!r}")
        self.num_envs = int(num_envs)
        self._stream: EpisodeStream[Any] | None = None

    def seed(self, seed: int, domain: SeedDomain = SeedDomain.INTERACTION) -> None:
        """Play the episodes of ``seed`` from now on."""
        blocks = 4 + self.num_envs // self.block_size
        self._stream = EpisodeStream(self.draw_block, self.block_size, seed, domain, max_blocks=blocks)

    @property
    def stream(self) -> EpisodeStream[Any]:
        """The episodes of the seed.

        Raises:
            ResetNeeded: :meth:`seed` was never called.
        """
        if self._stream is None:
            raise ResetNeeded("begin: no episodes yet; call seed first")
        return self._stream

    @property
    def block_size(self) -> int:
        """Episodes of a large block (see :class:`EpisodeStream`); a function of the task's arguments alone."""
        return 1_024

    @abstractmethod
    def draw_block(self, rng: np.random.Generator, count: int) -> Any:
        """The randomness of ``count`` episodes, as a dataclass whose fields are indexed by episode first."""

    @abstractmethod
    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """Begin the given episodes, (n,) ints of :attr:`stream`, in the given rows, (n,) ints."""

    @abstractmethod
    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Play (B,) actions; returns rewards (B,) float64, terminated (B,) bool and truncated (B,) bool, all fresh."""

    @abstractmethod
    def observations(self) -> Observations:
        """The present observations, (B, ...) each: fresh arrays in every state (but the same ones when asked twice in one state)."""

    def observations_of(self, rows: np.ndarray) -> Observations:
        """The observations of some rows, (n,) ints. A task whose rows end at different times should compute no others."""
        return {key: value[rows] for key, value in self.observations().items()}

    def infos(self, *, text: bool) -> Infos:
        """The present infos, privileged facts included: fresh arrays (B, ...), nested dicts allowed, the same keys in every state.

        Args:
            text: also put the explanations into words, ``infos["explanation"]["text"]``.
        """
        return {}

    def action_masks(self) -> np.ndarray:
        """(B, A) bool; which actions are legal now."""
        return np.ones((self.num_envs, int(self.action_space.n)), bool)

    def expert_actions(self) -> np.ndarray:
        """(B,) int; the expert's action in the present state.

        Raises:
            NotImplementedError: the task has no expert.
        """
        raise NotImplementedError(f"{type(self).__name__} has no expert: give a policy of your own instead of 'expert'")

    def is_choice(self) -> np.ndarray:
        """(B,) bool; whether the coming step tells strategies apart (in the causal DAG, exploitation trials)."""
        return np.ones(self.num_envs, bool)

    def has_effect(self, observations: Observations) -> np.ndarray:
        """(...) bool; whether an action can do anything at these observations, ``(..., *shape)`` each. Others are not learned from."""
        key = next(iter(observations))
        shape = self.observation_space[key].shape or ()
        return np.ones(observations[key].shape[: observations[key].ndim - len(shape)], bool)

    def explanation_groups(self, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
        """Groups of tokens whose predictions are scored together, for tokens (n, L) of n explanations.

        Returns:
            name -> (mask, columns): at the steps where ``mask`` (n,) bool is true, the group is the tokens ``tokens[:, columns]``.
        """
        return {}

    def describe_tokens(self, tokens: np.ndarray) -> list[str]:
        """n explanations in words, of tokens (n, L) that an agent predicted and need not make sense. By default the tokens' own words."""
        vocabulary = self.explanations.vocabulary
        return [", ".join(vocabulary[token] for token in row if token) for row in tokens.tolist()]

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Metric -> (numerator, denominator), (B,) float each, that the last step adds to a ratio of sums over episodes."""
        return {}

    def render(self, row: int, mode: str) -> Any:
        """A picture of one row: a str for ``ansi``, (H, W, 3) uint8 for ``rgb_array``.

        Raises:
            NotImplementedError: the task has no pictures.
        """
        raise NotImplementedError(f"{type(self).__name__} does not render")

    def close(self) -> None:  # noqa: B027 - most tasks hold arrays alone
        """Free what the task holds beside arrays; called by whoever made it, once it is no longer played."""


@lru_cache(maxsize=None, typed=True)  # typed: True and 1 make different arrays
def _constant(count: int, value: Any) -> np.ndarray:
    return np.full(count, value, object if value == "" else None)


def constant(count: int, value: Any) -> np.ndarray:
    """A fresh (count,) array of one value; many times faster than ``np.full`` for a short one."""
    return _constant(count, value).copy()


def row_of(infos: Infos, row: int) -> Infos:
    """The info of one row, from batched infos."""
    return {key: row_of(value, row) if type(value) is dict else value[row] for key, value in infos.items()}
