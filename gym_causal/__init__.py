"""Gymnasium environments for learning causal strategies from passive data."""

from gym_causal.evaluation import evaluate
from gym_causal.registration import make_vec, register_envs

__version__ = "0.1.0"
__all__ = ["evaluate", "make_vec"]

register_envs()
