"""``OddOneOut-v0``, ``OddOneOutConfounded-v0`` and ``OddOneOutIntervention-v0``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.odd_one_out.keys import keys_to_action
from gym_causal.odd_one_out.task import RoomTask
from gym_causal.registry import make_task, split_arguments


class _RoomEnv(TaskEnv):
    metadata = RoomTask.metadata
    task: RoomTask
    env_id: str

    def __init__(self, *, render_mode: str | None = None, flatten: bool = False, **config: Any) -> None:
        super().__init__(make_task(self.env_id, 1, **config), render_mode, flatten=flatten)

    def oracle_action(self) -> int:
        """The action of an expert that is told which attribute is rewarded, and makes no mistakes.

        Raises:
            ResetNeeded: the episode is over or was never begun.
        """
        self.require_running("oracle_action")
        return int(self.task.oracle_actions()[0])

    def get_keys_to_action(self) -> dict[tuple[int, ...], int]:
        """Key codes -> the action, for ``gymnasium.utils.play``: digits and number pad, arrows, and c, t, s for transforms."""
        return keys_to_action(self._num_actions)


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
    """``OddOneOut-v0``: find the object that is odd in colour, texture, shape or position, in a room.

    ## Description

    An agent walks through a room of 11x11 cells with four objects. One of them is odd in one attribute; in all others the objects are
    split two and two. There is one trial.

    ## Action Space

    ``Discrete(8)``: 0 to 7 move one cell north, northeast, east, ... northwest. A wall stops the agent. Stepping onto an object touches it.

    ## Observation Space

    A ``Dict`` of one level. Which object is rewarded is in none of it before the touch.

    | Key             | Space              | Meaning                                                                                       |
    |-----------------|--------------------|-----------------------------------------------------------------------------------------------|
    | `view`          | `Box`, uint8       | the 11x11 cells around the agent, as `observation` says: see below                            |
    | `may_transform` | `Discrete(2)`      | whether a transform is left in this trial                                                     |
    | `touched`       | `Discrete(2)`      | whether an object was touched in this trial: a feedback step                                  |
    | `trial`         | `Discrete(T + 1)`  | which of the T trials it is; T once the episode is over                                       |
    | `last_reward`   | `Box (1,)`         | the reward of the last action: the result of an experiment                                    |

    | `observation` | `view`       | Meaning                                                                                               |
    |---------------|--------------|-------------------------------------------------------------------------------------------------------|
    | `"pixels"`    | (99, 99, 3)  | nine pixels a cell; the agent is white, walls are dark grey                                           |
    | `"symbolic"`  | (11, 11, 4)  | 0 nothing, 1 wall, 2 object, 3 agent; then 1 + colour, 1 + texture, 1 + shape of an object, else 0    |
    | `"one_hot"`   | (11, 11, 39) | the same symbols, one plane of 0s and 1s each: wall, object, agent; 19 colours, 6 textures, 11 shapes |

    ## Rewards

    1 for touching the odd object, once.

    ## Episode End

    ``feedback_steps`` steps after the touch (terminated), or without a touch after ``max_trial_steps`` (truncated).

    ## Arguments

    Those of :class:`gym_causal.odd_one_out.config.OddOneOutConfig`; ``render_mode``: None, "human", "rgb_array" or "ansi"; and
    ``flatten=True``: observations are float32 vectors.

    ## Version History

    * v0: first version.
    """

    env_id = "OddOneOut-v0"


class OddOneOutConfoundedEnv(_RoomEnv):
    """``OddOneOutConfounded-v0``: the same, odd in colour, texture and shape at once in training, and in one of the three in evaluation.

    ## Description

    As :class:`OddOneOutEnv`. In training the rewarded object is odd in all three visible attributes; in evaluation three objects are odd
    in one each. Explanations name one attribute only.

    ## Action Space

    ``Discrete(8)``, as in :class:`OddOneOutEnv`.

    ## Observation Space

    That of :class:`OddOneOutEnv`.

    ## Rewards

    1 for touching the rewarded object, once.

    ## Episode End

    As in :class:`OddOneOutEnv`.

    ## Arguments

    Those of :class:`gym_causal.odd_one_out.config.OddOneOutConfoundedConfig`, ``render_mode`` and ``flatten``.

    ## Version History

    * v0: first version.
    """

    env_id = "OddOneOutConfounded-v0"


class OddOneOutInterventionEnv(_RoomEnv):
    """``OddOneOutIntervention-v0``: find out by experiments which attribute is rewarded, then touch the object that is odd in it.

    ## Description

    Three experiment trials with one transform each, then a test trial in which three objects are odd in one attribute each.

    ## Action Space

    ``Discrete(11)``: those of :class:`OddOneOutEnv`; and 8, 9, 10: change the colour, texture or shape of the first adjacent object
    clockwise from north, once in each experiment trial.

    ## Observation Space

    That of :class:`OddOneOutEnv`.

    ## Rewards

    For touching the object that is odd in the rewarded attribute: 1 in each experiment trial and 10 in the test trial.

    ## Episode End

    After the test trial: terminated, or truncated if that timed out.

    ## Arguments

    Those of :class:`gym_causal.odd_one_out.config.OddOneOutInterventionConfig`, ``render_mode`` and ``flatten``.

    ## Version History

    * v0: first version.
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
