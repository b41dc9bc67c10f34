"""Any Gymnasium env as a batched task: the same episodes in every batch, standard observations, clear refusals."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import gym_causal
from gym_causal import rollouts
from gym_causal.core.streams import SeedDomain
from gym_causal.episodes import Episodes
from tests.conftest import same


def balance(observations, state, episode_starts):
    """Push the cart to the side to which the pole falls."""
    _, _, angle, angular_velocity = observations["observation"].T
    return (angle + 0.5 * angular_velocity > 0).astype(int), state


class Countdown(gym.Env):
    """Observation: a number of 3..5 that falls by one a step, until it is 2. Legal actions are 1 and 2; the one that pays is 2."""

    observation_space: spaces.Space = spaces.Discrete(4, start=2)
    action_space = spaces.Discrete(2, start=1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.number = int(self.np_random.integers(3, 6))
        return self.observe(), {}

    def step(self, action):
        assert action in (1, 2)
        self.number -= 1
        return self.observe(), float(action == 2), self.number == 2, False, {}

    def observe(self):
        return np.int64(self.number)

    def expert_action(self):
        return 2

    def action_masks(self):
        return np.array([False, True])


class DictCountdown(Countdown):
    observation_space = spaces.Dict({"number": spaces.Discrete(4, start=2), "bits": spaces.MultiBinary(2), "words": spaces.Text(9)})

    def observe(self):
        return {"number": self.number, "bits": np.array([1, 0], np.int8), "words": "abc"}


class InfoCountdown(Countdown):
    """Legal actions are in the info, as Taxi's are."""

    action_masks = property()  # raises AttributeError: there is no such method

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"action_mask": np.array([0, 1], np.int8)}

    def step(self, action):
        return *super().step(action)[:-1], {"action_mask": np.array([0, 1], np.int8)}


class Nested(Countdown):
    observation_space = spaces.Dict({"inner": spaces.Dict({"number": spaces.Discrete(3)})})


class Words(Countdown):
    observation_space = spaces.Text(5)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    for env in (Countdown, DictCountdown, InfoCountdown, Nested, Words):
        gym.register(f"{env.__name__}-v0", entry_point=env)
    yield
    for env in (Countdown, DictCountdown, InfoCountdown, Nested, Words):
        del gym.registry[f"{env.__name__}-v0"]


def test_a_pole_is_balanced_and_recorded(tmp_path):
    result = gym_causal.evaluate(balance, "CartPole-v1", num_episodes=3)
    assert result.reward.mean == 500 and gym_causal.evaluate("random", "CartPole-v1", num_episodes=20).reward.high < 60
    episodes = gym_causal.collect(balance, "CartPole-v1", num_episodes=3)
    assert episodes.truncated.all() and (episodes.lengths == 500).all() and episodes.explanations == {}
    assert episodes.observations["observation"].shape == (1_503, 4) and episodes.observations["observation"].dtype == np.float32
    episodes.save(tmp_path / "pole.npz")
    again = Episodes.load(tmp_path / "pole.npz")
    assert same(again.observations, episodes.observations) and again.metadata == episodes.metadata


def test_episodes_do_not_depend_on_the_batch(monkeypatch):
    def fall(observations, state, episode_starts):
        return 1 - balance(observations, state, episode_starts)[0], state

    recorded = []
    for most in (64, 7, 1):
        monkeypatch.setattr(rollouts, "MAX_BATCH", most)
        recorded.append(gym_causal.collect(fall, "CartPole-v1", num_episodes=30, seed=5))
    assert len(set(recorded[0].lengths.tolist())) > 1
    for other in recorded[1:]:
        assert np.array_equal(other.lengths, recorded[0].lengths) and same(other.observations, recorded[0].observations)


def test_an_episode_is_what_gymnasium_plays_from_a_seed():
    task, env = gym_causal.make_task("CartPole-v1", 2), gym.make("CartPole-v1")
    task.seed(1, SeedDomain.EVALUATION)
    task.begin(np.arange(2), np.arange(2))
    seeds = task.stream.take(np.arange(2)).seeds
    observation, _ = env.reset(seed=int(seeds[1]))
    terminated = truncated = False
    while not (terminated or truncated):
        assert np.array_equal(task.observations()["observation"][1], observation)
        rewards, ended, cut = task.step(np.array([0, 1]))
        observation, reward, terminated, truncated, _ = env.step(1)
        assert (rewards[1], ended[1], cut[1]) == (reward, terminated, truncated)


def test_seeds_and_domains_have_other_episodes():
    firsts = []
    for seed in (0, 1):
        for domain in SeedDomain:
            task = gym_causal.make_task("CartPole-v1", 20)
            task.seed(seed, domain)
            task.begin(np.arange(20), np.arange(20))
            firsts.append(task.observations()["observation"])
    assert len(np.unique(np.concatenate(firsts), axis=0)) == 40 * len(SeedDomain)


def test_spaces_are_counted_from_zero():
    task = gym_causal.make_task("Countdown-v0", 5, expert_info=True)
    assert task.action_space == spaces.Discrete(2) and task.observation_space == spaces.Dict({"observation": spaces.Discrete(4)})
    task.seed(0)
    task.begin(np.arange(5), np.arange(5))
    numbers = task.observations()["observation"]
    assert set(numbers.tolist()) <= {1, 2, 3} and (task.infos(text=False)["expert_action"] == 1).all()
    assert task.action_masks().tolist() == [[False, True]] * 5
    result = gym_causal.evaluate("expert", "Countdown-v0", num_episodes=50)
    episodes = gym_causal.collect("expert", "Countdown-v0", num_episodes=50)
    assert result.reward.mean > 1 and np.array_equal(episodes.returns, episodes.lengths)
    assert np.array_equal(episodes.observations["observation"][episodes.starts[:-1] + np.arange(50)], episodes.lengths)


def test_a_flat_dict_keeps_its_keys_and_loses_its_words():
    with pytest.warns(UserWarning, match=r"DictCountdown-v0: observations without 'words' \(Text\)"):
        task = gym_causal.make_task("DictCountdown-v0", 2)
    assert list(task.observation_space) == ["bits", "number"]
    task.seed(0)
    task.begin(np.arange(2), np.arange(2))
    assert task.observations()["bits"].tolist() == [[1, 0]] * 2 and task.observations()["number"].dtype == np.int64


@pytest.mark.parametrize("env_id", ["Countdown-v0", "InfoCountdown-v0"])
def test_masks_come_from_the_env_or_its_info(env_id):
    assert (gym_causal.collect("random", env_id, num_episodes=5).actions == 1).all()


class TrainedOnArrays:
    """Like a model of stable-baselines3 that was trained in CartPole-v1: it knows no dicts."""

    observation_space = spaces.Box(-np.inf, np.inf, (4,))

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return (observation[:, 2] + 0.5 * observation[:, 3] > 0).astype(int), state


def test_a_model_that_was_trained_on_arrays_gets_arrays():
    balanced = gym_causal.evaluate(balance, "CartPole-v1", num_episodes=5)
    assert gym_causal.evaluate(TrainedOnArrays(), "CartPole-v1", num_episodes=5).metrics == balanced.metrics


def test_finished_rows_wait_for_the_next_episode():
    task = gym_causal.make_task("Countdown-v0", 4)
    task.seed(0)
    task.begin(np.arange(4), np.arange(4))
    lengths = task.observations()["observation"].copy()
    steps = np.zeros(4)
    for _ in range(5):
        rewards, terminated, truncated = task.step(np.ones(4, int))
        steps += rewards
        assert not truncated.any() and (rewards[terminated] == 1).all()
    assert np.array_equal(steps, lengths)


def test_a_vector_env_of_any_id_plays_the_same_episodes():
    venv, task = gym_causal.make_vec("CartPole-v1", 3), gym_causal.make_task("CartPole-v1", 3)
    observations, _ = venv.reset(seed=2)
    task.seed(2)
    task.begin(np.arange(3), np.arange(3))
    assert same(observations, task.observations()) and venv.spec.id == "CartPole-v1" and observations in venv.observation_space
    for _ in range(60):
        observations, *_, infos = venv.step(np.zeros(3, int))
    assert "final_obs" in infos or observations in venv.observation_space


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: gym_causal.make_task("Pendulum-v1"), ValueError, "Pendulum-v1: the action space must be Discrete, got Box"),
        (lambda: gym_causal.make_task("Nested-v0"), ValueError, "Nested-v0: the observation space must be Box, Discrete, .* flat Dict"),
        (lambda: gym_causal.make_task("Words-v0"), ValueError, "Words-v0: the observation space must be .* got Text"),
        (lambda: gym_causal.evaluate("random", "CartPole-v1", split="eval"), ValueError, "split must be one of train, got 'eval'"),
        (lambda: gym_causal.collect("random", "CartPole-v1", explain="full"), ValueError, "explain must be one of none, got 'full'"),
        (lambda: gym_causal.evaluate("expert", "CartPole-v1"), NotImplementedError, "CartPole-v1 has no expert: give a policy"),
    ],
)
def test_what_cannot_be_a_task_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_minigrid_loses_its_mission():
    pytest.importorskip("minigrid")
    with pytest.warns(UserWarning, match=r"without 'mission'"):
        result = gym_causal.evaluate("random", "minigrid:MiniGrid-Empty-5x5-v0", num_episodes=5, max_steps=30)
    assert 0 <= result.reward.low <= result.reward.high <= 1
