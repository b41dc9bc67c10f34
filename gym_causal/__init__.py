"""Gymnasium environments for learning causal strategies from passive data."""

from gym_causal._version import __version__
from gym_causal.collect import collect
from gym_causal.core.task_spec import TaskSpec
from gym_causal.episodes import Episodes
from gym_causal.evaluation import evaluate
from gym_causal.registry import make_task, make_vec, register_envs, register_task

__all__ = ["Episodes", "TaskSpec", "__version__", "collect", "evaluate", "make_task", "make_vec", "register_task"]

register_envs()
