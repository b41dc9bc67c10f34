"""``OddOneOut-v0``, ``OddOneOutConfounded-v0`` and ``OddOneOutIntervention-v0``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.batched import TaskEnv, TaskVectorEnv
from gym_causal.odd_one_out.config import OddOneOutConfig, OddOneOutConfoundedConfig, OddOneOutInterventionConfig, RoomConfig
from gym_causal.odd_one_out.task import OddOneOutTask


class _RoomEnv(TaskEnv):
    metadata = OddOneOutTask.metadata
    task: OddOneOutTask
    config_class: type[RoomConfig]

    def __init__(self, *, render_mode: str | None = None, **config: Any) -> None:
        super().__init__(OddOneOutTask(self.config_class(**config), num_envs=1), render_mode)

    def oracle_action(self) -> int:
        """The action of an expert that is told which attribute pays, and makes no mistakes."""
        return int(self.task.oracle_actions()[0])


class _RoomVectorEnv(TaskVectorEnv):
    task: OddOneOutTask
    config_class: type[RoomConfig]

    def __init__(self, *, num_envs: int, explanation_text: bool = False, **config: Any) -> None:
        super().__init__(OddOneOutTask(self.config_class(**config), num_envs), explanation_text=explanation_text)

    def oracle_actions(self) -> np.ndarray:
        """(B,) int; the actions of an expert that is told which attribute pays, and makes no mistakes."""
        return self.task.oracle_actions()


class OddOneOutEnv(_RoomEnv):
    config_class = OddOneOutConfig


class OddOneOutConfoundedEnv(_RoomEnv):
    config_class = OddOneOutConfoundedConfig


class OddOneOutInterventionEnv(_RoomEnv):
    config_class = OddOneOutInterventionConfig


class OddOneOutVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOut-v0``; the arguments of :class:`OddOneOutEnv` but ``render_mode``."""

    config_class = OddOneOutConfig


class OddOneOutConfoundedVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOutConfounded-v0``; the arguments of :class:`OddOneOutConfoundedEnv` but ``render_mode``."""

    config_class = OddOneOutConfoundedConfig


class OddOneOutInterventionVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOutIntervention-v0``; the arguments of :class:`OddOneOutInterventionEnv` but ``render_mode``."""

    config_class = OddOneOutInterventionConfig
