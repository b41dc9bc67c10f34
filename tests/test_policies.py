"""What is accepted as a policy, and what is said of a policy that returns something else."""

from __future__ import annotations

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from tests.conftest import same


def hinted(observations):
    return observations["hint"]


class Recurrent:
    """stable-baselines3's interface, with a state: the number of calls."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        self.calls.append((state, episode_start.tolist(), deterministic))
        return hinted(observation), (0 if state is None else state) + 1


class Memoryless:
    """As stable-baselines3's PPO; its policies can also be called, as torch modules, with other arguments."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return hinted(observation), state

    def __call__(self, obs, deterministic=False):
        raise AssertionError("this is torch's __call__")


class Masked:
    """As sb3-contrib's MaskablePPO: the first legal action."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False, action_masks=None):
        return action_masks.argmax(axis=1), state


class WantsMasks:
    needs_action_masks = True

    def __call__(self, observations, state, episode_starts, *, action_masks):
        return action_masks.argmax(axis=1), state


def test_an_object_with_predict_is_a_policy(hint_id):
    policy = Recurrent()
    assert gym_causal.evaluate(policy, hint_id, num_episodes=3).reward.mean == 2
    assert policy.calls == [(None, [True] * 3, True), (1, [False] * 3, True)]
    result = gym_causal.evaluate(Memoryless(), hint_id, num_episodes=3, references={"other": Memoryless()})
    assert result.reward.mean == 2 and result.match_other.mean == 1 and result.policy == "Memoryless"
    assert (gym_causal.collect(Memoryless(), hint_id, num_episodes=3).rewards == 1).all()


@pytest.mark.parametrize("policy", [Masked(), WantsMasks()], ids=["predict", "callable"])
def test_a_policy_may_ask_for_action_masks(hint_id, policy):
    """In the tiny task action 0 is illegal; in the causal DAG the goal may not be set."""
    assert (gym_causal.collect(policy, hint_id, num_episodes=5).actions == 1).all()
    result = gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=50, references={"other": policy})
    assert result.illegal_action_rate.mean == 0 and result.match_other.mean == 1


@pytest.mark.parametrize(("env_id", "kwargs"), [("CausalDAG-v0", {}), ("OddOneOut-v0", {"observation": "symbolic", "max_trial_steps": 9})])
def test_a_model_of_stable_baselines_is_accepted_as_it_is(env_id, kwargs):
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    model = stable_baselines3.PPO("MultiInputPolicy", gym.make(env_id, **kwargs), n_steps=8, batch_size=8, device="cpu", seed=0)
    episodes = gym_causal.collect(model, env_id, num_episodes=20, explain="none", **kwargs)
    for played, (_, states) in zip(episodes, episodes.slices(), strict=True):
        observations = {key: value[states][:-1] for key, value in episodes.observations.items()}
        assert np.array_equal(model.predict(observations, deterministic=True)[0], played.actions)
    # Its policy is a torch module, so it can also be called, but not as ours are.
    assert gym_causal.evaluate(model, env_id, num_episodes=20, references={"policy": model.policy}, **kwargs).match_policy.mean == 1


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (np.zeros(4, int), TypeError, r"policy must return a pair \(actions, state\), got ndarray"),
        (None, TypeError, r"a pair \(actions, state\), got NoneType"),
        ((np.zeros(4, int), None, None), TypeError, r"a pair \(actions, state\), got a tuple of 3"),
        ((np.zeros(3, int), None), ValueError, r"policy: actions must be integers of shape \(4,\), got int64 of shape \(3,\)"),
        ((np.zeros((4, 1), int), None), ValueError, r"integers of shape \(4,\), got int64 of shape \(4, 1\)"),
        ((np.zeros(4), None), ValueError, r"integers of shape \(4,\), got float64 of shape \(4,\)"),
        ((np.zeros(4, bool), None), ValueError, r"integers of shape \(4,\), got bool"),
        ((np.array([0, 1, 2, 3]), None), ValueError, r"policy: actions must be in 0\.\.2, got 0\.\.3"),
        ((np.array([0, 1, -1, 2]), None), ValueError, r"policy: actions must be in 0\.\.2, got -1\.\.2"),
    ],
)
def test_what_a_policy_returns_is_checked(hint_id, returned, error, message):
    for play in (gym_causal.evaluate, gym_causal.collect):
        with pytest.raises(error, match=message):
            play(lambda *_: returned, hint_id, num_episodes=4)
    with pytest.raises(error, match=message.replace("policy", "references: wrong")):
        gym_causal.evaluate("expert", hint_id, num_episodes=4, references={"wrong": lambda *_: returned})


def test_lists_of_ints_and_other_integer_types_are_actions(hint_id):
    expected = gym_causal.collect("expert", hint_id, num_episodes=4)
    for convert in (list, np.int8, np.uint16):
        convert_all = convert if convert is list else lambda actions, to=convert: actions.astype(to)
        played = gym_causal.collect(lambda observations, state, _, c=convert_all: (c(hinted(observations)), state), hint_id, num_episodes=4)
        assert same(played.observations, expected.observations) and np.array_equal(played.rewards, expected.rewards)


@pytest.mark.parametrize("policy", [3, None, SimpleNamespace(predict=lambda X: X)])
def test_what_is_no_policy_is_refused(hint_id, policy):
    with pytest.raises(TypeError, match=r"policy must be 'expert', 'random', a callable.*stable-baselines3's predict, got"):
        gym_causal.evaluate(policy, hint_id)
