"""Actions as interventions: of 2N actions over N variables, action i sets variable i to +value and action N + i sets it to -value."""

from __future__ import annotations

from functools import cache

import numpy as np


def num_actions(num_variables: int) -> int:
    """2N, how many actions there are over N variables."""
    return 2 * num_variables


def action_variable(actions: np.ndarray, num_variables: int) -> np.ndarray:
    """(...) int, the variable that each of (...) actions sets."""
    return _variables(num_variables).take(actions)


def action_value(actions: np.ndarray, num_variables: int, intervention_value: float) -> np.ndarray:
    """(...) float, the value that each of (...) actions sets its variable to: plus or minus ``intervention_value``."""
    return _values(num_variables, float(intervention_value)).take(actions)


def encode_actions(variables: np.ndarray, positive: np.ndarray, num_variables: int) -> np.ndarray:
    """(...) int, the actions that set (...) variables to the positive value where (...) bool ``positive``, else to the negative one."""
    return np.where(positive, variables, variables + num_variables)


def per_action(per_variable: np.ndarray) -> np.ndarray:
    """(..., 2N) from (..., N): what holds of each variable, for the two actions that set it."""
    return np.concatenate([per_variable, per_variable], axis=-1)


def by_sign(values: np.ndarray) -> np.ndarray:
    """(..., 2, N) from (..., 2N) values of actions: those that set the positive value, then those that set the negative one."""
    return values.reshape(*values.shape[:-1], 2, values.shape[-1] // 2)


def legal_actions(goals: np.ndarray, num_variables: int) -> np.ndarray:
    """(..., 2N) bool, the legal actions given (...) goals: all but setting the goal itself.

    A goal of N stands for no goal, as in observations of exploration trials: then every action is legal.
    """
    return _variables(num_variables) != np.asarray(goals)[..., None]


def interventions(
    actions: np.ndarray, num_variables: int, intervention_value: float, goals: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What (B,) actions do.

    Args:
        actions: (B,) int in 0..2N - 1.
        num_variables: N.
        intervention_value: > 0.
        goals: (B,) int, the variables that may not be set; None: every action is legal.

    Returns:
        ``do_target``, (B,) int, and ``do_value``, (B,) float; -1 and 0 where the action is illegal, which sets nothing.
    """
    do_target, do_value = action_variable(actions, num_variables), action_value(actions, num_variables, intervention_value)
    if goals is not None:
        illegal = do_target == goals
        do_target[illegal], do_value[illegal] = -1, 0.0
    return do_target, do_value


@cache
def _variables(num_variables: int) -> np.ndarray:
    """(2N,) int, the variable that each action sets."""
    return per_action(np.arange(num_variables))


@cache
def _values(num_variables: int, intervention_value: float) -> np.ndarray:
    """(2N,) float, the value that each action sets."""
    return np.repeat([intervention_value, -intervention_value], num_variables)
