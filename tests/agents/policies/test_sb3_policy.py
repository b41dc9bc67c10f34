"""A sequence policy as stable-baselines3 and imitation see it."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import torch

import gym_causal
from agents.policies.agent import Agent
from agents.policies.sb3 import TransformerPolicy
from tests.agents.small import ROOM_ID, ROOM_KWARGS, at, every_kind, every_room_kind, every_sight, make_policy, make_room_policy, played


@every_sight
@every_room_kind
def test_one_room_is_a_batch_of_one(kind, observation):
    """Observed as Gymnasium gives it; pictures reach the network as they are."""
    model = make_room_policy(kind, observation, settled=True)
    policy, agent = TransformerPolicy(model), Agent(model)
    env = gym_causal.make_vec(ROOM_ID, 1, **ROOM_KWARGS, observation=observation)
    observations, _ = env.reset(seed=3)
    state = batch_state = None
    over = np.ones(1, bool)
    for _ in range(20):
        action, state = policy.predict({key: value[0] for key, value in observations.items()}, state, over, deterministic=True)
        actions, batch_state = agent(observations, batch_state, over)
        assert action.shape == () and [action] == actions
        observations, _, terminated, truncated, _ = env.step(actions)
        over = terminated | truncated


@every_kind
def test_one_env_is_a_batch_of_one(kind):
    policy = TransformerPolicy(make_policy(kind, settled=True))
    observations, _ = played(num_episodes=1)
    one, batch = None, None
    for step in range(observations["trial"].shape[1]):
        seen = at(observations, step)
        start = np.array([step == 0])
        action, one = policy.predict({key: value[0] for key, value in seen.items()}, one, start, deterministic=True)
        actions, batch = policy.predict(seen, batch, start, deterministic=True)
        assert action.shape == () and actions.shape == (1,) and action == actions[0]


def test_predicting_turns_dropout_off():
    policy = TransformerPolicy(make_policy("variable"))
    observations, _ = played()
    policy.set_training_mode(True)
    policy.predict(at(observations, 0))
    assert not policy.training and not policy.model.training


def test_it_shares_the_weights_of_its_model():
    model = make_policy("variable", settled=True)
    policy = TransformerPolicy(model)
    observations, actions = played()
    values, log_probs, entropy = policy.evaluate_actions(observations, actions)
    assert values is None and entropy is None
    assert torch.equal(log_probs, model.evaluate_sequence(observations, actions)[2])
    assert {id(p) for p in policy.parameters()} == {id(p) for p in model.parameters()}
