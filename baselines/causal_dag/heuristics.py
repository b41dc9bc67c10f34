"""Two strategies that look at the goal's own outcomes, one experiment at a time.

Both are the source talk's; skipping the trial that set the goal itself is our choice. A strategy maps what was seen to a preference
over actions, (B, 2N) float, higher is better: action i < N sets variable i to a positive value, action N + i to the negative one.
"""

from __future__ import annotations

import numpy as np

from baselines.causal_dag.interventional_data import InterventionalData


def value_preferences(experience: InterventionalData, goal: np.ndarray) -> np.ndarray:
    """Repeat the intervention after which the goal was highest.

    Args:
        experience: what was seen.
        goal: (B,) int, the variable to maximise.

    Returns:
        (B, 2N) float; the goal's highest outcome after each intervention, -inf for those not tried.
    """
    outcome = _of_goal(experience.outcomes, goal)
    return _best_per_action(experience, goal, outcome, experience.do_value > 0)


def change_preferences(experience: InterventionalData, goal: np.ndarray) -> np.ndarray:
    """Take the intervention with the largest change in the goal, its sign reversed if the change was negative.

    The change is the outcome minus the initial value, as observed; their noise differs, so part of it is chance.

    Args:
        experience: what was seen.
        goal: (B,) int, the variable to maximise.

    Returns:
        (B, 2N) float; the goal's largest absolute change, at the action that should raise it, -inf elsewhere.
    """
    change = _of_goal(experience.outcomes, goal) - _of_goal(experience.initial_values, goal)
    return _best_per_action(experience, goal, np.abs(change), (experience.do_value > 0) == (change >= 0))


def _of_goal(values: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(B, T) the goal's column of (B, T, N)."""
    return np.take_along_axis(values, goal[:, None, None], 2)[:, :, 0]


def _best_per_action(experience: InterventionalData, goal: np.ndarray, score: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(B, 2N) the highest (B, T) score among the trials that speak for each action; trials that set the goal or nothing do not."""
    num_variables = experience.outcomes.shape[2]
    action = np.where(positive, experience.do_target, experience.do_target + num_variables)  # (B, T)
    counts = experience.seen & (experience.do_target >= 0) & (experience.do_target != goal[:, None])
    speaks = counts[:, :, None] & (action[:, :, None] == np.arange(2 * num_variables))  # (B, T, 2N)
    return np.where(speaks, score[:, :, None], -np.inf).max(axis=1, initial=-np.inf)
