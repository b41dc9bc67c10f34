"""``OddOneOutText-v0``."""

from __future__ import annotations

from typing import Any

from gym_causal.core.env import TaskEnv
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.odd_one_out_text.task import OddOneOutTextTask
from gym_causal.registry import make_task


class OddOneOutTextEnv(TaskEnv):
    """Find out by experiments which dimension is rewarded, then choose the object that is unique in it; in words.

    Actions: with O objects and D dimensions, action o * D + d transforms object o in dimension d and chooses it, in an experiment trial;
    action O * D + o chooses object o, in the test trial. An action that is not possible in a trial does nothing and uses the trial up.

    Observations: new text only, or with ``observation="symbolic"`` arrays with the same information.

    Reward: for choosing an object that is unique in the rewarded dimension, 1 in each experiment trial and 10 in the test trial. The
    episode is terminated after the test trial. It is never truncated.

    Arguments: those of :class:`gym_causal.odd_one_out_text.config.OddOneOutTextConfig`, and ``render_mode``: None or "ansi".

    Version history: v0, the first.
    """

    metadata = OddOneOutTextTask.metadata

    def __init__(self, *, render_mode: str | None = None, **config: Any) -> None:
        super().__init__(make_task("OddOneOutText-v0", 1, **config), render_mode)


class OddOneOutTextVectorEnv(TaskVectorEnv):
    """The native batched ``OddOneOutText-v0``; the arguments of :class:`OddOneOutTextEnv` but ``render_mode``.

    Observations in words are a tuple of B strings.
    """

    def __init__(self, *, num_envs: int, explanation_text: bool = False, **config: Any) -> None:
        super().__init__(make_task("OddOneOutText-v0", num_envs, **config), explanation_text=explanation_text)
