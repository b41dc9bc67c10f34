"""Who demonstrates: a task's own expert or a policy of one's own, and either of them with errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gym_causal.core.task import Observations
from gym_causal.policies import ActionSource, Policy, Predictor, bind, load_policy


def load_expert(reference: str | None) -> Any:
    """The policy whose actions are cloned, as :func:`gym_causal.collect` takes it.

    Args:
        reference: "module:name" of a policy (:func:`gym_causal.policies.load_policy`); None: the task's own expert.

    Raises:
        ValueError: there is no such thing.
    """
    return "expert" if reference is None else load_policy(reference, "expert")


@dataclass(frozen=True)
class ImperfectExpert:
    """An expert that errs, and that a random player replaces in a share of the episodes; a policy for :func:`gym_causal.collect`.

    What is random about episode i is a function of the seed and i, so it does not depend on how many episodes are played at a time.

    Attributes:
        expert: as :func:`gym_causal.policies.bind` takes it.
        error_rate: probability, in each step, that the action is replaced by a legal one, uniformly drawn.
        random_player_share: probability, in each episode, that all its actions are such.
    """

    name: ClassVar[str] = "imperfect_expert"
    expert: Policy | Predictor | str = "expert"
    error_rate: float = 0.0
    random_player_share: float = 0.0

    def bind(self, venv: ActionSource, seed: int, first_episode: int = 0) -> Policy:
        """The policy in the vector env (or task) ``venv``; see :func:`gym_causal.policies.bind` for the arguments."""
        expert = bind(self.expert, venv, seed, first_episode)

        def act(observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
            num_envs = len(episode_starts)
            expert_state, episode, step = state or (None, first_episode - num_envs + np.arange(num_envs), np.zeros(num_envs, int))
            episode = episode + num_envs * episode_starts  # row b of B plays episodes first + b, first + b + B, ...
            step = np.where(episode_starts, 0, step + 1)
            actions, expert_state = expert(observations, expert_state, episode_starts)
            is_random = _uniform(seed, episode, np.zeros_like(step)) < self.random_player_share
            errs = _uniform(seed, episode, 1 + 2 * step) < self.error_rate
            legal = venv.action_masks()
            place = _uniform(seed, episode, 2 + 2 * step) * legal.sum(axis=1)
            random_actions = (legal.cumsum(axis=1) > place[:, None]).argmax(axis=1)
            return np.where(is_random | errs, random_actions, actions), (expert_state, episode, step)

        return act


def _uniform(seed: int, episode: np.ndarray, number: np.ndarray) -> np.ndarray:
    """(B,) float in [0, 1), a function of the arguments alone: one of an episode's random numbers.

    Each argument is added and mixed in as in SplitMix64 (Steele, Lea and Flood, 2014).

    Args:
        seed: >= 0.
        episode: (B,) int.
        number: (B,) int; which of the episode's random numbers.
    """
    bits = np.zeros(len(episode), np.uint64)
    for value in (np.uint64(seed % 2**64), episode.astype(np.uint64), number.astype(np.uint64)):
        bits = bits + value + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    return (bits >> np.uint64(11)) * 2.0**-53
