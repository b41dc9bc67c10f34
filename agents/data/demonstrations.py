"""Demonstrations: endless batches of whole episodes, streamed or from a fixed dataset, the same ones for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np

import gym_causal
from agents.data.collate import Batch, bucket, collate
from agents.data.explanation_controls import ExplanationControl
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask
from gym_causal.policies import Policy
from gym_causal.registry import make_task, task_spec


class StreamedDemonstrations:
    """Fresh episodes in every batch.

    Args:
        policy: who demonstrates, as :func:`gym_causal.collect` takes it.
        env_id: where.
        batch_size: B, episodes per batch.
        seed: of the episodes.
        first_batch: where iteration begins: a resumed training goes on with the episodes that it would have seen.
        env_kwargs: arguments of the env; ``explain`` says which explanations batches have, by default none.
        control: what is done to the explanations; None: they are as they were given.
        chunk_size: episodes that are collected at a time, at least one batch.
        bucket_size: batches among which episodes of different lengths are sorted; see :func:`agents.data.collate.bucket`.
        shard: which of the B rows of each batch are given out; for several processes that learn from one batch.
    """

    def __init__(
        self,
        policy: Policy | str,
        env_id: str,
        *,
        batch_size: int,
        seed: int,
        first_batch: int = 0,
        env_kwargs: dict[str, Any] | None = None,
        control: ExplanationControl | None = None,
        chunk_size: int = 16_384,
        bucket_size: int = 8,
        shard: slice = slice(None),
    ) -> None:
        self.policy, self.env_id, self.env_kwargs, self.control = policy, env_id, env_kwargs or {}, control
        self.batch_size, self.seed, self.first_batch, self.bucket_size = batch_size, seed, first_batch, bucket_size
        self.shard = shard
        self.batches_per_chunk = max(1, chunk_size // batch_size)
        self._task = make_task(env_id, 1, **self.env_kwargs)
        self._last: tuple[int, gym_causal.Episodes, np.ndarray] | None = None

    def __iter__(self) -> Iterator[Batch]:
        batch = self.first_batch
        while True:
            chunk, place = divmod(batch, self.batches_per_chunk)
            episodes, batches = self._chunk(chunk)
            yield collate(episodes, batches[place][self.shard], self._task)
            batch += 1

    def _chunk(self, chunk: int) -> tuple[gym_causal.Episodes, np.ndarray]:
        """The episodes of a chunk, and (batches, B) which of them each batch has."""
        if self._last is None or self._last[0] != chunk:
            seed = int(np.random.SeedSequence([self.seed, chunk]).generate_state(1, np.uint64)[0])
            count = self.batches_per_chunk * self.batch_size
            episodes = collect(self.policy, self.env_id, count, seed, self.env_kwargs, control=self.control)
            rng = np.random.default_rng([seed, 1])
            self._last = chunk, episodes, bucket(np.arange(count), episodes.lengths, self.batch_size, self.bucket_size, rng)
        return self._last[1:]


class FixedDemonstrations:
    """The same episodes again and again, in a new order in each epoch; those that do not fill a batch wait for another epoch.

    Args:
        episodes: with explanations if these are to be learned.
        task: that they were played in.
        batch_size: B, at most as many as there are episodes.
        seed: of the orders.
        first_batch: see :class:`StreamedDemonstrations`.
        bucket_size: see :class:`StreamedDemonstrations`.
        shard: see :class:`StreamedDemonstrations`.

    Raises:
        ValueError: there are too few.
    """

    def __init__(
        self,
        episodes: gym_causal.Episodes,
        task: BatchedTask,
        *,
        batch_size: int,
        seed: int,
        first_batch: int = 0,
        bucket_size: int = 8,
        shard: slice = slice(None),
    ) -> None:
        if batch_size > len(episodes):
            raise ValueError(f"batch_size must be at most the number of episodes, {len(episodes)}, got {batch_size}")
        self.episodes, self.task, self.batch_size = episodes, task, batch_size
        self.seed, self.first_batch, self.bucket_size, self.shard = seed, first_batch, bucket_size, shard

    def __iter__(self) -> Iterator[Batch]:
        batch, batches_per_epoch = self.first_batch, len(self.episodes) // self.batch_size
        while True:
            epoch, first = divmod(batch, batches_per_epoch)
            rng = np.random.default_rng([self.seed, epoch])
            order = rng.permutation(len(self.episodes))[: batches_per_epoch * self.batch_size]
            for rows in bucket(order, self.episodes.lengths, self.batch_size, self.bucket_size, rng)[first:]:
                yield collate(self.episodes, rows[self.shard], self.task)
                batch += 1


def collect(
    policy: Policy | str,
    env_id: str,
    num_episodes: int,
    seed: int,
    env_kwargs: dict[str, Any],
    *,
    control: ExplanationControl | None = None,
    domain: SeedDomain = SeedDomain.COLLECTION,
) -> gym_causal.Episodes:
    """Demonstrations to learn from: on the env's first split and without explanations, unless the arguments say otherwise.

    Observations are recorded in the task's compact form (``TaskSpec.compact_kwargs``): where networks read pixels, for example, symbols
    that show the same and take a sixtieth of the memory. Networks expand them.
    """
    spec = task_spec(env_id)
    arguments = {"explain": "none", "split": spec.splits[0], **env_kwargs, **spec.compact_kwargs}
    episodes = gym_causal.collect(policy, env_id, num_episodes=num_episodes, seed=seed, domain=domain, **arguments)
    return episodes if control is None else control(episodes, seed)


def check_learnable(episodes: gym_causal.Episodes, env_id: str, task: BatchedTask, explanations: str = "none") -> None:
    """See that an agent for an env can learn from recorded episodes.

    Args:
        episodes: to learn from.
        env_id: of the agent.
        task: of that env.
        explanations: which ones it is to learn.

    Raises:
        ValueError: they are of another env, there are none, their explanations are others or have tokens of another meaning, or
            something in them is outside of the env's spaces.
    """
    recorded_in = episodes.metadata.get("env_id", env_id)  # those that other libraries made do not say
    if _without_module(recorded_in) != _without_module(env_id):
        raise ValueError(f"demonstrations must be of {env_id}, got episodes of {recorded_in}")
    if not len(episodes):
        raise ValueError("demonstrations must be whole episodes, got none")
    if task.explanations.modes[explanations]:
        _check_explanations(episodes, task, explanations)
    if episodes.observations.keys() != task.observation_space.spaces.keys():
        names = (", ".join(sorted(keys)) for keys in (task.observation_space.spaces, episodes.observations))
        raise ValueError("demonstrations must observe {}, got {}".format(*names))
    for name, space in task.observation_space.spaces.items():
        _check_within(f"demonstrations: observations[{name!r}]", episodes.observations[name], space)
    _check_within("demonstrations: actions", episodes.actions, task.action_space)


def fingerprint(episodes: gym_causal.Episodes) -> str:
    """SHA-256 of everything in the episodes that an agent learns from: observations, actions, lengths and the tokens of explanations."""
    digest = hashlib.sha256()
    explanations = [(name, value) for name, value in episodes.explanations.items() if name == "tokens"]
    for name, value in (
        *sorted(episodes.observations.items()),
        *explanations,
        ("actions", episodes.actions),
        ("lengths", episodes.lengths),
    ):
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


def _without_module(env_id: str) -> str:
    """ "Name-v0", of "module:Name-v0"."""
    return env_id.rpartition(":")[2]


def _check_explanations(episodes: gym_causal.Episodes, task: BatchedTask, explanations: str) -> None:
    recorded = episodes.metadata.get("env_kwargs", {}).get("explain", "full") if "tokens" in episodes.explanations else "none"
    if recorded != explanations:
        raise ValueError(f"demonstrations must have the explanations {explanations!r}, got episodes that have {recorded!r}")
    version = episodes.metadata.get("explanation_version", 1)  # older files do not say: it was the first
    if version != task.explanations.version:
        raise ValueError(f"demonstrations must have explanations of version {task.explanations.version}, got version {version}")


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
