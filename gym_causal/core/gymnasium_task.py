"""Any Gymnasium env with a Discrete action space as a batched task: single envs, stepped one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from gym_causal.arguments import check_one_of
from gym_causal.core.task import BatchedTask, Infos, Observations

_ACCEPTED = (spaces.Box, spaces.Discrete, spaces.MultiBinary)


@dataclass(frozen=True)
class GymnasiumConfig:
    """Arguments of :class:`GymnasiumTask`.

    Attributes:
        env_id: an id that Gymnasium knows.
        split: "train".
        explain: "none".
        expert_info: put the expert's action into the info; only for an env that has an expert.
        env_kwargs: further arguments of ``gymnasium.make``.
    """

    env_id: str
    split: str = "train"
    explain: str = "none"
    expert_info: bool = False
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_one_of(f"{self.env_id}: split", self.split, ("train",))
        check_one_of(f"{self.env_id}: explain", self.explain, ("none",))

    @classmethod
    def from_kwargs(cls, env_id: str, kwargs: Mapping[str, Any]) -> GymnasiumConfig:
        """A config of which all ``kwargs`` but split, explain and expert_info are the env's own."""
        ours = {key: value for key, value in kwargs.items() if key in ("split", "explain", "expert_info")}
        return cls(env_id, **ours, env_kwargs={key: value for key, value in kwargs.items() if key not in ours})


@dataclass(frozen=True)
class EpisodeSeeds:
    """The randomness of E episodes."""

    seeds: np.ndarray  # (E,) int; what ``reset`` of each is called with


class GymnasiumTask(BatchedTask):
    """``num_envs`` envs of a Gymnasium id as one task.

    Episode i of a seed begins with ``reset(seed=s)``, where s depends on nothing but (seed, domain, i).

    Observations are always a dict: an env's single Box, Discrete or MultiBinary is under the key "observation", and a flat Dict of
    them keeps its keys. Values of a Discrete that starts at s are counted from 0, in observations and in actions. Entries of a Dict
    that no network reads (Text, as MiniGrid's "mission") are left out, with a warning.

    An env may have methods ``expert_action()``, which returns an action of its own action space, and ``action_masks()``, (A,) bool; masks
    are also taken from ``info["action_mask"]``, where Taxi has them.
    Rows whose episode is over do nothing until they are begun again.

    Args:
        config: which env.
        num_envs: B, how many episodes at once.

    Raises:
        ValueError: the action space is not Discrete, or the observation space is none of those above.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "render_fps": 30}

    def __init__(self, config: GymnasiumConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
        # Checking every step costs more than playing it, and says nothing about a policy.
        self._envs = [gym.make(config.env_id, disable_env_checker=True, **config.env_kwargs) for _ in range(self.num_envs)]
        first = self._envs[0]
        if not isinstance(first.action_space, spaces.Discrete):
            raise ValueError(f"{config.env_id}: the action space must be Discrete, got {first.action_space}")
        self._first_action = int(first.action_space.start)
        self.action_space = spaces.Discrete(int(first.action_space.n))
        self._is_dict = isinstance(first.observation_space, spaces.Dict)
        accepted = _accepted_spaces(config.env_id, first.observation_space)
        self._starts = {key: int(space.start) if isinstance(space, spaces.Discrete) else 0 for key, space in accepted.items()}
        self.observation_space = spaces.Dict(
            {key: spaces.Discrete(int(space.n)) if isinstance(space, spaces.Discrete) else space for key, space in accepted.items()}
        )
        self._values = {
            key: np.zeros((num_envs, *(space.shape or ())), space.dtype) for key, space in self.observation_space.spaces.items()
        }
        self._masks: list[Any] = [None] * num_envs  # info["action_mask"] of each env's last step, (A,); None: it has none
        self._over = np.ones(num_envs, bool)  # (B,) also before the first episode

    @property
    def block_size(self) -> int:
        return 16  # also bounds how many envs `evaluate` makes: four times as many

    def draw_block(self, rng: np.random.Generator, count: int) -> EpisodeSeeds:
        return EpisodeSeeds(rng.integers(2**31, size=count))

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """See the base class. ``options`` are handed to every env's ``reset``."""
        for row, seed in zip(rows.tolist(), self.stream.take(episodes).seeds.tolist(), strict=True):
            self._put(row, *self._envs[row].reset(seed=seed, options=options))
        self._over[rows] = False

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        for row in np.flatnonzero(~self._over).tolist():
            observation, reward, terminated[row], truncated[row], info = self._envs[row].step(int(actions[row]) + self._first_action)
            rewards[row] = float(reward)
            self._put(row, observation, info)
        self._over |= terminated | truncated
        return rewards, terminated, truncated & ~terminated

    def _put(self, row: int, observation: Any, info: Mapping[str, Any]) -> None:
        self._masks[row] = info.get("action_mask")
        for key, values in self._values.items():
            value = observation[key] if self._is_dict else observation
            values[row] = np.asarray(value) - self._starts[key] if self._starts[key] else value

    def observations(self) -> Observations:
        return {key: value.copy() for key, value in self._values.items()}

    def observations_of(self, rows: np.ndarray) -> Observations:
        return {key: value[rows] for key, value in self._values.items()}

    def infos(self, *, text: bool) -> Infos:
        explanation = {"kind": np.full(self.num_envs, "none")}
        if text:
            explanation["text"] = np.full(self.num_envs, "", object)
        infos: Infos = {"explanation": explanation}
        if self.config.expert_info:
            infos["expert_action"] = self.expert_actions()
        return infos

    def action_masks(self) -> np.ndarray:
        """(B, A) bool; from the envs' ``action_masks()``, else their ``info["action_mask"]``; where there is neither, all are legal."""
        masks = super().action_masks()
        for row in range(self.num_envs):
            method = self._method(row, "action_masks")
            mask = self._masks[row] if method is None else method()
            if mask is not None:
                masks[row] = mask
        return masks

    def expert_actions(self) -> np.ndarray:
        """(B,) int; from the envs' ``expert_action()``; 0 where the episode is over.

        Raises:
            NotImplementedError: the env has no such method.
        """
        actions = np.zeros(self.num_envs, int)
        for row in range(self.num_envs):
            expert_action = self._method(row, "expert_action")
            if expert_action is None:
                raise NotImplementedError(
                    f"{self.config.env_id} has no expert: give a policy instead of 'expert', or the env a method expert_action()"
                )
            if not self._over[row]:
                actions[row] = int(expert_action()) - self._first_action
        return actions

    def close(self) -> None:
        for env in self._envs:
            env.close()

    def _method(self, row: int, name: str) -> Callable[[], Any] | None:
        try:
            return self._envs[row].get_wrapper_attr(name)
        except AttributeError:
            return None


def _accepted_spaces(env_id: str, space: spaces.Space) -> dict[str, spaces.Space]:
    """The parts of an observation space that an agent gets, by key."""
    if isinstance(space, _ACCEPTED):
        return {"observation": space}
    rule = "the observation space must be Box, Discrete, MultiBinary or a flat Dict of them"
    if not isinstance(space, spaces.Dict):
        raise ValueError(f"{env_id}: {rule}, got {space}")
    nested = [key for key, part in space.spaces.items() if isinstance(part, (spaces.Dict, spaces.Tuple))]
    accepted: dict[str, spaces.Space] = {key: part for key, part in space.spaces.items() if isinstance(part, _ACCEPTED)}
    if nested or not accepted:
        raise ValueError(f"{env_id}: {rule}, got {space}; gymnasium.wrappers.FlattenObservation may help")
    left_out = [f"{key!r} ({type(part).__name__})" for key, part in space.spaces.items() if key not in accepted]
    if left_out:
        _warn_once(f"{env_id}: observations without {', '.join(left_out)}, which is no Box, Discrete or MultiBinary")
    return accepted


@cache
def _warn_once(message: str) -> None:
    """Evaluating or training makes many tasks of one env, of which one warning is enough."""
    gym.logger.warn(message)
