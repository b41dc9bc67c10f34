"""Actions: o * D + d transforms object o in dimension d and chooses it; O * D + o chooses object o."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.vocabulary import LETTERS


class Choice(NamedTuple):
    """What (n,) actions do, each in a trial of its own."""

    legal: np.ndarray  # (n,) bool; a transform in an experiment trial, none in the test trial
    objects: np.ndarray  # (n,) int; the chosen object
    dimensions: np.ndarray  # (n,) int; the transformed dimension, -1 = none


def decode(config: OddOneOutTextConfig, actions: np.ndarray, is_test: np.ndarray) -> Choice:
    """The choices of (n,) actions; ``is_test``, (n,) bool, says in which trial each is played."""
    first_choice = config.num_objects * config.num_dimensions
    transforms = actions < first_choice
    objects = np.where(transforms, actions // config.num_dimensions, actions - first_choice)
    return Choice(transforms != is_test, objects, np.where(transforms, actions % config.num_dimensions, -1))


def encode(config: OddOneOutTextConfig, objects: np.ndarray, dimensions: np.ndarray) -> np.ndarray:
    """(n,) int; the actions that transform (n,) objects in (n,) dimensions, or only choose them where these are -1."""
    first_choice = config.num_objects * config.num_dimensions
    return np.where(dimensions < 0, first_choice + objects, objects * config.num_dimensions + dimensions)


def phase_masks(config: OddOneOutTextConfig) -> np.ndarray:
    """(2, A) bool; the legal actions of an experiment trial, then those of the test trial."""
    transforms = np.arange(config.num_actions) < config.num_objects * config.num_dimensions
    return np.stack([transforms, ~transforms])


def sentences(config: OddOneOutTextConfig) -> tuple[str, ...]:
    """(A,) what a player writes for each action. Which value a transform gives is up to the world, and not in the sentence."""
    letters = LETTERS[: config.num_objects]
    transforms = (f"I transform object {letter} into a different {name}" for letter in letters for name in config.dimensions)
    return (*transforms, *(f"I choose object {letter}" for letter in letters))
