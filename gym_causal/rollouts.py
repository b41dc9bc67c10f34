"""Play a policy in exactly the first n episodes of a seed, and record it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from gym_causal._version import __version__
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations
from gym_causal.episodes import Episodes, as_json, within
from gym_causal.policies import Policy, Predictor, bind, checked_result, name_of
from gym_causal.registry import make_task

MAX_BATCH = 1_024
"""At most this many episodes are played at once, whatever ``num_envs`` a user's own envs have."""


@dataclass(frozen=True)
class Step:
    """One step of a batch of B rows. The task behind it has already moved on to the state after ``actions``."""

    episodes: np.ndarray  # (B,) int; the episode of each row
    valid: np.ndarray  # (B,) bool; whether it is one of the first n episodes (rows that have none left play on)
    episode_starts: np.ndarray  # (B,) bool; whether this was the episode's first step
    observations: Observations  # (B, ...) before the step
    infos: Infos  # (B, ...) before the step; empty unless asked for
    is_choice: np.ndarray  # (B,) bool; whether the step tells strategies apart
    actions: np.ndarray  # (B,) int
    observer_actions: dict[str, np.ndarray]  # observer -> (B,) int; the action that it would have taken
    rewards: np.ndarray  # (B,) float
    done: np.ndarray  # (B,) bool
    truncated: np.ndarray  # (B,) bool


def batch_size(task_block_size: int, num_episodes: int) -> int:
    """How many rows play n episodes: as few passes as ``MAX_BATCH`` and the task's memory allow, and equally many episodes in each."""
    most = min(MAX_BATCH, 4 * task_block_size)
    passes = -(-num_episodes // most)
    return -(-num_episodes // passes)


def play(
    policy: Policy, task: BatchedTask, num_episodes: int, observers: Mapping[str, Policy] | None = None, *, infos: bool = False
) -> Iterator[Step]:
    """Play episodes 0..num_episodes - 1 of a seeded task.

    Row b plays episodes b, b + B, ...; every episode is played to its end, so that short ones are not favoured.

    Args:
        policy: bound to ``task`` (:func:`gym_causal.policies.bind`).
        task: seeded.
        num_episodes: n >= 1.
        observers: policies that get the same observations and are asked for their actions, which are not played.
        infos: also compute the infos before every step.

    Raises:
        TypeError: a policy does not return a pair (actions, state).
        ValueError: its actions are not (B,) ints of the action space.
    """
    observers = observers or {}
    observer_states: dict[str, Any] = dict.fromkeys(observers)
    rows = np.arange(task.num_envs)
    episodes, starts = rows.copy(), np.ones(task.num_envs, bool)
    task.begin(rows, episodes)
    num_actions = int(task.action_space.n)
    state = None
    remaining = num_episodes
    while remaining:
        observations, is_choice = task.observations(), task.is_choice()
        before = task.infos(text=False) if infos else {}
        actions, state = checked_result("policy", policy(observations, state, starts), task.num_envs, num_actions)
        observer_actions = {}
        for name, observer in observers.items():
            result = observer(observations, observer_states[name], starts)
            observer_actions[name], observer_states[name] = checked_result(f"references: {name}", result, task.num_envs, num_actions)
        rewards, terminated, truncated = task.step(actions)
        done = terminated | truncated
        valid = episodes < num_episodes
        yield Step(episodes.copy(), valid, starts, observations, before, is_choice, actions, observer_actions, rewards, done, truncated)
        remaining -= int((done & valid).sum())
        starts = done
        if done.any() and remaining:
            episodes[done] += task.num_envs
            task.begin(rows[done], episodes[done])


def seeded_task(env_id: str, num_episodes: int, seed: int, domain: SeedDomain, **env_kwargs: Any) -> BatchedTask:
    """The task of an env, ready for :func:`play` to play the first ``num_episodes`` of a seed in a domain.

    Raises:
        ValueError: ``num_episodes`` < 1 or ``seed`` < 0, or one of them is no int, or an unknown domain; or what the env says of its
            arguments.
    """
    for name, value, least in (("num_episodes", num_episodes, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise ValueError(f"{name} must be an int of at least {least}, got {value!r}")
    if domain not in list(SeedDomain):
        raise ValueError(f"domain must be one of {', '.join(map(str, SeedDomain.__members__))}, got {domain!r}")
    env_kwargs.pop("explanation_text", None)  # accepted since it is an argument of make_vec, but no words are recorded
    block_size = make_task(env_id, 1, **env_kwargs).block_size
    task = make_task(env_id, batch_size(block_size, num_episodes), **env_kwargs)
    task.seed(seed, domain)
    return task


def collect(
    policy: Policy | Predictor | str,
    env_id: str,
    *,
    split: str = "train",
    num_episodes: int = 1_000,
    seed: int = 0,
    domain: SeedDomain = SeedDomain.COLLECTION,
    **env_kwargs: Any,
) -> Episodes:
    """Record a policy in exactly episodes 0..num_episodes - 1 of a seed.

    They are drawn from the collection domain: disjoint from what ``gym.make`` and :func:`gym_causal.evaluate` play under any seed.

    Args:
        policy: "expert", "random", a callable with the one policy signature, or an object with stable-baselines3's ``predict``
            (:func:`gym_causal.policies.bind`).
        env_id: a registered id, or any other that Gymnasium knows.
        split: a split of that env.
        num_episodes: >= 1.
        seed: >= 0, of the episodes and of "random".
        domain: which of the disjoint families of episodes.
        env_kwargs: further arguments of the env; with ``explain="none"`` no explanations are recorded, which is faster and smaller.

    Returns:
        The episodes, in order, with metadata on how they were made.
    """
    steps, states = EpisodeLog(), EpisodeLog()
    with closing(seeded_task(env_id, num_episodes, seed, domain, split=split, **env_kwargs)) as task:
        lengths, truncated = np.zeros(num_episodes, int), np.zeros(num_episodes, bool)
        for step in play(bind(policy, task, seed), task, num_episodes, infos=True):
            steps.add(step.valid, step.episodes, {"actions": step.actions, "rewards": step.rewards})
            states.add(step.valid, step.episodes, _state(step.observations, step.infos))
            lengths[step.episodes[step.valid]] += 1
            ended = step.done & step.valid
            if ended.any():
                states.add(ended, step.episodes, _state(task.observations(), task.infos(text=False)))
                truncated[step.episodes[ended]] = step.truncated[ended]
    recorded, played = states.by_episode(), steps.by_episode()
    metadata = {
        "env_id": env_id,
        "env_kwargs": {"split": split, **{key: as_json(value) for key, value in env_kwargs.items()}},
        "policy": name_of(policy),
        "seed": int(seed),
        "explanation_version": task.explanations.version,
        "versions": {"gym_causal": __version__, "gymnasium": gym.__version__, "numpy": np.__version__},
    }
    observations, explanations = within("observations", recorded), within("explanations", recorded)
    return Episodes(observations, explanations, played["actions"], played["rewards"], lengths, truncated, metadata)


def _state(observations: Observations, infos: Infos) -> dict[str, np.ndarray]:
    """The arrays to record of a state. An explanation with no entry but its kind is not recorded: there are none."""
    explanation = infos.get("explanation", {})
    explanation = explanation if len(explanation) > 1 else {}
    return {
        # Texts as strings of a fixed length: objects would be pickled in files.
        **{f"observations/{key}": value.astype(str) if value.dtype == object else value for key, value in observations.items()},
        **{f"explanations/{key}": value for key, value in explanation.items()},
    }


class EpisodeLog:
    """Rows of many episodes in the order in which they were played, to be sorted by episode at the end."""

    def __init__(self) -> None:
        self._episodes: list[np.ndarray] = []
        self._values: dict[str, list[np.ndarray]] = {}

    def add(self, rows: np.ndarray, episodes: np.ndarray, values: dict[str, np.ndarray]) -> None:
        """Add the (B, ...) values of some rows.

        Args:
            rows: (B,) bool; which of them.
            episodes: (B,) int; the episode of each row.
            values: the same names each time.
        """
        index = slice(None) if rows.all() else rows
        self._episodes.append(episodes[index])
        for key, value in values.items():
            self._values.setdefault(key, []).append(value[index])

    def by_episode(self) -> dict[str, np.ndarray]:
        """Every array sorted by episode, the rows of an episode in the order in which they were added; empties the log."""
        order = np.argsort(np.concatenate(self._episodes), kind="stable")
        return {key: np.concatenate(self._values.pop(key))[order] for key in list(self._values)}
