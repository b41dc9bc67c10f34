"""The expert: explores each relevant variable once, then does what brute force finds best."""

import itertools

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.expert import draw_actions
from gym_causal.causal_dag.optimum import Optimum
from gym_causal.scm import StructuralCausalModels
from tests.conftest import same


def expert_episode(venv, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(T, B) actions and rewards."""
    venv.reset(seed=seed)
    actions, rewards = [], []
    for _ in range(venv.task.config.trials):
        actions.append(venv.expert_actions())
        rewards.append(venv.step(actions[-1])[1])
    return np.array(actions), np.array(rewards)


@pytest.mark.parametrize("split", ["train", "eval_target", "eval_path", "unrestricted"])
def test_the_optimum_is_brute_force(split):
    """Every legal action, simulated one by one through the public interface of the models."""
    venv = gym_causal.make_vec("CausalDAG-v0", 300, split=split)
    venv.reset(seed=0)
    models, goals = venv.task.episodes.models, venv.task.episodes.goals
    zero_noise = np.zeros((300, 5))
    values = np.full((300, 10), -np.inf)
    for action in range(10):
        outcome = models.sample(zero_noise, action % 5, 5.0 if action < 5 else -5.0)[np.arange(300), goals]
        values[:, action] = np.where(action % 5 == goals, -np.inf, outcome)
    best = values.max(axis=1)
    actions, _ = expert_episode(venv)
    for chosen in actions[5:]:
        assert np.array_equal(values[np.arange(300), chosen], best)
    optimum = Optimum.of(models, goals, 5.0)
    assert np.array_equal(optimum.is_optimal, values == best[:, None]) and np.array_equal(optimum.best_value, best)


def test_the_noise_free_optimum_is_nearly_always_the_expected_one():
    """Ablation of our definition: Monte-Carlo over the noise picks an action that is as good, within its own error."""
    venv = gym_causal.make_vec("CausalDAG-v0", 200, split="eval_target")
    venv.reset(seed=0)
    models, row = venv.task.episodes.models, np.arange(200)
    noise = models.sample_noise(np.random.default_rng(0), 400)
    expected = np.stack([models.sample(noise, a % 5, 5.0 if a < 5 else -5.0)[..., 4].mean(axis=1) for a in range(10)], axis=1)
    expected[:, [4, 9]] = -np.inf
    assert (venv.task.episodes.optimum.is_optimal[row, expected.argmax(axis=1)]).mean() > 0.97


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "CausalDAGCued-v0"])
def test_each_relevant_variable_is_tried_once_in_random_order(env_id):
    venv = gym_causal.make_vec(env_id, 2_000)
    actions, _ = expert_episode(venv)
    relevant = venv.reset(seed=0)[0].get("cue", np.ones((2_000, 5)))
    tried = np.zeros_like(relevant)
    for variable in actions[:5]:
        tried[np.arange(2_000), variable] += 1  # all positive, so that an action is its variable
    assert np.array_equal(tried, relevant)
    if env_id == "CausalDAG-v0":
        for variable in actions[:5]:
            assert (np.abs(np.bincount(variable, minlength=5) - 400) < 4 * np.sqrt(2_000 * 0.16)).all()


def test_fewer_trials_are_a_random_subset_and_more_begin_again():
    few, _ = expert_episode(gym_causal.make_vec("CausalDAG-v0", 2_000, num_exploration_trials=2))
    assert (few[0] != few[1]).all() and (np.abs(np.bincount(few[:2].ravel(), minlength=5) - 800) < 120).all()
    many, _ = expert_episode(gym_causal.make_vec("CausalDAG-v0", 50, num_exploration_trials=12))
    assert (np.sort(many[:5], axis=0) == np.arange(5)[:, None]).all()
    assert np.array_equal(many[5:7], many[10:12])


def test_exploration_signs():
    positive, _ = expert_episode(gym_causal.make_vec("CausalDAG-v0", 1_000))
    random, _ = expert_episode(gym_causal.make_vec("CausalDAG-v0", 1_000, exploration_sign="random"))
    assert (positive[:5] < 5).all()
    assert abs((random[:5] >= 5).mean() - 0.5) < 0.03 and np.array_equal(random[:5] % 5, positive[:5] % 5)


def test_random_exploration_is_uniform_and_independent_of_the_past():
    """All pairs of consecutive choices are equally frequent, so coverage is 1 - (4/5)^5."""
    venv = gym_causal.make_vec("CausalDAG-v0", 10_000, expert_exploration="random", exploration_sign="random")
    actions, _ = expert_episode(venv)
    variables, negative = actions[:5] % 5, actions[:5] >= 5
    for now, then in itertools.pairwise(variables):
        assert (np.abs(np.bincount(5 * now + then, minlength=25) - 400) < 4 * np.sqrt(400)).all()
    for variable in range(5):
        assert abs(negative[variables == variable].mean() - 0.5) < 0.03  # the sign does not go by the variable
    coverage = np.mean([(variables == variable).any(axis=0).mean() for variable in range(5)])
    assert coverage == pytest.approx(1 - 0.8**5, abs=0.01)


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "CausalDAGCued-v0"])
def test_random_exploration_changes_nothing_but_the_exploration(env_id):
    systematic, random = (gym_causal.make_vec(env_id, 500, expert_exploration=how) for how in ("systematic", "random"))
    (chosen, _), (drawn, _) = expert_episode(systematic), expert_episode(random)
    assert np.array_equal(drawn[5:], chosen[5:])  # the optimum, ties broken alike
    assert (drawn[:5] != chosen[:5]).mean() > 0.7
    systematic.reset(seed=0), random.reset(seed=0)
    assert random.task.episodes.optimum.is_optimal[np.arange(500), drawn[5:]].all()
    for action in chosen:
        (a, paid, *_), (b, equally, *_) = systematic.step(action), random.step(action)
        assert same(a, b) and same(paid, equally)
    if env_id == "CausalDAGCued-v0":
        cue = random.reset(seed=0)[0]["cue"]
        assert all(cue[np.arange(500), variable].all() for variable in drawn[:5])


def test_the_expert_carries_on_from_where_the_agent_is():
    env = gym.make("CausalDAG-v0").unwrapped
    env.reset(seed=0)
    first = env.expert_action()
    other = (first + 1) % 5
    env.step(other)
    assert env.expert_action() == first  # still untried
    env.step(first)
    left = {env.step(env.expert_action())[0]["last_intervention"].argmax() for _ in range(3)}
    assert left == set(range(5)) - {first, other}


def test_ties_are_broken_evenly_and_never_by_the_goal():
    independent = StructuralCausalModels.from_weights(np.zeros((5, 5)))
    venv = gym_causal.make_vec("CausalDAG-v0", 4_000, num_exploration_trials=0, num_exploitation_trials=1)
    venv.reset(seed=0, options={"model": independent, "goal": "C"})
    counts = np.bincount(venv.expert_actions(), minlength=10)
    assert counts[[2, 7]].tolist() == [0, 0] and (np.abs(counts[counts > 0] - 500) < 4 * np.sqrt(500 * 7 / 8)).all()


def test_a_boltzmann_expert_follows_its_temperature():
    chain = StructuralCausalModels.from_weights([[0, 1.0], [0, 0]], noise_scale=0.0)  # +5 raises B to 5, -5 to -1
    arguments = {"num_variables": 2, "num_exploration_trials": 0, "num_exploitation_trials": 1, "expert_temperature": 4.0}
    venv = gym_causal.make_vec("CausalDAG-v0", 20_000, **arguments)
    venv.reset(seed=0, options={"model": chain, "goal": 1})
    assert (venv.expert_actions() == 0).mean() == pytest.approx(1 / (1 + np.exp(-6 / 4)), abs=0.01)
    assert set(venv.expert_actions().tolist()) == {0, 2}


def test_drawing_actions_never_picks_an_impossible_one():
    probabilities = np.array([[0.0, 0.5, 0.0, 0.5, 0.0]]).repeat(3, axis=0)
    assert draw_actions(probabilities, np.array([0.0, 0.5, np.nextafter(1, 0)])).tolist() == [1, 3, 3]


def test_the_expert_gets_the_highest_reward_on_average():
    _, rewards = expert_episode(gym_causal.make_vec("CausalDAG-v0", 4_000, split="eval_target"))
    assert not rewards[:5].any() and rewards[5:].mean() > 6


def test_the_info_has_the_expert_action_until_the_end():
    env = gym.make("CausalDAG-v0", expert_info=True).unwrapped
    _, info = env.reset(seed=0)
    for _ in range(7):
        assert info["expert_action"] == env.expert_action()
        *_, info = env.step(env.expert_action())
    assert info["expert_action"] == -1
    with pytest.raises(ValueError, match="expert_actions: the episode is over"):
        env.task.expert_actions()
