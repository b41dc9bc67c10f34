"""Plays a policy in exactly the first n episodes of a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.batched import BatchedTask, Observations
from gym_causal.policies import Policy

MAX_BATCH = 1_024
"""Episodes played side by side; a function of the task and of n alone, so that no result depends on a user's ``num_envs``."""


@dataclass(frozen=True)
class Step:
    """One step of a batch of B rows. The task behind it has already moved on to the state after ``actions``."""

    episodes: np.ndarray  # (B,) int; the episode of each row
    counted: np.ndarray  # (B,) bool; whether it is one of the first n (rows that have none left play on, uncounted)
    episode_starts: np.ndarray  # (B,) bool; whether this was the episode's first step
    observations: Observations  # (B, ...) before the step
    is_choice: np.ndarray  # (B,) bool; whether the step was one in which strategies are told apart
    actions: np.ndarray  # (B,) int
    observer_actions: dict[str, np.ndarray]  # observer -> (B,) int; what it would have done
    rewards: np.ndarray  # (B,) float
    done: np.ndarray  # (B,) bool


def batch_size(task_block_size: int, num_episodes: int) -> int:
    """Rows to play n episodes with: equal shares of as few passes as ``MAX_BATCH`` and the task's memory allow."""
    most = min(MAX_BATCH, 4 * task_block_size)
    passes = -(-num_episodes // most)
    return -(-num_episodes // passes)


def play(
    policy: Policy, task: BatchedTask, num_episodes: int, observers: Mapping[str, Policy] | None = None
) -> Iterator[Step]:
    """Play episodes 0..num_episodes - 1 of a seeded task.

    Row b plays episodes b, b + B, ...; every episode is played to its end, so that short ones are not favoured. Observers see what
    the policy sees and are asked what they would do, without acting.
    """
    observers = observers or {}
    observer_states: dict[str, Any] = dict.fromkeys(observers)
    rows = np.arange(task.num_envs)
    episodes, starts = rows.copy(), np.ones(task.num_envs, bool)
    task.begin(rows, episodes)
    state = None
    remaining = num_episodes
    while remaining:
        observations, is_choice = task.observations(), task.is_choice()
        actions, state = policy(observations, state, starts)
        observer_actions = {}
        for name, observer in observers.items():
            observer_actions[name], observer_states[name] = observer(observations, observer_states[name], starts)
        rewards, terminated, truncated = task.step(actions)
        done = terminated | truncated
        counted = episodes < num_episodes
        yield Step(episodes.copy(), counted, starts, observations, is_choice, actions, observer_actions, rewards, done)
        remaining -= int((done & counted).sum())
        starts = done
        if done.any() and remaining:
            episodes[done] += task.num_envs
            task.begin(rows[done], episodes[done])
