"""The spaces of an env of which nothing else is known, as a task that networks can be built for."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from gym_causal.core.task import BatchedTask, Observations

ONLY_KEY = "observation"
"""Name of an observation that is no dict, as in :class:`gym_causal.core.gymnasium_task.GymnasiumTask`."""


class SpacesTask(BatchedTask):
    """Cannot be played: it only tells what is observed and which actions there are.

    Args:
        observation_space: a flat Dict, or a single space, which becomes the entry ``ONLY_KEY`` of one.
        action_space: Discrete.
    """

    def __init__(self, observation_space: gym.Space, action_space: spaces.Discrete) -> None:
        super().__init__(1)
        if not isinstance(observation_space, spaces.Dict):
            observation_space = spaces.Dict({ONLY_KEY: observation_space})
        self.observation_space = observation_space
        self.action_space = action_space

    def draw_block(self, rng: np.random.Generator, count: int) -> Any:
        raise NotImplementedError("only spaces are known of this task")

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        raise NotImplementedError("only spaces are known of this task")

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        raise NotImplementedError("only spaces are known of this task")

    def observations(self) -> Observations:
        raise NotImplementedError("only spaces are known of this task")


def as_dict(observations: Any) -> Any:
    """Observations by name, of what an env gives."""
    return observations if isinstance(observations, dict) else {ONLY_KEY: observations}
