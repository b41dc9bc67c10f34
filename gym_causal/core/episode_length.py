"""``env.spec.max_episode_steps``, from the task that an env plays."""

from __future__ import annotations

import copy
from typing import Any

from gym_causal.core.task import BatchedTask


class StatesEpisodeLength:
    """An env whose ``spec`` has its task's ``max_episode_steps``, if Gymnasium gives it a spec without one.

    Ids are registered without: ``gym.make`` would add a TimeLimit of that many steps, whatever the arguments make of an episode's length.
    """

    task: BatchedTask
    _spec: Any = None

    @property
    def spec(self) -> Any:
        """Gymnasium's record of how the env was made."""
        return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        if spec is not None and spec.max_episode_steps is None:
            spec = copy.copy(spec)  # gym.make goes on with its own
            spec.max_episode_steps = self.task.max_episode_steps
        self._spec = spec
