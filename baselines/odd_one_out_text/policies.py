"""Strategies for the odd-one-out game in words. They read symbolic observations, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gym_causal.arguments import check_one_of
from gym_causal.core.task import Observations
from gym_causal.odd_one_out.plans import attribute_to_try, still_possible
from gym_causal.odd_one_out_text.actions import encode
from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.generators import unique_in
from gym_causal.policies import Policy

RANDOM, WIN_STAY, ELIMINATION = "random", "win_stay", "elimination"


@dataclass
class GameState:
    """The state of a :class:`GamePolicy` in B rows; updated in place."""

    rng: np.random.Generator
    possible: np.ndarray  # (B, D) bool; dimensions that may be rewarded, given the experiments of this episode
    paid: np.ndarray  # (B,) int; the dimension whose transform was rewarded last, -1 = none in this episode
    order: np.ndarray  # (B, D) int; a random order of the dimensions, for an episode

    @classmethod
    def initial(cls, seed: int, batch: int, num_dimensions: int) -> GameState:
        """The state before any observation."""
        shape = (batch, num_dimensions)
        return cls(np.random.default_rng(seed), np.ones(shape, bool), np.full(batch, -1), np.zeros(shape, int))

    def update(self, observations: Observations, starts: np.ndarray) -> None:
        """Learn from the last trial; in (B,) bool ``starts`` an episode has begun."""
        num_dimensions = self.possible.shape[1]
        self.possible[starts] = True
        self.paid[starts] = -1
        self.order = np.where(starts[:, None], self.rng.random(self.possible.shape).argsort(axis=1), self.order)
        dimension, rewarded = np.asarray(observations["last_dimension"]), np.asarray(observations["last_rewarded"]) > 0
        rows = np.flatnonzero((dimension < num_dimensions) & ~starts)
        transformed = dimension[rows, None] == np.arange(num_dimensions)
        self.possible[rows] = still_possible(self.possible[rows], transformed, rewarded[rows])
        self.paid[rows] = np.where(rewarded[rows], dimension[rows], self.paid[rows])


class GamePolicy:
    """Goes by a dimension: transforms any object in it, and chooses the object that is unique in it.

    Which dimension depends on the name. random: any. win_stay: the one that was rewarded in this episode, any until one was (win-stay,
    lose-shift). elimination: the first one, in a random order, that no outcome has ruled out. A state of None begins anew, random numbers
    included, so that an evaluation can be repeated.

    Args:
        name: "win_stay" or "elimination"; or "random", which chooses any object in the test trial.
        config: the env's arguments.
        seed: of its own random numbers, >= 0.

    Raises:
        ValueError: the env's observations are texts.
    """

    def __init__(self, name: str, config: OddOneOutTextConfig, seed: int = 0) -> None:
        check_one_of(f"{name}: observation", config.observation, ("symbolic",))
        self.name, self.config, self.seed = name, config, seed

    def __call__(self, observations: Observations, state: GameState | None, episode_starts: np.ndarray) -> tuple[np.ndarray, GameState]:
        config, batch = self.config, len(episode_starts)
        starts = np.asarray(episode_starts, bool) | (state is None)
        if state is None:
            state = GameState.initial(self.seed, batch, config.num_dimensions)
        state.update(observations, starts)
        is_test = np.asarray(observations["phase"]) > 0
        unique = unique_in(self._values(observations))  # (B, O, D)
        dimensions = self._dimensions(state, np.where(is_test[:, None], unique.any(axis=1), True))
        objects = state.rng.integers(config.num_objects, size=batch)
        goes_by_it = is_test & (self.name != RANDOM)
        objects = np.where(goes_by_it, unique[np.arange(batch), :, dimensions].argmax(axis=1), objects)
        return encode(config, objects, np.where(is_test, -1, dimensions)), state

    def _values(self, observations: Observations) -> np.ndarray:
        """(B, O, D) the objects' values in the dimensions that may be rewarded."""
        config = self.config
        one_hot = np.asarray(observations["objects"]).reshape(-1, config.num_objects, config.num_described, config.num_values)
        return one_hot.argmax(axis=3)[..., : config.num_dimensions]

    def _dimensions(self, state: GameState, candidates: np.ndarray) -> np.ndarray:
        """(B,) int; the dimensions to go by, among (B, D) bool ``candidates``: in the test trial those in which an object is unique."""
        if self.name == ELIMINATION:
            return attribute_to_try(state.possible & candidates, state.order)
        drawn = np.where(candidates, state.rng.random(candidates.shape), -1.0).argmax(axis=1)
        return np.where((state.paid >= 0) & (self.name == WIN_STAY), state.paid, drawn)


def _strategy(name: str, seed: int, env_kwargs: dict[str, Any]) -> Policy:
    return GamePolicy(name, OddOneOutTextConfig(**env_kwargs), seed)


STRATEGIES: dict[str, dict[str, Callable[[int, dict[str, Any]], Policy]]] = {
    "OddOneOutText-v0": {name: partial(_strategy, name) for name in (RANDOM, WIN_STAY, ELIMINATION)}
}
"""Env id -> name -> (seed, the env's arguments) -> policy."""
