"""The one policy signature, and the policies that every task has."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gym_causal.core.task import Observations


class Policy(Protocol):
    """Anything that acts: expert, baseline, trained agent. It is imitation's ``PolicyCallable``.

    Called with a batch of observations (B, ...), the state it returned last time (None at first; an agent's memory, anything it
    likes) and ``episode_starts`` (B,) bool, true for rows whose episode has just begun. Returns (B,) int actions and its state.
    """

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]: ...


class _Acting(Protocol):
    """What a privileged policy is bound to: a task or a vector env."""

    def expert_actions(self) -> np.ndarray: ...

    def action_masks(self) -> np.ndarray: ...


class ExpertPolicy:
    """The oracle of the vector env (or task) that it acts in."""

    def __init__(self, venv: _Acting) -> None:
        self.venv = venv

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        return self.venv.expert_actions(), state


class RandomPolicy:
    """Uniform over the legal actions of the vector env (or task) that it acts in.

    Args:
        venv: where it acts.
        seed: of its own random numbers.
    """

    def __init__(self, venv: _Acting, seed: int = 0) -> None:
        self.venv = venv
        self._rng = np.random.default_rng(seed)

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        legal = self.venv.action_masks()
        return np.where(legal, self._rng.random(legal.shape), -1.0).argmax(axis=1), state


def bind(policy: Policy | str, venv: _Acting, seed: int) -> Policy:
    """A policy, or one of the privileged ones by name ("expert", "random"), bound to the place where it acts.

    Raises:
        ValueError: an unknown name. (Baselines and agents are not known here: ``baselines.make``, ``agents.load``.)
        TypeError: something that cannot be called.
    """
    if policy == "expert":
        return ExpertPolicy(venv)
    if policy == "random":
        return RandomPolicy(venv, seed)
    if isinstance(policy, str):
        raise ValueError(f"policy must be 'expert', 'random' or a callable, got {policy!r}; for baselines: baselines.make(name, env_id)")
    if not callable(policy):
        raise TypeError(f"policy must be 'expert', 'random' or a callable(observations, state, episode_starts), got {policy!r}")
    return policy


def name_of(policy: Policy | str) -> str:
    """What a policy is called in results: its attribute ``name``, else that of its class."""
    return policy if isinstance(policy, str) else getattr(policy, "name", type(policy).__name__)
