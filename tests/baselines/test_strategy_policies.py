"""The strategies as policies: what they observe, how they explore, what their state holds."""

import numpy as np
import pytest

import baselines
from gym_causal import evaluate, make_vec
from gym_causal.scm import StructuralCausalModels

NAMES = baselines.strategy_names("CausalDAG-v0")
INFERRING = [name for name in NAMES if name != "random"]  # those that use the recorded trials
IDS = ["CausalDAG-v0", "CausalDAGCued-v0"]


def observation(batch=1, num_variables=3, **given):
    """The first observation of an episode, but for what is given."""
    zeros = np.zeros((batch, num_variables), np.float32)
    blank = {key: zeros.copy() for key in ("last_initial_values", "last_intervention", "last_outcome", "initial_values")}
    blank.update(phase=np.zeros(batch, int), goal=np.full(batch, num_variables), trial=np.zeros(batch, int))
    return blank | {key: np.asarray(value) for key, value in given.items()}


def act(policy, venv, steps):
    """Play some steps from a reset on; returns the actions (steps, B)."""
    observations, _ = venv.reset(seed=0)
    starts, state, played = np.ones(venv.num_envs, bool), None, []
    for _ in range(steps):
        actions, state = policy(observations, state, starts)
        played.append(actions)
        observations, _, starts, _, _ = venv.step(actions)
    return np.array(played)


# --- exploring -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INFERRING)
def test_every_variable_is_tried_once_with_the_positive_value_in_a_random_order(name):
    played = act(baselines.make(name, "CausalDAG-v0"), make_vec("CausalDAG-v0", 200, explain="none"), 5)
    np.testing.assert_array_equal(np.sort(played, axis=0), np.tile(np.arange(5)[:, None], (1, 200)))
    assert len(np.unique(played, axis=1).T) > 80  # of 120 orders


def test_only_relevant_variables_are_tried():
    venv = make_vec("CausalDAGCued-v0", 100, explain="none")
    cue = venv.reset(seed=0)[0]["cue"]
    played = act(baselines.make("change", "CausalDAGCued-v0"), venv, 5)
    tried = np.zeros((100, 10), int)
    np.add.at(tried, (np.arange(100), played), 1)
    np.testing.assert_array_equal(tried, cue)


def test_random_signs_are_both_played():
    played = act(baselines.make("change", "CausalDAG-v0", exploration_sign="random"), make_vec("CausalDAG-v0", 200, explain="none"), 5)
    np.testing.assert_array_equal(np.sort(played % 5, axis=0), np.tile(np.arange(5)[:, None], (1, 200)))
    assert (played >= 5).mean() == pytest.approx(0.5, abs=0.06)


def test_more_trials_begin_the_order_again_and_fewer_are_a_random_subset():
    long = {"num_exploration_trials": 12}
    played = act(baselines.make("change", "CausalDAG-v0", **long), make_vec("CausalDAG-v0", 50, explain="none", **long), 12)
    np.testing.assert_array_equal(played[5:10], played[:5])
    np.testing.assert_array_equal(played[10:], played[:2])
    short = {"num_exploration_trials": 2}
    played = act(baselines.make("change", "CausalDAG-v0", **short), make_vec("CausalDAG-v0", 200, explain="none", **short), 2)
    assert (played[0] != played[1]).all()
    assert (np.bincount(played.ravel(), minlength=5) > 50).all()


# --- choosing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trials", [0, 1, None])
def test_choices_are_legal_and_relevant_however_little_was_recorded(env_id, name, trials):
    arguments = {"num_exploration_trials": trials}
    venv = make_vec(env_id, 64, explain="none", **arguments)
    policy, state = baselines.make(name, env_id, **arguments), None
    observations, _ = venv.reset(seed=0)
    starts = np.ones(64, bool)
    for _ in range(2 * venv.task.config.trials):  # the second episode must not be confused by the first
        actions, state = policy(observations, state, starts)
        assert venv.action_masks()[np.arange(64), actions].all()
        if "cue" in observations and name != "random":
            assert observations["cue"][np.arange(64), actions % 10].all()
        observations, _, terminated, truncated, _ = venv.step(actions)
        starts = terminated | truncated


def test_ties_are_broken_uniformly():
    policy = baselines.make("total_correlation", "CausalDAG-v0", num_variables=3, num_exploration_trials=0)
    actions, _ = policy(observation(3_000, phase=np.ones(3_000, int), goal=np.ones(3_000, int)), None, np.ones(3_000, bool))
    counts = np.bincount(actions, minlength=6)
    assert counts[[1, 4]].sum() == 0
    assert np.abs(counts[[0, 2, 3, 5]] - 750).max() < 120


def test_an_observing_policy_uses_the_actions_taken_not_those_it_would_have_taken():
    """It would have set variable 0 or 1 or 2 in some order; what it sees is variable 2 set to -5, and the goal, 0, rise."""
    policy = baselines.make("value", "CausalDAG-v0", num_variables=3, num_exploration_trials=1)
    _, state = policy(observation(), None, np.ones(1, bool))
    seen = observation(last_intervention=[[0, 0, -5.0]], last_outcome=[[4.0, 0, -5.0]], trial=[1], phase=[1], goal=[0])
    actions, _ = policy(seen, state, np.zeros(1, bool))
    assert actions[0] == 3 + 2


@pytest.mark.parametrize("name", INFERRING)
def test_exploitation_is_no_evidence_and_a_new_episode_forgets_the_old_one(name):
    policy = baselines.make(name, "CausalDAG-v0", num_variables=3, num_exploration_trials=1)
    start, later = np.ones(1, bool), np.zeros(1, bool)
    trial = {"last_initial_values": [[0.1, 0.2, -0.3]], "last_intervention": [[0, 5.0, 0]], "last_outcome": [[4.0, 5.0, 1.0]]}
    _, state = policy(observation(), None, start)
    _, state = policy(observation(**trial, trial=[1], phase=[1], goal=[0]), state, later)
    before = state.preferences.copy()
    misleading = {"last_intervention": [[0, 0, 5.0]], "last_outcome": [[99.0, 0, 5.0]], "trial": [2], "phase": [1], "goal": [0]}
    _, state = policy(observation(**misleading), state, later)
    np.testing.assert_array_equal(state.preferences, before)
    _, state = policy(observation(), state, start)
    assert not state.data.valid.any() and not state.tried.any()
    _, state = policy(observation(**trial, trial=[1], phase=[1], goal=[2]), state, later)
    assert state.scored[0] == 2 and not np.array_equal(state.preferences, before)


@pytest.mark.parametrize("name", INFERRING)
@pytest.mark.parametrize("env_id", IDS)
def test_permuting_the_episodes_permutes_the_preferences(name, env_id):
    venv = make_vec(env_id, 40, explain="none")
    policy, state, order = baselines.make(name, env_id), None, np.random.default_rng(0).permutation(40)
    observations, _ = venv.reset(seed=0)
    other = None
    for trial in range(6):  # five of exploration, and the first choice
        starts = np.full(40, trial == 0)
        actions, state = policy(observations, state, starts)
        _, other = policy({key: value[order] for key, value in observations.items()}, other, starts)
        observations, _, _, _, _ = venv.step(actions)
    np.testing.assert_allclose(other.preferences, state.preferences[order], rtol=1e-4, atol=1e-4)


def test_an_evaluation_can_be_repeated_with_the_same_policy():
    policy = baselines.make("value", "CausalDAG-v0")
    first, second = (evaluate(policy, "CausalDAG-v0", num_episodes=100) for _ in range(2))
    assert first == second
    assert first.policy == "value"


def test_a_policy_matches_itself_as_a_reference_where_nothing_is_tied():
    result = evaluate(
        baselines.make("change", "CausalDAG-v0"),
        "CausalDAG-v0",
        num_episodes=200,
        references={"change": baselines.make("change", "CausalDAG-v0", seed=1), "value": baselines.make("value", "CausalDAG-v0")},
    )
    assert result.match_change.mean == 1.0
    assert result.match_value.mean < 0.8


# --- how good they are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "prototype"),
    [
        ("value", 0.58),
        ("change", 0.83),
        ("total_correlation", 0.85),
        ("partial_correlation", 0.75),
        ("total_correlation_without_goal_trial", 0.89),
        ("partial_correlation_without_goal_trial", 0.86),
    ],
)
def test_simple_strategies_reach_what_an_independent_prototype_reached(name, prototype):
    result = evaluate(baselines.make(name, "CausalDAG-v0"), "CausalDAG-v0", num_episodes=8_000)
    assert result.normalized_reward.mean == pytest.approx(prototype, abs=0.04)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("split", ["train", "eval_target", "eval_path"])
def test_structure_is_nearly_optimal(env_id, split):
    result = evaluate(baselines.make("structure", env_id), env_id, split=split, num_episodes=600)
    assert result.normalized_reward.mean >= 0.98


@pytest.mark.parametrize("name", INFERRING)
def test_any_intervention_value_is_used(name):
    arguments = {"intervention_value": 20.0}
    result = evaluate(baselines.make(name, "CausalDAG-v0", **arguments), "CausalDAG-v0", num_episodes=500, **arguments)
    assert result.normalized_reward.mean > 0.5 and result.illegal_action_rate.mean == 0.0


# --- making them ---------------------------------------------------------------------------------------------------------


def test_a_strategy_plays_ones_own_models():
    chain = StructuralCausalModels.from_weights([[0, 0.5, 0], [0, 0, 2.0], [0, 0, 0]], noise_scale=0.0)  # A -> B -> C
    policy = baselines.make("structure", "CausalDAG-v0", models=chain, num_variables=3)
    result = evaluate(policy, "CausalDAG-v0", models=chain, num_variables=3, split="eval_target", num_episodes=20)
    assert result.optimal_action_rate.mean == 1.0


def test_unknown_names_and_ids_are_refused():
    with pytest.raises(ValueError, match=r"name must be one of random, value, .*, got 'luck'"):
        baselines.make("luck", "CausalDAG-v0")
    with pytest.raises(ValueError, match=r"env_id must be that of an env with strategies, got 'Acrobot-v1'"):
        baselines.make("value", "Acrobot-v1")
    with pytest.raises(ValueError, match="exploration_sign must be one of positive, random, got 'negative'"):
        baselines.make("value", "CausalDAG-v0", exploration_sign="negative")
    with pytest.raises(TypeError, match="num_variable"):
        baselines.make("random", "CausalDAG-v0", num_variable=5)


def test_structure_says_at_once_that_a_graph_is_too_large():
    with pytest.raises(ValueError, match="at most 10"):
        baselines.make("structure", "CausalDAG-v0", num_variables=11)
    baselines.make("structure", "CausalDAGCued-v0", num_variables=12, num_relevant=5)


def test_structure_samples_graphs_that_are_too_many_to_list():
    result = evaluate(baselines.make("structure", "CausalDAG-v0", num_variables=7), "CausalDAG-v0", num_episodes=300, num_variables=7)
    assert result.normalized_reward.mean >= 0.95


def test_observations_of_another_env_are_refused():
    policy = baselines.make("value", "CausalDAG-v0")
    with pytest.raises(ValueError, match="num_variables: the policy was made for 5, the observation has 3"):
        policy(observation(), None, np.ones(1, bool))
