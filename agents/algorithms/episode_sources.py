"""Where whole episodes come from: one of each env, from a native batch or from any of stable-baselines3's vector envs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from agents.policies.spaces_task import as_dict
from agents.vec_env import BatchedVecEnv
from gym_causal.core.step_infos import StepInfos
from gym_causal.core.task import Infos, Observations


@dataclass(frozen=True)
class State:
    """What is known before an action of each of B envs."""

    observations: Observations  # (B, ...) each
    action_masks: np.ndarray | None  # (B, A) bool; None: not asked for
    explanations: np.ndarray | None  # (B, L) int tokens; None: not asked for


@dataclass(frozen=True)
class Transition:
    """A step of each of B envs."""

    state: State  # the next one; where an episode is over, of the next episode
    rewards: np.ndarray  # (B,)
    dones: np.ndarray  # (B,) bool; whether the episode is over
    truncated: np.ndarray  # (B,) bool; whether it is over without a terminal state
    ended: np.ndarray  # (n,) int; the envs whose episode is over
    last_observations: Observations  # (n, ...) each; what was observed at the end of these episodes
    infos: Sequence[dict[str, Any]]  # stable-baselines3's

    def cut(self, playing: np.ndarray) -> tuple[np.ndarray, Observations]:
        """The envs, (n,) ints of those that are ``playing`` (B,) bool, whose episode is over without a terminal state, and what was
        observed last."""
        found = self.truncated[self.ended] & playing[self.ended]
        return self.ended[found], {key: value[found] for key, value in self.last_observations.items()}


class LazyInfos(Sequence[dict[str, Any]]):
    """A dict for each env, all made when the first is read: a thousand of them cost more than the step.

    Args:
        num_envs: how many there are.
        make: makes them.
    """

    def __init__(self, num_envs: int, make: Callable[[], list[dict[str, Any]]]) -> None:
        self._num_envs, self._make = num_envs, make
        self._infos: list[dict[str, Any]] | None = None

    def __len__(self) -> int:
        return self._num_envs

    def __getitem__(self, index: Any) -> Any:
        if self._infos is None:
            self._infos = self._make()
        return self._infos[index]


class EpisodeSource(Protocol):
    """Plays one episode in each env at a time."""

    def begin(self, iteration: int) -> State:
        """Begin the episodes of an iteration, counted from 0."""
        ...

    def step(self, actions: np.ndarray) -> Transition:
        """Play (B,) actions."""
        ...


class NativeEpisodes:
    """Episodes of a native batch, on arrays alone. Iteration i plays episodes i * B to (i + 1) * B - 1 of the seed.

    Args:
        venv: where to play.
        action_masks: whether masks are asked for.
        explanations: whether the tokens of explanations are asked for.
    """

    def __init__(self, venv: BatchedVecEnv, *, action_masks: bool, explanations: bool) -> None:
        self.venv, self._asks_masks, self._asks_explanations = venv, action_masks, explanations

    def begin(self, iteration: int) -> State:
        return self._state(*self.venv.venv.begin_episodes(iteration * self.venv.num_envs))

    def step(self, actions: np.ndarray) -> Transition:
        observations, rewards, terminated, truncated, infos = self.venv.venv.step(actions)
        ended, last = (infos.ended.rows, as_dict(infos.ended.observations)) if isinstance(infos, StepInfos) else (np.zeros(0, int), {})
        state = self._state(observations, infos)

        rows = LazyInfos(len(rewards), lambda: self.venv.info_rows(terminated, truncated, infos))
        return Transition(state, rewards, terminated | truncated, truncated & ~terminated, ended, last, rows)

    def _state(self, observations: Any, infos: Infos) -> State:
        masks = self.venv.venv.action_masks() if self._asks_masks else None
        return State(as_dict(observations), masks, _tokens(infos) if self._asks_explanations else None)


class VecEnvEpisodes:
    """Episodes of any of stable-baselines3's vector envs. Each iteration begins with a ``reset`` of all envs.

    The arguments are those of :class:`NativeEpisodes`.
    """

    def __init__(self, venv: VecEnv, *, action_masks: bool, explanations: bool) -> None:
        self.venv, self._asks_masks, self._asks_explanations = venv, action_masks, explanations

    def begin(self, iteration: int) -> State:
        return self._state(self.venv.reset(), self.venv.unwrapped.reset_infos)  # a wrapper has none of its own

    def step(self, actions: np.ndarray) -> Transition:
        observations, rewards, dones, infos = self.venv.step(actions)
        ended = np.flatnonzero(dones)
        truncated = np.zeros(len(dones), bool)
        truncated[ended] = [infos[row].get("TimeLimit.truncated", False) for row in ended]
        last = [as_dict(infos[row]["terminal_observation"]) for row in ended]
        batched = {key: np.stack([observation[key] for observation in last]) for key in last[0]} if last else {}
        return Transition(self._state(observations, infos), rewards, dones, truncated, ended, batched, infos)

    def _state(self, observations: Any, infos: Any) -> State:
        masks = np.stack(self.venv.env_method("action_masks")) if self._asks_masks else None
        tokens = np.stack([_tokens(info) for info in infos]) if self._asks_explanations else None
        return State({key: np.array(value) for key, value in as_dict(observations).items()}, masks, tokens)


def _tokens(info: Infos) -> np.ndarray:
    if "tokens" not in info.get("explanation", {}):
        raise ValueError(
            "explanation_weight must be 0 for envs that give no explanations (those made with explain='none', or a BatchedVecEnv in a "
            "wrapper, unless it is made with infos=True)"
        )
    return info["explanation"]["tokens"]


def has_action_masks(venv: VecEnv) -> bool:
    """Whether each env has a method ``action_masks``, as sb3-contrib asks for it."""
    if hasattr(venv, "has_attr"):  # since stable-baselines3 2.4; without it subprocesses die of the question
        return bool(venv.has_attr("action_masks"))
    try:
        venv.get_attr("action_masks")
    except AttributeError:
        return False
    return True


def source_of(venv: VecEnv, *, action_masks: bool, explanations: bool) -> EpisodeSource:
    """Where the episodes of a vector env come from.

    Args:
        venv: :class:`agents.vec_env.BatchedVecEnv`, or any other, which takes a loop over its envs in each step.
        action_masks: whether masks are asked for.
        explanations: whether the tokens of explanations are asked for.
    """
    source = NativeEpisodes if isinstance(venv, BatchedVecEnv) else VecEnvEpisodes
    return source(venv, action_masks=action_masks, explanations=explanations)  # type: ignore[arg-type]
