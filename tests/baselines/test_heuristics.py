"""The value and change strategies on data made by hand; the goal is variable 0 of A, B, C."""

import numpy as np
import pytest

from baselines.causal_dag.heuristics import change_preferences, value_preferences
from baselines.causal_dag.policies import best_actions

GOAL = np.array([0])
EVERYTHING = np.ones((1, 3), bool)
SET_B, SET_C, SET_MINUS_B, SET_MINUS_C = 1, 2, 4, 5


@pytest.fixture
def data(by_hand):
    """C gave the goal its highest value, but from a high start; -B changed it most, downwards. The goal itself was set too."""
    return by_hand(
        ([2.0, 0.0, 0.0], 2, 5.0, [3.0, 0.0, 5.0]),
        ([1.0, 0.0, 0.0], 1, -5.0, [-3.0, -5.0, 0.0]),
        ([-9.0, 0.0, 0.0], 0, 5.0, [5.0, 0.0, 0.0]),
    )


def choice(preferences):
    return best_actions(preferences, GOAL, EVERYTHING, np.random.default_rng(0))[0]


def test_value_repeats_the_intervention_after_which_the_goal_was_highest(data):
    preferences = value_preferences(data, GOAL)
    assert choice(preferences) == SET_C
    np.testing.assert_array_equal(preferences[0], [-np.inf, -np.inf, 3.0, -np.inf, -3.0, -np.inf])


def test_change_reverses_the_sign_of_a_change_for_the_worse(data):
    preferences = change_preferences(data, GOAL)
    assert choice(preferences) == SET_B  # -B took the goal from 1 to -3
    np.testing.assert_array_equal(preferences[0], [-np.inf, 4.0, 1.0, -np.inf, -np.inf, -np.inf])


def test_change_keeps_the_sign_of_a_change_for_the_better(by_hand):
    data = by_hand(([0.0] * 3, 1, -5.0, [4.0, -5.0, 0.0]), ([0.0] * 3, 2, 5.0, [-1.0, 0.0, 5.0]))
    assert choice(change_preferences(data, GOAL)) == SET_MINUS_B


def test_a_variable_set_twice_counts_with_its_better_trial(by_hand):
    data = by_hand(([0.0] * 3, 1, 5.0, [1.0, 5.0, 0.0]), ([0.0] * 3, 2, 5.0, [2.0, 0.0, 5.0]), ([0.0] * 3, 1, 5.0, [3.0, 5.0, 0.0]))
    assert choice(value_preferences(data, GOAL)) == SET_B
    assert choice(change_preferences(data, GOAL)) == SET_B


@pytest.mark.parametrize("rule", [value_preferences, change_preferences])
def test_trials_that_set_nothing_or_the_goal_say_nothing(by_hand, rule):
    data = by_hand(([0.0] * 3, -1, 0.0, [9.0, 0.0, 0.0]), ([0.0] * 3, 0, 5.0, [5.0, 0.0, 0.0]))
    assert (rule(data, GOAL) == -np.inf).all()
