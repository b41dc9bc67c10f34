"""The expert: tries each relevant variable once, or any at random, then acts optimally."""

from __future__ import annotations

import numpy as np

from gym_causal.causal_dag.actions import encode_actions
from gym_causal.causal_dag.config import CausalDAGConfig


def exploration_actions(
    config: CausalDAGConfig,
    relevant: np.ndarray,
    priority: np.ndarray,
    tried: np.ndarray,
    trial: int | np.ndarray,
    uniform: np.ndarray,
) -> np.ndarray:
    """(B,) the expert's exploratory action: the next relevant variable, in its random order, that was not tried yet.

    With ``expert_exploration="random"`` it is any relevant variable instead.

    Args:
        config: the env's arguments; ``exploration_sign`` and ``expert_exploration`` matter here.
        relevant: (B, N) bool; the variables worth trying.
        priority: (B, N) float; a random number per variable that orders them.
        tried: (B, N) bool; the variables set so far in this episode.
        trial: how many trials were played, one int or (B,) ints; once every relevant variable was tried, the order begins again.
        uniform: (B,) float in [0, 1), a new one in each trial; what else is random: the sign, and which variable if that is any.
    """
    num_variables = relevant.shape[1]
    order = np.argsort(np.where(relevant, priority, np.inf), axis=1)  # (B, N), the relevant ones first
    if config.expert_exploration == "random":
        # The first binary digit decides the sign; the later ones are uniform too, and independent of it.
        place = (2 * uniform % 1 * relevant.sum(axis=1)).astype(int)
    else:
        is_new = np.take_along_axis(relevant & ~tried, order, 1)
        place = np.where(is_new.any(axis=1), is_new.argmax(axis=1), trial % relevant.sum(axis=1))
    variable = np.take_along_axis(order, place[:, None], 1)[:, 0]
    positive = (uniform >= 0.5) | (config.exploration_sign == "positive")
    return encode_actions(variable, positive, num_variables)


def draw_actions(probabilities: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """(B,) actions from (B, A) probabilities by inverting their distribution at (B,) uniform numbers in [0, 1)."""
    cumulative = probabilities.cumsum(axis=1)
    return (cumulative > (uniform * cumulative[:, -1])[:, None]).argmax(axis=1)
