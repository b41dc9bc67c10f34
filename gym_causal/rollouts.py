"""Play a policy in exactly n consecutive episodes of a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations
from gym_causal.policies import Policy, checked_result
from gym_causal.registry import make_task

MAX_BATCH = 1_024
"""At most this many episodes are played at once, whatever ``num_envs`` a user's own envs have."""


@dataclass(frozen=True)
class Step:
    """One step of a batch of B rows. The task behind it has already moved on to the state after ``actions``."""

    episodes: np.ndarray  # (B,) int; the episode of each row
    valid: np.ndarray  # (B,) bool; whether it is one of the n episodes (rows that have none left play on)
    episode_starts: np.ndarray  # (B,) bool; whether this was the episode's first step
    observations: Observations  # (B, ...) before the step
    infos: Infos  # (B, ...) before the step; empty unless asked for
    is_choice: np.ndarray  # (B,) bool; whether the step tells strategies apart
    actions: np.ndarray  # (B,) int
    observer_actions: dict[str, np.ndarray]  # observer -> (B,) int; the action that it would have taken
    rewards: np.ndarray  # (B,) float
    done: np.ndarray  # (B,) bool
    truncated: np.ndarray  # (B,) bool


def batch_size(task_block_size: int, num_episodes: int) -> int:
    """How many rows play n episodes: as few passes as ``MAX_BATCH`` and the task's memory allow, and equally many episodes in each."""
    most = min(MAX_BATCH, 4 * task_block_size)
    passes = -(-num_episodes // most)
    return -(-num_episodes // passes)


def play(
    policy: Policy,
    task: BatchedTask,
    num_episodes: int,
    observers: Mapping[str, Policy] | None = None,
    *,
    infos: bool = False,
    first_episode: int = 0,
) -> Iterator[Step]:
    """Play the n episodes of a seeded task from ``first_episode`` on.

    Row b plays episodes first_episode + b, first_episode + b + B, ...; every episode is played to its end, so that short ones are not
    favoured.

    Args:
        policy: bound to ``task`` (:func:`gym_causal.policies.bind`).
        task: seeded.
        num_episodes: n >= 1.
        observers: policies that get the same observations and are asked for their actions, which are not played.
        infos: also compute the infos before every step.
        first_episode: >= 0.

    Raises:
        TypeError: a policy does not return a pair (actions, state).
        ValueError: its actions are not (B,) ints of the action space.
    """
    observers = observers or {}
    observer_states: dict[str, Any] = dict.fromkeys(observers)
    rows = np.arange(task.num_envs)
    episodes, starts = first_episode + rows, np.ones(task.num_envs, bool)
    task.begin(rows, episodes)
    num_actions = int(task.action_space.n)
    state = None
    remaining = num_episodes
    while remaining:
        observations, is_choice = task.observations(), task.is_choice()
        before = task.infos(text=False) if infos else {}
        actions, state = checked_result("policy", policy(observations, state, starts), task.num_envs, num_actions)
        observer_actions = {}
        for name, observer in observers.items():
            result = observer(observations, observer_states[name], starts)
            observer_actions[name], observer_states[name] = checked_result(f"references: {name}", result, task.num_envs, num_actions)
        rewards, terminated, truncated = task.step(actions)
        done = terminated | truncated
        valid = episodes < first_episode + num_episodes
        yield Step(episodes.copy(), valid, starts, observations, before, is_choice, actions, observer_actions, rewards, done, truncated)
        remaining -= int((done & valid).sum())
        starts = done
        if done.any() and remaining:
            episodes[done] += task.num_envs
            task.begin(rows[done], episodes[done])


def seeded_task(env_id: str, num_episodes: int, seed: int, domain: SeedDomain, **env_kwargs: Any) -> BatchedTask:
    """The task of an env, ready for :func:`play` to play the first ``num_episodes`` of a seed in a domain.

    Raises:
        ValueError: ``num_episodes`` < 1 or ``seed`` < 0, or one of them is no int, or an unknown domain; or what the env says of its
            arguments.
    """
    check_episodes(num_episodes, seed, domain)
    env_kwargs.pop("explanation_text", None)  # accepted since it is an argument of make_vec, but no words are recorded
    block_size = make_task(env_id, 1, **env_kwargs).block_size
    task = make_task(env_id, batch_size(block_size, num_episodes), **env_kwargs)
    task.seed(seed, domain)
    return task


class EpisodeLog:
    """Rows of many episodes in the order in which they were played, to be sorted by episode at the end."""

    def __init__(self) -> None:
        self._episodes: list[np.ndarray] = []
        self._values: dict[str, list[np.ndarray]] = {}

    def add(self, rows: np.ndarray, episodes: np.ndarray, values: dict[str, np.ndarray]) -> None:
        """Add the (B, ...) values of some rows.

        Args:
            rows: (B,) bool; which of them.
            episodes: (B,) int; the episode of each row.
            values: the same names each time.
        """
        index = slice(None) if rows.all() else rows
        self._episodes.append(episodes[index])
        for key, value in values.items():
            self._values.setdefault(key, []).append(value[index])

    def by_episode(self) -> dict[str, np.ndarray]:
        """Every array sorted by episode, the rows of an episode in the order in which they were added; empties the log."""
        order = np.argsort(np.concatenate(self._episodes), kind="stable")
        return {key: np.concatenate(self._values.pop(key))[order] for key in list(self._values)}


def check_episodes(num_episodes: int, seed: int, domain: SeedDomain) -> None:
    """Raise a ValueError for ``num_episodes`` < 1 or ``seed`` < 0, or one of them is no int, or an unknown domain."""
    for name, value, least in (("num_episodes", num_episodes, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise ValueError(f"{name} must be an int of at least {least}, got {value!r}")
    if domain not in list(SeedDomain):
        raise ValueError(f"domain must be one of {', '.join(map(str, SeedDomain.__members__))}, got {domain!r}")
