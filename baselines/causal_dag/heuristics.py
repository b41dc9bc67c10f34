"""Two strategies that compare the goal's outcomes, one experiment at a time.

Both are the source talk's; skipping the trial that set the goal itself is our choice. A strategy maps the recorded trials to a
preference over actions, (B, 2N) float, higher is better.
"""

from __future__ import annotations

import numpy as np

from baselines.causal_dag.interventional_data import InterventionalData
from gym_causal.causal_dag.actions import encode_actions, num_actions


def value_preferences(data: InterventionalData, goal: np.ndarray) -> np.ndarray:
    """Repeat the intervention after which the goal was highest.

    Args:
        data: the recorded trials.
        goal: (B,) int, the variable to maximise.

    Returns:
        (B, 2N) float; the goal's highest outcome after each intervention, -inf for those not tried.
    """
    outcome = _of_goal(data.outcomes, goal)
    return _best_per_action(data, goal, outcome, data.do_value > 0)


def change_preferences(data: InterventionalData, goal: np.ndarray) -> np.ndarray:
    """Take the intervention with the largest change in the goal, its sign reversed if the change was negative.

    The change is the outcome minus the initial value, as observed; their noise differs, so part of it is chance.

    Args:
        data: the recorded trials.
        goal: (B,) int, the variable to maximise.

    Returns:
        (B, 2N) float; the goal's largest absolute change, at the action that should raise it, -inf elsewhere.
    """
    change = _of_goal(data.outcomes, goal) - _of_goal(data.initial_values, goal)
    return _best_per_action(data, goal, np.abs(change), (data.do_value > 0) == (change >= 0))


def _of_goal(values: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(B, T) the goal's column of (B, T, N)."""
    return np.take_along_axis(values, goal[:, None, None], 2)[:, :, 0]


def _best_per_action(data: InterventionalData, goal: np.ndarray, score: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(B, 2N) the highest (B, T) score among the trials that support each action; trials that set the goal or nothing support none."""
    num_variables = data.outcomes.shape[2]
    action = encode_actions(data.do_target, positive, num_variables)  # (B, T)
    scored = data.valid & (data.do_target >= 0) & (data.do_target != goal[:, None])
    supports = scored[:, :, None] & (action[:, :, None] == np.arange(num_actions(num_variables)))  # (B, T, 2N)
    return np.where(supports, score[:, :, None], -np.inf).max(axis=1, initial=-np.inf)
