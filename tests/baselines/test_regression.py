"""The two correlations: known slopes, and the ways in which they are fooled."""

import numpy as np
import pytest

from baselines.causal_dag.regression import partial_correlation_slopes, slope_preferences, total_correlation_slopes
from gym_causal.scm import StructuralCausalModels

A, B, C = 0, 1, 2


def linear(edges, noise_scale=1.0):
    weights = np.zeros((3, 3))
    for cause, effect, weight in edges:
        weights[cause, effect] = weight
    return StructuralCausalModels.from_weights(weights, noise_scale, negative_slope=1.0)


@pytest.fixture
def watch(played):
    """Many trials in which nothing is set."""
    return lambda models: played(models, np.random.default_rng(0), np.full((1, 5_000), -1))


def test_two_causes_are_both_recovered(watch):
    data = watch(linear([(A, C, 2.0), (B, C, -0.5)]))
    goal = np.array([C])
    np.testing.assert_allclose(total_correlation_slopes(data, goal), [[2.0, -0.5, 0.0]], atol=0.05)
    np.testing.assert_allclose(partial_correlation_slopes(data, goal), [[2.0, -0.5, 0.0]], atol=0.05)


def test_a_confounder_fools_the_total_correlation_but_not_the_partial_one(watch):
    # C drives A and the goal B; A does nothing.
    data, goal = watch(linear([(C, A, 1.0), (C, B, 2.0)])), np.array([B])
    np.testing.assert_allclose(total_correlation_slopes(data, goal)[0, A], 1.0, atol=0.05)  # cov 2 / var 2
    np.testing.assert_allclose(partial_correlation_slopes(data, goal)[0], [0.0, 0.0, 2.0], atol=0.05)


def test_a_mediator_fools_the_partial_correlation_but_not_the_total_one(watch):
    # A -> C -> B: A works through C alone, so that nothing is left of it once C is held fixed.
    data, goal = watch(linear([(A, C, 1.5), (C, B, 2.0)])), np.array([B])
    np.testing.assert_allclose(total_correlation_slopes(data, goal)[0, A], 3.0, atol=0.1)
    np.testing.assert_allclose(partial_correlation_slopes(data, goal)[0], [0.0, 0.0, 2.0], atol=0.05)


def test_the_rows_are_all_initial_values_and_all_outcomes(by_hand):
    data = by_hand(([0.0, 1.0], 0, 5.0, [5.0, 3.0]), ([1.0, -1.0], 1, 5.0, [2.0, 5.0]))
    slope, _ = np.polyfit([0.0, 1.0, 5.0, 2.0], [1.0, -1.0, 3.0, 5.0], 1)
    np.testing.assert_allclose(total_correlation_slopes(data, np.array([1])), [[slope, 0.0]])
    np.testing.assert_allclose(partial_correlation_slopes(data, np.array([1])), [[slope, 0.0]])


def test_leaving_out_the_goal_trial_leaves_out_its_outcome_but_not_its_initial_values(by_hand):
    data = by_hand(([0.0, 1.0], 0, 5.0, [5.0, 3.0]), ([1.0, -1.0], 1, 5.0, [2.0, 5.0]))
    slope, _ = np.polyfit([0.0, 1.0, 5.0], [1.0, -1.0, 3.0], 1)
    for slopes in (total_correlation_slopes, partial_correlation_slopes):
        np.testing.assert_allclose(slopes(data, np.array([1]), leave_out_goal_trial=True), [[slope, 0.0]])


def test_with_too_few_rows_the_partial_slopes_have_minimum_norm(by_hand):
    # Two rows, three regressors that differ by (1, 2, 2) while the goal differs by 9: the shortest solution is (1, 2, 2).
    data = by_hand(([0.0, 0.0, 0.0, 0.0], -1, 0.0, [1.0, 2.0, 2.0, 9.0]))
    np.testing.assert_allclose(partial_correlation_slopes(data, np.array([3])), [[1.0, 2.0, 2.0, 0.0]])


def test_only_relevant_variables_are_regressed_on(by_hand):
    data = by_hand(([0.0, 0.0, 0.0, 0.0], -1, 0.0, [1.0, 2.0, 2.0, 10.0]))
    relevant = np.array([[True, True, False, True]])
    np.testing.assert_allclose(partial_correlation_slopes(data, np.array([3]), relevant), [[2.0, 4.0, 0.0, 0.0]])


def test_a_constant_variable_has_no_slope(by_hand):
    data = by_hand(([0.1, 1.0], -1, 0.0, [0.1, 3.0]), ([0.1, 2.0], -1, 0.0, [0.1, 7.0]))
    np.testing.assert_array_equal(total_correlation_slopes(data, np.array([1])), [[0.0, 0.0]])


def test_the_largest_slope_is_preferred_with_the_sign_that_raises_the_goal():
    assert slope_preferences(np.array([[0.5, -2.0, 1.0]])).argmax() == 3 + 1  # set variable 1 to its negative value
