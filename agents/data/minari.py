"""Recorded episodes as a Minari dataset, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import minari
import numpy as np
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import parse_dataset_id
from minari.storage import get_dataset_path

from gym_causal import Episodes
from gym_causal.core.text import TEXT

_FORMAT = "gym_causal episodes 1"


def to_minari(episodes: Episodes, dataset_id: str, env: gym.Env | None = None, **about: Any) -> minari.MinariDataset:
    """Write a dataset where Minari keeps its own (``MINARI_DATASETS_PATH``), whole or not at all.

    Its observations are those of the episodes, its ``infos["explanation"]`` their explanations: as Minari has it, an entry for each
    state, the first one's included. Words are stored as bytes. Images are stored as they are, as JPEG would change them.

    Args:
        episodes: at least one, of any lengths; their metadata are stored as JSON, beside Minari's own.
        dataset_id: a new id, "causal/expert-v0" say.
        env: the env that the episodes were played in, which Minari records; by default the one that their metadata name.
        about: what else :func:`minari.create_dataset_from_buffers` takes to describe a dataset: ``author``, ``author_email``,
            ``code_permalink``, ``description``, ``eval_env``, ... Minari warns of those that it misses. The policy's name, if it is
            known, is the ``algorithm_name``, and ``env`` is also the ``eval_env``, unless they are given.

    Returns:
        The dataset, as :func:`minari.load_dataset` loads it.

    Raises:
        ValueError: there are no episodes, their env is unknown or has other observations, or the id is taken or malformed.
    """
    if not len(episodes):
        raise ValueError("episodes must not be empty: Minari could not read such a dataset")
    path = get_dataset_path(_checked_id(dataset_id))
    if path.exists():
        raise ValueError(f"dataset_id must be a new one, got {dataset_id!r}, which exists")
    env = env or _env_of(episodes.metadata)
    space = env.observation_space
    observed = {TEXT} if isinstance(space, gym.spaces.Text) else set(getattr(space, "spaces", ()))
    if observed != set(episodes.observations):
        raise ValueError(f"env must have the observations {sorted(episodes.observations)}, got {env.observation_space}")
    about = {"algorithm_name": episodes.metadata.get("policy"), "eval_env": env.spec, **about}
    try:
        created = minari.create_dataset_from_buffers(dataset_id, [], env, data_format="hdf5", jpeg_encoding=False, **about)
        created.storage.update_metadata({"gym_causal": _record(episodes)})
        created.storage.update_episodes(_buffers(episodes, is_text=isinstance(space, gym.spaces.Text)))
        # Only a dataset that is loaded anew knows of episodes that were added one after the other.
        return minari.load_dataset(dataset_id)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def from_minari(dataset: minari.MinariDataset) -> Episodes:
    """The episodes of a dataset: those that :func:`to_minari` was given, or any others with discrete actions.

    Of others, an array of observations is called "observation" and a flat dict keeps its keys; those that are no numbers, like MiniGrid's
    "mission", are left out. Actions and observations of a Discrete space are counted from 0. There are no explanations.

    Raises:
        ValueError: it has no episodes, or nested observations, or actions that are not discrete.
    """
    record = dataset.storage.metadata.get("gym_causal", {})
    played = list(dataset.iterate_episodes())
    if not played:
        raise ValueError(f"dataset must have at least one episode, got {dataset.id!r} without any")
    if record.get("format") != _FORMAT:
        return _from_elsewhere(dataset, played)
    return Episodes(
        {key: np.concatenate([_observed(episode, key, dtype) for episode in played]) for key, dtype in record["observations"].items()},
        {
            key: _words(np.concatenate([episode.infos["explanation"][key] for episode in played]), dtype)
            for key, dtype in record["explanations"].items()
        },
        np.concatenate([episode.actions for episode in played]),
        np.concatenate([episode.rewards for episode in played]),
        np.array([len(episode) for episode in played]),
        np.array([episode.truncations[-1] for episode in played]),
        record["metadata"],
    )


def _from_elsewhere(dataset: minari.MinariDataset, played: list[Any]) -> Episodes:
    """The episodes of a dataset that somebody else recorded."""
    space = dataset.observation_space
    parts: dict[str, gym.Space] = dict(space.spaces) if isinstance(space, gym.spaces.Dict) else {"observation": space}
    if not isinstance(dataset.action_space, gym.spaces.Discrete):
        raise ValueError(f"dataset must have discrete actions, got {dataset.id!r} with {dataset.action_space}")
    if nested := [key for key, part in parts.items() if isinstance(part, (gym.spaces.Dict, gym.spaces.Tuple))]:
        raise ValueError(f"dataset must have a flat dict of observations, got {dataset.id!r} with {', '.join(nested)} inside")
    observations = {}
    for key, part in parts.items():
        values = [episode.observations[key] if isinstance(space, gym.spaces.Dict) else episode.observations for episode in played]
        joined = np.concatenate([np.asarray(value) for value in values])
        if joined.dtype.kind in "biuf":
            observations[key] = joined - int(part.start) if isinstance(part, gym.spaces.Discrete) else joined
    spec = dataset.env_spec
    return Episodes(
        observations,
        {},
        np.concatenate([episode.actions for episode in played]) - int(dataset.action_space.start),
        np.concatenate([episode.rewards for episode in played]),
        np.array([len(episode.actions) for episode in played]),
        np.array([bool(episode.truncations[-1]) and not episode.terminations[-1] for episode in played]),
        {"env_id": spec.id} if spec is not None else {},
    )


def _checked_id(dataset_id: str) -> str:
    """The id, if Minari can use it: Minari itself finds out after it has made folders, and accepts no id without a version."""
    try:
        parse_dataset_id(dataset_id)
    except (TypeError, ValueError):
        raise ValueError(f'dataset_id must be of the form "name-v0" or "namespace/name-v0", got {dataset_id!r}') from None
    return dataset_id


def _env_of(metadata: dict[str, Any]) -> gym.Env:
    if "env_id" not in metadata:
        raise ValueError(f"env must be given for episodes whose metadata have no env_id, got metadata with {sorted(metadata)}")
    # Only vector envs have that argument, and what they record is the same without it.
    kwargs = {name: value for name, value in metadata.get("env_kwargs", {}).items() if name != "explanation_text"}
    return gym.make(metadata["env_id"], **kwargs)


def _record(episodes: Episodes) -> dict[str, Any]:
    """What Minari does not keep itself: the metadata, the order of the arrays, and the dtypes of words."""
    dtypes = {kind: {key: value.dtype.str for key, value in getattr(episodes, kind).items()} for kind in ("observations", "explanations")}
    return {"format": _FORMAT, "metadata": episodes.metadata, **dtypes}


def _observed(episode: Any, key: str, dtype: str) -> np.ndarray:
    """The observations of an episode under a key; texts are stored without one."""
    return episode.observations[key] if isinstance(episode.observations, dict) else np.array(episode.observations, dtype)


def _buffers(episodes: Episodes, *, is_text: bool) -> Iterator[EpisodeBuffer]:
    # HDF5 knows no NumPy strings, only bytes.
    encoded = {key: np.strings.encode(value, "utf-8") if value.dtype.kind == "U" else value for key, value in episodes.explanations.items()}
    last = np.cumsum(episodes.lengths) - 1
    terminations, truncations = (np.zeros(len(episodes.actions), bool) for _ in range(2))
    terminations[last], truncations[last] = ~episodes.truncated, episodes.truncated
    for steps, states in episodes.slices():
        observations = {key: value[states] for key, value in episodes.observations.items()}
        yield EpisodeBuffer(
            observations=observations[TEXT].tolist() if is_text else observations,
            actions=episodes.actions[steps],
            rewards=episodes.rewards[steps],
            terminations=terminations[steps],
            truncations=truncations[steps],
            infos={"explanation": {key: value[states] for key, value in encoded.items()}} if encoded else {},
        )


def _words(stored: np.ndarray, dtype: str) -> np.ndarray:
    return np.strings.decode(stored, "utf-8").astype(dtype) if np.dtype(dtype).kind == "U" else stored
