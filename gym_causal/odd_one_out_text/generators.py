"""Draws whole episodes: the objects of every trial, what transforms would lead to, and the expert's own randomness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gym_causal.odd_one_out_text.config import OddOneOutTextConfig


@dataclass(frozen=True)
class TextEpisodes:
    """The randomness of n episodes with T = X + 1 trials, O objects, D dimensions and F distractors."""

    rewarded: np.ndarray  # (n,) int; the rewarded dimension
    objects: np.ndarray  # (n, T, O, D + F) int8; each object's values before any transform
    new_values: np.ndarray  # (n, X, D) int8; what a transform in a dimension leads to, whichever object it is
    order: np.ndarray  # (n, D) int; in which the expert tries dimensions
    expert_objects: np.ndarray  # (n, X) int; the objects that it experiments on


def draw_episodes(rng: np.random.Generator, count: int, config: OddOneOutTextConfig) -> TextEpisodes:
    """Draw ``count`` episodes.

    In an experiment trial all objects are alike, distractors aside. In the test trial each object is unique in exactly one dimension: the
    rewarded one and O - 1 others, uniformly drawn, have one unique object each, and all objects are alike in the remaining D - O.
    """
    num_dimensions, num_objects, num_experiments = config.num_dimensions, config.num_objects, config.num_experiments
    rewarded = config.rewarded[(rng.random(count) * len(config.rewarded)).astype(int)]
    shared = rng.integers(config.num_values, size=(count, config.trials, 1, num_dimensions))
    other = (shared + 1 + rng.integers(config.num_values - 1, size=shared.shape)) % config.num_values
    objects = np.empty((count, config.trials, num_objects, config.num_described), np.int8)
    objects[..., :num_dimensions] = shared
    objects[..., num_dimensions:] = rng.integers(config.num_values, size=objects[..., num_dimensions:].shape)

    # The rewarded dimension first, then the others in random order; the first O of them get one unique object each.
    priority = rng.random((count, num_dimensions))
    priority[np.arange(count), rewarded] = -1.0
    contrasts = priority.argsort(axis=1)[:, :num_objects]  # (n, O)
    unique = rng.random((count, num_objects)).argsort(axis=1)  # (n, O) the object that is unique in each
    row = np.arange(count)[:, None]
    objects[row, -1, unique, contrasts] = other[row, -1, 0, contrasts]

    order = rng.random((count, num_dimensions)).argsort(axis=1)
    expert_objects = rng.integers(num_objects, size=(count, num_experiments))
    return TextEpisodes(rewarded, objects, other[:, :-1, 0].astype(np.int8), order, expert_objects)


def unique_in(objects: np.ndarray) -> np.ndarray:
    """(..., O, D) bool; whether no other object has the object's value, of (..., O, D) values."""
    same: np.ndarray = objects[..., :, None, :] == objects[..., None, :, :]
    return same.sum(axis=-2) == 1
