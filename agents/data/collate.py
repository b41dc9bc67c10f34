"""Puts whole episodes of different lengths into padded batches of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gym_causal.core.task import BatchedTask
from gym_causal.episodes import Episodes

Batch = dict[str, Any]
"""``obs``: dict of (B, T, ...) arrays, T steps of the longest episode; shorter ones repeat their last step. Beside the task's own keys
"previous_action" (B, T) int64: 1 + the action of the step before, 0 at an episode's first step.
``acts``: (B, T) int actions, or (B, T, 1 + L) with the tokens of explanations beside them; IGNORE_INDEX where there is no target."""
IGNORE_INDEX = -1
"""Target of steps after an episode's end, and of actions that have no effect."""


def collate(episodes: Episodes, rows: np.ndarray, task: BatchedTask) -> Batch:
    """A batch of some episodes.

    Args:
        episodes: with explanations if these are targets too.
        rows: (B,) int; which episodes.
        task: that they were played in; it says which actions have an effect.
    """
    lengths = episodes.lengths[rows, None]
    place = np.arange(lengths.max())
    step = episodes.starts[rows, None] + np.minimum(place, lengths - 1)  # (B, T)
    state = step + rows[:, None]  # an episode has one state more than it has steps; the last one has no action
    observations = {key: value[state] for key, value in episodes.observations.items()}
    is_padding = place >= lengths
    actions = episodes.actions[step]
    targets = np.where(is_padding | ~task.has_effect(observations), IGNORE_INDEX, actions)
    previous = np.zeros(actions.shape, np.int64)
    previous[:, 1:] = actions[:, :-1] + 1
    observations["previous_action"] = previous
    if "tokens" in episodes.explanations:
        tokens = np.where(is_padding[..., None], IGNORE_INDEX, episodes.explanations["tokens"][state])
        targets = np.concatenate([targets[..., None], tokens], axis=-1)
    return {"obs": observations, "acts": targets}


def iterate_batches(episodes: Episodes, batch_size: int, task: BatchedTask) -> Iterator[Batch]:
    """Batches of all the episodes, in order and once; the last may be smaller."""
    for first in range(0, len(episodes), batch_size):
        yield collate(episodes, np.arange(first, min(first + batch_size, len(episodes))), task)


def bucket(order: np.ndarray, lengths: np.ndarray, batch_size: int, bucket_size: int, rng: np.random.Generator) -> np.ndarray:
    """Which episodes each batch has, (batches, B) int.

    Args:
        order: (batches * B,) int; the episodes, shuffled. If all are equally long they stay in this order.
        lengths: (E,) int; steps of every episode. If they differ, episodes are sorted by length among ``bucket_size`` batches.
        batch_size: B.
        bucket_size: batches that are sorted together; batches then come in a random order.
        rng: draws that order.
    """
    batches = order.reshape(-1, batch_size)
    if len(np.unique(lengths)) == 1:
        return batches
    buckets = np.split(order, range(0, len(order), bucket_size * batch_size)[1:])
    ordered = np.concatenate([episodes[np.argsort(lengths[episodes], kind="stable")] for episodes in buckets])
    return rng.permutation(ordered.reshape(batches.shape))
