"""``OddOneOut-v0``, ``OddOneOutConfounded-v0`` and ``OddOneOutIntervention-v0``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.odd_one_out.task import RoomTask
from gym_causal.registry import make_task, split_arguments


class _RoomEnv(TaskEnv):
    metadata = RoomTask.metadata
    task: RoomTask
    env_id: str

    def __init__(self, *, render_mode: str | None = None, flatten: bool = False, **config: Any) -> None:
        super().__init__(make_task(self.env_id, 1, **config), render_mode, flatten=flatten)

    def oracle_action(self) -> int:
        """The action of an expert that is told which attribute is rewarded, and makes no mistakes."""
        self.require_reset("oracle_action")
        return int(self.task.oracle_actions()[0])


class _RoomVectorEnv(TaskVectorEnv):
    task: RoomTask
    env_id: str

    def __init__(self, *, num_envs: int, **arguments: Any) -> None:
        adapter, config = split_arguments("make_vec", arguments)
        super().__init__(make_task(self.env_id, num_envs, **config), **adapter)

    def oracle_actions(self) -> np.ndarray:
        """(B,) int; the actions of an expert that is told which attribute is rewarded, and makes no mistakes."""
        self.require_reset("oracle_actions")
        return self.task.oracle_actions()


class OddOneOutEnv(_RoomEnv):
    """Find the object that is odd in colour, texture, shape or position, in a room.

    Actions: 0 to 7 move north, northeast, east, ... northwest. Stepping onto an object touches it.

    Observations: ``view``, 11x11 cells around the agent, as pixels (99, 99, 3), symbols (11, 11, 4) or one-hot planes (11, 11, 39), all
    uint8; ``may_transform`` and ``touched``, 0 or 1; ``trial``; ``last_reward`` (1,) float32.

    Reward: 1 for touching the odd object, once. The episode ends ``feedback_steps`` steps after the touch (terminated), or without a touch
    after ``max_trial_steps`` (truncated).

    Arguments: those of :class:`gym_causal.odd_one_out.config.OddOneOutConfig`; ``render_mode``: None, "human", "rgb_array" or "ansi";
    and ``flatten=True``: observations are float32 vectors.

    Version history: v0, the first.
    """

    env_id = "OddOneOut-v0"


class OddOneOutConfoundedEnv(_RoomEnv):
    """Find the odd one out, which in training is odd in colour, texture and shape at once and in evaluation in one of the three.

    Actions, observations, reward and end are those of :class:`OddOneOutEnv`. Explanations name one attribute only.

    Arguments: those of :class:`gym_causal.odd_one_out.config.OddOneOutConfoundedConfig`, ``render_mode`` and ``flatten``.

    Version history: v0, the first.
    """

    env_id = "OddOneOutConfounded-v0"


class OddOneOutInterventionEnv(_RoomEnv):
    """Find out by experiments which attribute is rewarded, then touch the object that is odd in it.

    Actions: those of :class:`OddOneOutEnv`; and 8, 9, 10: change the colour, texture or shape of the first adjacent object clockwise from
    north, once in each experiment trial.

    Observations are those of :class:`OddOneOutEnv`.

    Reward: for touching the object that is odd in the rewarded attribute, 1 in each of three experiment trials and 10 in the test trial.
    The episode ends after the test trial: terminated, or truncated if that timed out.

    Arguments: those of :class:`gym_causal.odd_one_out.config.OddOneOutInterventionConfig`, ``render_mode`` and ``flatten``.

    Version history: v0, the first.
    """

    env_id = "OddOneOutIntervention-v0"


class OddOneOutVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOut-v0``; its arguments and those of :class:`TaskVectorEnv`."""

    env_id = "OddOneOut-v0"


class OddOneOutConfoundedVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOutConfounded-v0``; its arguments and those of :class:`TaskVectorEnv`."""

    env_id = "OddOneOutConfounded-v0"


class OddOneOutInterventionVectorEnv(_RoomVectorEnv):
    """The native batched ``OddOneOutIntervention-v0``; its arguments and those of :class:`TaskVectorEnv`."""

    env_id = "OddOneOutIntervention-v0"
