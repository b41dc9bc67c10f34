"""Gymnasium environments for learning causal strategies from passive data."""

from gym_causal._version import __version__
from gym_causal.episodes import Episodes
from gym_causal.evaluation import evaluate
from gym_causal.registry import make_vec, register_envs
from gym_causal.rollouts import collect

__all__ = ["Episodes", "__version__", "collect", "evaluate", "make_vec"]

register_envs()
