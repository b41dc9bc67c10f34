"""Recorded steps as plain arrays, for libraries that take no dicts of observations."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from gym_causal.core.flattening import Flattener
from gym_causal.episodes import Episodes
from gym_causal.registry import make_task


def flat_arrays(episodes: Episodes, space: spaces.Dict | None = None) -> dict[str, np.ndarray]:
    """See :meth:`gym_causal.Episodes.flat`."""
    space = _recorded_space(episodes) if space is None else space
    if space.spaces.keys() != episodes.observations.keys():
        raise ValueError(f"space must have the observations {sorted(episodes.observations)}, got {sorted(space.spaces)}")
    steps, last = int(episodes.starts[-1]), episodes.starts[1:] - 1
    # Every state but the final ones: those of episode e begin e later than its steps.
    states = np.arange(steps) + np.repeat(np.arange(len(episodes)), episodes.lengths)
    terminals, timeouts = np.zeros(steps, bool), np.zeros(steps, bool)
    terminals[last], timeouts[last] = ~episodes.truncated, episodes.truncated
    return {
        "observations": Flattener(space)({key: value[states] for key, value in episodes.observations.items()}),
        "actions": episodes.actions.copy(),
        "rewards": episodes.rewards.astype(np.float32),
        "terminals": terminals,
        "timeouts": timeouts,
    }


def _recorded_space(episodes: Episodes) -> spaces.Dict:
    if "env_id" not in episodes.metadata:
        raise ValueError(f"space must be given for episodes whose metadata have no env_id, got metadata with {sorted(episodes.metadata)}")
    task = make_task(episodes.metadata["env_id"], 1, **episodes.metadata.get("env_kwargs", {}))
    try:
        return task.observation_space
    finally:
        task.close()
