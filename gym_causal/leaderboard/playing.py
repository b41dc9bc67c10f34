"""What a policy does in the protocol's episodes: its metrics, and a digest by which others recognise it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from gym_causal.evaluation import EvaluationResult, evaluate
from gym_causal.leaderboard import protocol
from gym_causal.rollouts import EpisodeLog, Step

_REWARD_UNIT = 1e-6
"""Rewards are rounded to it: another processor may add numbers in another order."""


def play_split(policy: Any, env_id: str, split: str, **env_kwargs: Any) -> tuple[EvaluationResult, str]:
    """Play the protocol's episodes of a split.

    Args:
        policy: as for :func:`gym_causal.evaluate`.
        env_id: of the protocol.
        split: of that env.
        env_kwargs: arguments of the env.

    Returns:
        The metrics, and the SHA-256 over all episodes' numbers of steps, actions and rewards.
    """
    log, lengths = EpisodeLog(), np.zeros(protocol.NUM_EPISODES, np.int64)

    def record(step: Step) -> None:
        log.add(step.valid, step.episodes, {"actions": step.actions, "rewards": step.rewards})
        lengths[step.episodes[step.valid]] += 1

    options: dict[str, Any] = {"num_episodes": protocol.NUM_EPISODES, "seed": protocol.EPISODES_SEED}
    result = evaluate(policy, env_id, split=split, **options, on_step=record, **env_kwargs)
    played = log.by_episode()
    return result, _digest(lengths, played["actions"], played["rewards"])


def _digest(lengths: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> str:
    """Of (n,) numbers of steps, and of actions and rewards (steps of all episodes,), as little-endian 64-bit integers."""
    hashed = hashlib.sha256()
    for values in (lengths, actions, np.rint(rewards / _REWARD_UNIT)):
        hashed.update(values.astype("<i8").tobytes())
    return hashed.hexdigest()


def reference_results(env_id: str, split: str) -> dict[str, tuple[EvaluationResult, str]]:
    """Reference policy -> its metrics and its digest on a split."""
    return {name: play_split(name, env_id, split, **kwargs) for name, kwargs in protocol.references(env_id).items()}
