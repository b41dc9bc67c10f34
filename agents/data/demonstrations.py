"""Demonstrations as imitation's BC takes them: endless batches of whole episodes, the same ones for the same seed."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from imitation.data.types import DictObs

import gym_causal
from gym_causal.odd_one_out.features import NUM_MOVES

Batch = dict[str, Any]
"""``obs``: DictObs of (B, T, ...), T steps of the longest episode, after its end each repeats its last; in rooms also LAST_TRANSFORM.
``acts``: (B, T) int, or with explanations (B, T, 1 + L), beside each action the tokens of the explanation; IGNORE_INDEX where there is nothing
to learn."""
IGNORE_INDEX = -1
"""In the place of an action that means nothing, as after an episode's end, or of its explanation."""

CHUNK = 16_384
"""Episodes that are collected at a time while streaming; a batch of more takes that many."""
LAST_TRANSFORM = "last_transform"
"""What an agent in an odd-one-out room remembers beside its observations: 1 + the attribute that its last action changed, else 0."""
ALIKE = 8
"""Batches whose episodes are sorted by length, where they differ, so that a batch's are about as long."""


class StreamedDemonstrations:
    """Fresh episodes in every batch.

    Args:
        policy: who demonstrates, as :func:`gym_causal.collect` takes it.
        env_id: where.
        batch_size: episodes a batch.
        seed: of the episodes.
        first_batch: where iteration begins: a resumed training goes on with the episodes that it would have seen.
        env_kwargs: arguments of the env; ``explain`` says which explanations batches have, by default none.
        shuffled: put each explanation in the place of another; see :func:`shuffle_explanations`.
    """

    def __init__(
        self,
        policy: str,
        env_id: str,
        *,
        batch_size: int,
        seed: int,
        first_batch: int = 0,
        env_kwargs: dict[str, Any] | None = None,
        shuffled: bool = False,
    ) -> None:
        self.policy, self.env_id, self.env_kwargs, self.shuffled = policy, env_id, env_kwargs or {}, shuffled
        self.batch_size, self.seed, self.first_batch = batch_size, seed, first_batch
        self._batches_a_chunk = max(1, CHUNK // batch_size)
        self._last: tuple[int, gym_causal.Episodes, np.ndarray] | None = None

    def __iter__(self) -> Iterator[Batch]:
        batch = self.first_batch
        while True:
            chunk, place = divmod(batch, self._batches_a_chunk)
            episodes, batches = self._chunk(chunk)
            yield _batch(episodes, batches[place])
            batch += 1

    def _chunk(self, chunk: int) -> tuple[gym_causal.Episodes, np.ndarray]:
        if self._last is None or self._last[0] != chunk:
            seed = int(np.random.SeedSequence([self.seed, chunk]).generate_state(1, np.uint64)[0])
            count = self._batches_a_chunk * self.batch_size
            episodes = collect(self.policy, self.env_id, count, seed, self.env_kwargs, shuffled=self.shuffled)
            batches = _of_similar_length(np.arange(count), episodes.lengths, self.batch_size, np.random.default_rng([seed, 1]))
            self._last = chunk, episodes, batches
        return self._last[1:]


class FixedDemonstrations:
    """The same episodes again and again, in a new order in each epoch; those that do not fill a batch wait for another epoch.

    Args:
        episodes: with explanations if these are to be learned.
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
            rng = np.random.default_rng([self.seed, epoch])
            order = rng.permutation(len(self.episodes))[: batches_an_epoch * self.batch_size]
            for rows in _of_similar_length(order, self.episodes.lengths, self.batch_size, rng)[first:]:
                yield _batch(self.episodes, rows)
                batch += 1


def collect(
    policy: str, env_id: str, num_episodes: int, seed: int, env_kwargs: dict[str, Any], *, shuffled: bool = False
) -> gym_causal.Episodes:
    """Demonstrations to learn actions from: without explanations, unless the arguments ask for them.

    Where they ask for pixels, views are symbols nevertheless, which show the same and take a sixtieth of the memory: networks that read
    pixels draw them (:class:`agents.networks.odd_one_out.PatchExtractor`).
    """
    arguments = {"explain": "none", **env_kwargs}
    if "view" in spaces(env_id, env_kwargs)[0].spaces:
        arguments["observation"] = "symbolic"
    episodes = gym_causal.collect(policy, env_id, num_episodes=num_episodes, seed=seed, **arguments)
    return shuffle_explanations(episodes, seed) if shuffled else episodes


def shuffle_explanations(episodes: gym_causal.Episodes, seed: int) -> gym_causal.Episodes:
    """Put each explanation's tokens in the place of those of another state, of which the same kind of statement is made.

    So there is something to say where there was before, and every explanation is one that occurs; but it is true of another room.
    """
    rng, tokens = np.random.default_rng([seed, 2]), episodes.explanations["tokens"].copy()
    for statement in np.unique(tokens[:, 0]):
        places = np.flatnonzero(tokens[:, 0] == statement)
        tokens[places] = tokens[rng.permutation(places)]
    return dataclasses.replace(episodes, explanations={**episodes.explanations, "tokens": tokens})


def check_learnable(
    episodes: gym_causal.Episodes,
    env_id: str,
    observation_space: gym.spaces.Dict,
    action_space: gym.spaces.Discrete,
    explanations: str = "none",
) -> None:
    """See that an agent for an env can learn from recorded episodes.

    Args:
        episodes: to learn from.
        env_id: of the agent.
        observation_space: of its env.
        action_space: of its env.
        explanations: which ones it is to learn.

    Raises:
        ValueError: they are of another env, there are none, or something in them is outside of the env's spaces.
    """
    recorded_in = episodes.metadata.get("env_id", env_id)  # those that other libraries made do not say
    if not same_env(recorded_in, env_id):
        raise ValueError(f"demonstrations must be of {env_id}, got episodes of {recorded_in}")
    if not len(episodes):
        raise ValueError("demonstrations must be whole episodes, got none")
    if explanations != "none":
        recorded = episodes.metadata.get("env_kwargs", {}).get("explain", "full") if "tokens" in episodes.explanations else "none"
        if recorded != explanations:
            raise ValueError(f"demonstrations must have the explanations {explanations!r}, got episodes that have {recorded!r}")
    if episodes.observations.keys() != observation_space.spaces.keys():
        names = (", ".join(sorted(keys)) for keys in (observation_space.spaces, episodes.observations))
        raise ValueError("demonstrations must observe {}, got {}".format(*names))
    for name, space in observation_space.spaces.items():
        _check_within(f"demonstrations: observations[{name!r}]", episodes.observations[name], space)
    _check_within("demonstrations: actions", episodes.actions, action_space)


def fingerprint(episodes: gym_causal.Episodes) -> str:
    """What tells these episodes from all others, as far as an agent that learns from them can see."""
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


def iterate_batches(episodes: gym_causal.Episodes, batch_size: int) -> Iterator[Batch]:
    """Batches of all the episodes, once; the last may be smaller."""
    for first in range(0, len(episodes), batch_size):
        yield _batch(episodes, np.arange(first, min(first + batch_size, len(episodes))))


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


def _of_similar_length(order: np.ndarray, lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """(batches, B) the episodes of each batch: in the given order, but where they differ in length, sorted among a few batches."""
    batches = order.reshape(-1, batch_size)
    if len(np.unique(lengths)) == 1:
        return batches
    alike = [few[np.argsort(lengths[few], kind="stable")] for few in np.split(order, range(0, len(order), ALIKE * batch_size)[1:])]
    return rng.permutation(np.concatenate(alike).reshape(batches.shape))


def _batch(episodes: gym_causal.Episodes, rows: np.ndarray) -> Batch:
    """See ``Batch``. In the state after its last step nothing is done any more: it is left out."""
    lengths = episodes.lengths[rows, None]
    place = np.arange(lengths.max())
    step = episodes.starts[rows, None] + np.minimum(place, lengths - 1)  # (B, T)
    state = step + rows[:, None]
    observations = {key: value[state] for key, value in episodes.observations.items()}
    over = place >= lengths
    targets = np.where(over, IGNORE_INDEX, episodes.actions[step])
    if "touched" in observations:
        targets[observations["touched"] == 1] = IGNORE_INDEX  # there actions do nothing
        transforms = np.maximum(targets - NUM_MOVES + 1, 0)
        observations[LAST_TRANSFORM] = np.concatenate([np.zeros_like(transforms[:, :1]), transforms[:, :-1]], axis=1)
    if "tokens" in episodes.explanations:
        tokens = np.where(over[..., None], IGNORE_INDEX, episodes.explanations["tokens"][state])
        targets = np.concatenate([targets[..., None], tokens], axis=-1)
    return {"obs": DictObs(observations), "acts": targets}
