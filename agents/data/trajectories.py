"""Recorded episodes as the trajectories of the library imitation, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gym_causal import Episodes
from gym_causal.extras import needs_extra

with needs_extra("agents.data.trajectories", "agents"):
    from imitation.data.types import DictObs, Trajectory, TrajectoryWithRew


def to_trajectories(episodes: Episodes) -> list[TrajectoryWithRew]:
    """One trajectory for each episode. Its arrays are views of the episodes', not copies.

    As in imitation's own rollouts, ``infos[t]`` is the info of the state that step t led to: ``infos[t]["explanation"]`` holds an
    array for each of ``episodes.explanations``. Imitation has no place for the info of the reset; it is ``infos[0]["reset_info"]``.
    Episodes without explanations have no infos. A trajectory is terminal unless a time limit cut it short.

    Args:
        episodes: E episodes, of any lengths. Their metadata have no place in a trajectory: hand them to :func:`from_trajectories`.

    Returns:
        (E,) trajectories with ``DictObs``; an episode of n steps has n + 1 observations and n actions, rewards and infos.
    """
    trajectories = []
    for (steps, states), truncated in zip(episodes.slices(), episodes.truncated.tolist(), strict=True):
        observations = DictObs({key: value[states] for key, value in episodes.observations.items()})
        infos = _infos({key: value[states] for key, value in episodes.explanations.items()}) if episodes.explanations else None
        trajectories.append(TrajectoryWithRew(observations, episodes.actions[steps], infos, not truncated, episodes.rewards[steps]))
    return trajectories


def from_trajectories(trajectories: Iterable[Trajectory], metadata: Mapping[str, Any] | None = None) -> Episodes:
    """What :func:`to_trajectories` was given.

    Trajectories from elsewhere are welcome too, if they have rewards, and either no explanations in their infos or those of every state,
    the first one's in ``infos[0]["reset_info"]``. Observations that are arrays, as of CartPole-v1, are called "observation".

    Args:
        trajectories: at least one.
        metadata: JSON-able; what made the episodes, ``episodes.metadata``.

    Raises:
        TypeError: a trajectory without rewards.
        ValueError: there are none, their observations have different keys, or an explanation is missing.
    """
    played: list[TrajectoryWithRew] = []
    observations: list[DictObs] = []
    for index, trajectory in enumerate(trajectories):
        if not isinstance(trajectory, TrajectoryWithRew):
            raise TypeError(f"trajectories must be TrajectoryWithRew, got {type(trajectory).__name__} at {index}")
        played.append(trajectory)
        observations.append(trajectory.obs if isinstance(trajectory.obs, DictObs) else DictObs({"observation": np.asarray(trajectory.obs)}))
        if observations[-1].keys() != observations[0].keys():
            keys = [sorted(each.keys()) for each in (observations[0], observations[-1])]
            raise ValueError(f"trajectories must have the same observations, got {keys[0]} at 0 and {keys[1]} at {index}")
    if not played:
        raise ValueError("trajectories must not be empty: what the observations are called is not known otherwise")
    return Episodes(
        DictObs.concatenate(observations).unwrap(),
        _explanations(played),
        np.concatenate([trajectory.acts for trajectory in played]),
        np.concatenate([trajectory.rews for trajectory in played]),
        np.array([len(trajectory) for trajectory in played]),
        np.array([not trajectory.terminal for trajectory in played]),
        dict(metadata or {}),
    )


def _infos(explanations: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) dicts, of the explanations (n + 1, ...) of an episode's states."""
    # An array of no dimensions, not a scalar, for a fact that is a number or word: the dtype of a word is as long as the word itself.
    states = [{key: value[state, ...] for key, value in explanations.items()} for state in range(len(next(iter(explanations.values()))))]
    infos: list[dict[str, Any]] = [{"explanation": state} for state in states[1:]]
    infos[0]["reset_info"] = {"explanation": states[0]}
    return np.array(infos)


def _explanations(trajectories: list[TrajectoryWithRew]) -> dict[str, np.ndarray]:
    """(S + E, ...) each; the explanations of all states."""
    states: list[Mapping[str, Any]] = []
    for index, trajectory in enumerate(trajectories):
        infos = [] if trajectory.infos is None else [trajectory.infos[0].get("reset_info", {}), *trajectory.infos]
        given = [info["explanation"] for info in infos if "explanation" in info]
        if len(given) not in (0, len(infos)) or (index and bool(given) != bool(states)):
            raise ValueError(
                'trajectories must have an "explanation" in every info and in infos[0]["reset_info"], or all of them nowhere, '
                f"got {len(given)} for the {len(trajectory) + 1} states of number {index}"
            )
        states += given
    names = states[0].keys() if states else ()
    if any(state.keys() != names for state in states):
        raise ValueError(f"trajectories must have the same facts in every explanation, got {sorted({tuple(state) for state in states})}")
    return {name: np.array([state[name] for state in states]) for name in names}
