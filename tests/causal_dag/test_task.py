"""An episode step by step: phases, rewards, masks, what is observed, and models that a user hands in."""

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.config import Phase
from gym_causal.scm import StructuralCausalModels

CHAIN = StructuralCausalModels.from_weights([[0, 1.0, 0], [0, 0, 1.0], [0, 0, 0]], noise_scale=0.0)
THREE = {"num_variables": 3, "num_exploration_trials": 2, "num_exploitation_trials": 2}


def test_an_episode_of_a_known_model():
    env = gym.make("CausalDAG-v0", **THREE).unwrapped
    observation, _ = env.reset(seed=0, options={"model": CHAIN, "goal": "C"})
    assert (observation["phase"], observation["goal"], observation["trial"]) == (Phase.EXPLORATION, 3, 0)
    assert not any(observation[key].any() for key in ("last_initial_values", "last_intervention", "last_outcome"))

    observation, reward, terminated, truncated, _ = env.step(1)  # B = +5
    assert observation["last_intervention"].tolist() == [0, 5, 0] and observation["last_outcome"].tolist() == [0, 5, 5]
    assert (reward, terminated, truncated, observation["trial"]) == (0.0, False, False, 1)
    assert env.action_masks().all()

    observation, reward, *_ = env.step(3)  # A = -5, leaking through two LeakyReLUs
    assert np.allclose(observation["last_outcome"], [-5, -1, -0.2])
    assert (reward, observation["phase"], observation["goal"]) == (0.0, Phase.EXPLOITATION, 2)
    assert env.action_masks().tolist() == [True, True, False, True, True, False]

    observation, reward, *_ = env.step(0)
    assert reward == 5.0 and observation["last_outcome"][2] == 5.0

    observation, reward, terminated, truncated, _ = env.step(2)  # the goal itself: a purely observational trial
    assert observation["last_intervention"].tolist() == observation["last_outcome"].tolist() == [0, 0, 0]
    assert (reward, terminated, truncated) == (0.0, True, False)
    assert not observation["initial_values"].any() and observation["trial"] == 4


def test_given_models_last_one_episode():
    env = gym.make("CausalDAG-v0", graph_info=True, **THREE).unwrapped
    _, info = env.reset(seed=0, options={"model": CHAIN, "goal": 2})
    assert np.array_equal(info["weights"], CHAIN.weights[0])
    _, info = env.reset()
    plain = gym.make("CausalDAG-v0", graph_info=True, **THREE).unwrapped
    plain.reset(seed=0)
    assert np.array_equal(info["weights"], plain.reset()[1]["weights"])


def test_the_reward_is_the_goals_outcome_in_both_exploitation_trials_and_nowhere_else():
    venv = gym_causal.make_vec("CausalDAG-v0", 200)
    observation, _ = venv.reset(seed=0)
    rng = np.random.default_rng(0)
    for trial in range(7):
        before = observation
        observation, rewards, _, _, infos = venv.step(rng.integers(10, size=200))
        after = infos.ended.observations if trial == 6 else observation
        assert np.array_equal(after["last_initial_values"], before["initial_values"])
        expected = np.zeros(200) if trial < 5 else after["last_outcome"][np.arange(200), before["goal"]]
        assert np.array_equal(rewards, expected)


def test_outcome_noise_is_fresh_unless_shared():
    for shared in (False, True):
        venv = gym_causal.make_vec("CausalDAG-v0", 100, shared_noise=shared, split="unrestricted")
        first, _ = venv.reset(seed=0)
        second = venv.step(np.zeros(100, int))[0]
        unaffected = venv.task.episodes.models.descendants(0)[:, 1:] == False  # noqa: E712
        same = np.isclose(first["initial_values"][:, 1:], second["last_outcome"][:, 1:], atol=1e-6)[unaffected]
        assert same.all() if shared else not same.any()
        assert not np.isclose(first["initial_values"], second["initial_values"]).any()


def test_a_batch_of_models_one_for_each_row():
    weights = np.zeros((4, 3, 3))
    weights[:, 0, 2] = [1, 2, 3, 4]
    models = StructuralCausalModels.from_weights(weights, noise_scale=0.0)
    venv = gym_causal.make_vec("CausalDAG-v0", 4, **THREE)
    venv.reset(seed=0, options={"model": models, "goal": [2, 2, 2, 1]})
    observation = venv.step(np.zeros(4, int))[0]
    assert observation["last_outcome"][:, 2].tolist() == [5, 10, 15, 20]
    assert venv.step(np.zeros(4, int))[0]["goal"].tolist() == [2, 2, 2, 1]


def test_cues_can_be_given_too():
    env = gym.make("CausalDAGCued-v0").unwrapped
    cue = [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    weights = np.zeros((10, 10))
    weights[0, 9] = 1.0
    observation, _ = env.reset(seed=0, options={"model": StructuralCausalModels.from_weights(weights), "cue": cue, "goal": "J"})
    assert observation["cue"].tolist() == cue
    tried = [env.step(env.expert_action())[0]["last_intervention"].argmax() for _ in range(5)]
    assert set(tried) == {0, 1, 9}
    assert env.expert_action() == 0


@pytest.mark.parametrize(
    ("env_id", "options", "message"),
    [
        ("CausalDAG-v0", {"models": CHAIN}, "options may hold model, goal and cue, got"),
        ("CausalDAG-v0", {"model": CHAIN.weights}, "options: model must be StructuralCausalModels with 3 variables"),
        ("CausalDAG-v0", {"model": StructuralCausalModels.from_weights(np.zeros((5, 5)))}, "with 3 variables"),
        ("CausalDAG-v0", {"model": StructuralCausalModels.from_weights(np.zeros((2, 3, 3)))}, "must hold 1 or 1 models, got 2"),
        ("CausalDAG-v0", {"goal": "Z"}, "options: goal: a variable must be one of A..C"),
        ("CausalDAG-v0", {"goal": [0, 1]}, "goal must be one variable or 1, got 2"),
        ("CausalDAG-v0", {"cue": [1, 1, 1]}, "cue is for CausalDAGCued-v0"),
        ("CausalDAGCued-v0", {"cue": [1, 1], "goal": 0}, "options: cue must be 0s and 1s"),
        ("CausalDAGCued-v0", {"cue": [0, 1, 1], "goal": 0}, "goal must be one of the relevant variables"),
    ],
)
def test_bad_options_are_named_and_leave_the_env_as_it_was(env_id, options, message):
    arguments = THREE if env_id == "CausalDAG-v0" else {**THREE, "num_relevant": 2}
    env, untouched = (gym.make(env_id, **arguments).unwrapped for _ in range(2))
    env.reset(seed=0), untouched.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.reset(options=options)
    for action in (0, 1, 2, 3):
        assert env.step(action)[1] == untouched.step(action)[1]


def test_options_leave_the_order_of_episodes_alone():
    """The episode that was played with a given model counts; the next reset plays the next one."""
    env, plain = (gym.make("CausalDAG-v0", **THREE).unwrapped for _ in range(2))
    env.reset(seed=0, options={"model": CHAIN, "goal": 2})
    plain.reset(seed=0)
    for _ in range(3):
        assert np.array_equal(env.reset()[0]["initial_values"], plain.reset()[0]["initial_values"])


def test_episodes_and_their_optimum_are_public_once_they_have_begun():
    task = gym_causal.make_vec("CausalDAG-v0", 3).task
    for call in (lambda: task.episodes, task.expert_actions, task.action_masks, task.is_choice):
        with pytest.raises(gym.error.ResetNeeded, match="call reset first"):
            call()
    venv = gym_causal.make_vec("CausalDAG-v0", 3, graph_info=True)
    _, infos = venv.reset(seed=0)
    episodes = venv.task.episodes
    assert len(episodes) == 3 and np.allclose(episodes.models.weights, infos["weights"])
    assert np.array_equal(episodes.optimum.legal.argmin(axis=1), episodes.goals)  # the first illegal action sets the goal


def test_two_variables_and_no_exploration():
    env = gym.make("CausalDAG-v0", num_variables=2, num_exploration_trials=0, num_exploitation_trials=1).unwrapped
    observation, _ = env.reset(seed=0)
    assert observation["phase"] == Phase.EXPLOITATION and observation["goal"] < 2
    assert env.step(env.expert_action())[2]
