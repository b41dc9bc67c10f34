"""Demonstrations as imitation's BC takes them: endless batches of whole episodes, the same ones for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from imitation.data.types import DictObs

import gym_causal

Batch = dict[str, Any]  # "obs": DictObs of (B, T, ...), "acts": (B, T) int

CHUNK = 16_384
"""Episodes that are collected at a time while streaming; a batch of more takes that many."""


class StreamedDemonstrations:
    """Fresh episodes in every batch.

    Args:
        policy: who demonstrates, as :func:`gym_causal.collect` takes it.
        env_id: where.
        batch_size: episodes a batch, all of the same length.
        seed: of the episodes.
        first_batch: where iteration begins: a resumed training goes on with the episodes that it would have seen.
        env_kwargs: arguments of the env.
    """

    def __init__(
        self, policy: str, env_id: str, *, batch_size: int, seed: int, first_batch: int = 0, env_kwargs: dict[str, Any] | None = None
    ) -> None:
        self.policy, self.env_id, self.env_kwargs = policy, env_id, env_kwargs or {}
        self.batch_size, self.seed, self.first_batch = batch_size, seed, first_batch
        self._batches_a_chunk = max(1, CHUNK // batch_size)
        self._last: tuple[int, gym_causal.Episodes] | None = None

    def __iter__(self) -> Iterator[Batch]:
        batch = self.first_batch
        while True:
            chunk, place = divmod(batch, self._batches_a_chunk)
            yield _batch(self._chunk(chunk), slice(place * self.batch_size, (place + 1) * self.batch_size))
            batch += 1

    def _chunk(self, chunk: int) -> gym_causal.Episodes:
        if self._last is None or self._last[0] != chunk:
            seed = int(np.random.SeedSequence([self.seed, chunk]).generate_state(1, np.uint64)[0])
            count = self._batches_a_chunk * self.batch_size
            self._last = chunk, collect(self.policy, self.env_id, count, seed, self.env_kwargs)
        return self._last[1]


class FixedDemonstrations:
    """The same episodes again and again, in a new order in each epoch; those that do not fill a batch wait for another epoch.

    Args:
        episodes: all of the same length.
        batch_size: at most as many as there are episodes.
        seed: of the orders.
        first_batch: see :class:`StreamedDemonstrations`.

    Raises:
        ValueError: there are too few.
    """

    def __init__(self, episodes: gym_causal.Episodes, *, batch_size: int, seed: int, first_batch: int = 0) -> None:
        if batch_size > len(episodes):
            raise ValueError(f"batch_size must be at most the number of episodes, {len(episodes)}, got {batch_size}")
        self.episodes, self.batch_size, self.seed, self.first_batch = episodes, batch_size, seed, first_batch

    def __iter__(self) -> Iterator[Batch]:
        batch, batches_an_epoch = self.first_batch, len(self.episodes) // self.batch_size
        while True:
            epoch, first = divmod(batch, batches_an_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.episodes))
            for place in range(first, batches_an_epoch):
                yield _batch(self.episodes, order[place * self.batch_size : (place + 1) * self.batch_size])
                batch += 1


def collect(policy: str, env_id: str, num_episodes: int, seed: int, env_kwargs: dict[str, Any]) -> gym_causal.Episodes:
    """Demonstrations to learn actions from: without explanations, unless the arguments ask for them."""
    return gym_causal.collect(policy, env_id, num_episodes=num_episodes, seed=seed, **{"explain": "none", **env_kwargs})


def check_learnable(
    episodes: gym_causal.Episodes, env_id: str, observation_space: gym.spaces.Dict, action_space: gym.spaces.Discrete
) -> None:
    """See that an agent for an env can learn from recorded episodes.

    Raises:
        ValueError: they are of another env, there are none, they differ in length, or something in them is outside of the env's spaces.
    """
    recorded_in = episodes.metadata.get("env_id", env_id)  # those that other libraries made do not say
    if not same_env(recorded_in, env_id):
        raise ValueError(f"demonstrations must be of {env_id}, got episodes of {recorded_in}")
    lengths = np.unique(episodes.lengths)
    if len(lengths) != 1:
        what = f"lengths from {lengths[0]} to {lengths[-1]}" if len(lengths) else "no episodes"
        raise ValueError(f"demonstrations must be whole episodes of one length, got {what}")
    if episodes.observations.keys() != observation_space.spaces.keys():
        names = (", ".join(sorted(keys)) for keys in (observation_space.spaces, episodes.observations))
        raise ValueError("demonstrations must observe {}, got {}".format(*names))
    for name, space in observation_space.spaces.items():
        _check_within(f"demonstrations: observations[{name!r}]", episodes.observations[name], space)
    _check_within("demonstrations: actions", episodes.actions, action_space)


def fingerprint(episodes: gym_causal.Episodes) -> str:
    """What tells these episodes from all others, as far as an agent that learns actions can see."""
    digest = hashlib.sha256()
    for name, value in (*sorted(episodes.observations.items()), ("actions", episodes.actions), ("lengths", episodes.lengths)):
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


def whole(episodes: gym_causal.Episodes) -> Batch:
    """All the episodes as one batch."""
    return _batch(episodes, slice(None))


def spaces(env_id: str, env_kwargs: dict[str, Any]) -> tuple[gym.spaces.Dict, gym.spaces.Discrete]:
    """The spaces of what an agent observes and does in an env."""
    task = gym_causal.make_vec(env_id, 1, **env_kwargs).task
    return task.observation_space, task.action_space


def same_env(first: str, second: str) -> bool:
    """Whether two ids, with or without ``gym_causal:``, are those of one env."""
    return first.removeprefix("gym_causal:") == second.removeprefix("gym_causal:")


def _check_within(name: str, values: np.ndarray, space: gym.Space) -> None:
    """Whether values (n, ...) are of a space."""
    if values.shape[1:] != space.shape:
        raise ValueError(f"{name} must be of shape {('n', *(space.shape or ()))}, got {values.shape}")
    if isinstance(space, gym.spaces.Discrete):
        low, high = int(space.start), int(space.start + space.n - 1)
        if values.dtype.kind not in "iu" or values.min() < low or values.max() > high:
            raise ValueError(f"{name} must be ints from {low} to {high}, got {values.dtype} from {values.min()} to {values.max()}")
    elif not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite")


def _batch(episodes: gym_causal.Episodes, rows: slice | np.ndarray) -> Batch:
    # The last state of an episode is one in which nothing is done any more.
    observations = {key: episodes.stacked(value)[rows, :-1] for key, value in episodes.observations.items()}
    return {"obs": DictObs(observations), "acts": episodes.stacked(episodes.actions)[rows]}
