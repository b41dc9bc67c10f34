"""Actions as interventions, and the optimum, for any number of variables and any intervention value."""

import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.actions import (
    action_value,
    action_variable,
    by_sign,
    encode_actions,
    interventions,
    legal_actions,
    num_actions,
    per_action,
)


def test_action_i_sets_variable_i_up_and_action_n_plus_i_down():
    actions = np.arange(num_actions(3))
    assert action_variable(actions, 3).tolist() == [0, 1, 2, 0, 1, 2]
    assert action_value(actions, 3, 0.7).tolist() == [0.7, 0.7, 0.7, -0.7, -0.7, -0.7]
    assert np.array_equal(encode_actions(action_variable(actions, 3), action_value(actions, 3, 0.7) > 0, 3), actions)


def test_all_but_the_goal_may_be_set_and_everything_where_there_is_none():
    legal = legal_actions(np.array([0, 2, 3]), 3)
    assert legal.astype(int).tolist() == [[0, 1, 1, 0, 1, 1], [1, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1]]
    assert legal_actions(np.array([[1], [3]]), 3).shape == (2, 1, 6)


def test_an_illegal_action_sets_nothing():
    target, value = interventions(np.array([0, 4, 4]), 3, 2.0, goals=np.array([1, 1, 0]))
    assert target.tolist() == [0, -1, 1] and value.tolist() == [2.0, 0.0, -2.0]
    target, value = interventions(np.array([1, 4]), 3, 2.0)
    assert target.tolist() == [1, 1] and value.tolist() == [2.0, -2.0]


def test_variables_and_signs_of_values_of_actions():
    per_variable = np.array([[1, 2, 3]])
    assert per_action(per_variable).tolist() == [[1, 2, 3, 1, 2, 3]]
    assert by_sign(np.arange(6)).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("intervention_value", [0.01, 0.7, 40.0])
@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "CausalDAGCued-v0"])
def test_any_intervention_value_is_what_is_set_and_the_expert_is_optimal_for_it(env_id, intervention_value):
    arguments = {"intervention_value": intervention_value, "split": "unrestricted"}
    venv = gym_causal.make_vec(env_id, 50, **arguments)
    venv.reset(seed=0)
    num_variables = venv.task.config.num_variables
    for action in (1, num_variables + 1):
        observation = venv.step(np.full(50, action))[0]
        expected = np.zeros((50, num_variables), np.float32)
        expected[:, 1] = intervention_value if action == 1 else -intervention_value
        assert np.array_equal(observation["last_intervention"], expected)
        assert np.array_equal(observation["last_outcome"][:, 1], expected[:, 1])
    result = gym_causal.evaluate("expert", env_id, num_episodes=100, **arguments)
    assert result.optimal_action_rate.mean == 1.0 and result.illegal_action_rate.mean == 0.0
