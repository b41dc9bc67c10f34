"""Two strategies that fit a line through all recorded values: initial values and outcomes pooled, ordinary least squares.

Total and partial correlation are the source talk's. That the row in which the goal itself was set stays in (the naive analyst) is
our choice; ``leave_out_goal_trial=True`` leaves it out. Both take correlation for causation, so confounders fool them.
"""

from __future__ import annotations

import numpy as np

from baselines.causal_dag.interventional_data import InterventionalData


def total_correlation_slopes(data: InterventionalData, goal: np.ndarray, *, leave_out_goal_trial: bool = False) -> np.ndarray:
    """Regress the goal on each variable alone, with an intercept: slope = cov(x, goal) / var(x).

    Args:
        data: the recorded trials.
        goal: (B,) int.
        leave_out_goal_trial: ignore the outcomes of trials in which the goal itself was set.

    Returns:
        (B, N) float slopes; 0 for the goal itself and for a variable that never varied.
    """
    values, target = _centred(data, goal, leave_out_goal_trial)
    variance = (values**2).sum(axis=1)  # (B, N), times the number of rows
    covariance = (values * target[:, :, None]).sum(axis=1)
    # What is left of a constant column after rounding is no variation.
    varied = variance > 1e-12 * (data.rows**2).sum(axis=1)
    return np.divide(covariance, variance, out=np.zeros_like(variance), where=varied)


def partial_correlation_slopes(
    data: InterventionalData, goal: np.ndarray, relevant: np.ndarray | None = None, *, leave_out_goal_trial: bool = False
) -> np.ndarray:
    """Regress the goal on all other variables at once, with an intercept.

    With fewer rows than variables the least squares solution of minimum norm is taken.

    Args:
        data: the recorded trials.
        goal: (B,) int.
        relevant: (B, N) bool, the variables to regress on; None: all.
        leave_out_goal_trial: ignore the outcomes of trials in which the goal itself was set.

    Returns:
        (B, N) float slopes; 0 for variables left out of the regression.
    """
    values, target = _centred(data, goal, leave_out_goal_trial)
    if relevant is not None:
        values = values * relevant[:, None, :]
    return np.einsum("bnr,br->bn", np.linalg.pinv(values, rcond=1e-10), target)


def slope_preferences(slopes: np.ndarray) -> np.ndarray:
    """(B, 2N): the effect of an action is the slope times its sign, so the best is the steepest slope with the sign that raises."""
    return np.concatenate([slopes, -slopes], axis=1)


def _centred(data: InterventionalData, goal: np.ndarray, leave_out_goal_trial: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows (B, 2T, N) with the goal's column 0, and the goal (B, 2T), both minus their means; rows left out are 0."""
    used = data.row_valid
    if leave_out_goal_trial:
        used = used & (data.row_target != goal[:, None])
    rows = data.rows
    mean = (rows * used[:, :, None]).sum(axis=1) / np.maximum(used.sum(axis=1), 1)[:, None]
    values = (rows - mean[:, None, :]) * used[:, :, None]
    is_goal = np.arange(rows.shape[2]) == goal[:, None]  # (B, N)
    return np.where(is_goal[:, None, :], 0.0, values), np.take_along_axis(values, goal[:, None, None], 2)[:, :, 0]
