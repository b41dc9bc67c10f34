"""Agents that say what they predict while they act."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import gym_causal
from agents.data.collate import collate
from agents.policies.agent import Agent
from gym_causal.registry import make_task
from tests.agents.small import ROOM_ID, ROOM_KWARGS, collected_rooms, make_room_policy


def act(agent, num_steps=12):
    """Actions (T, B) and explanations (T, B, L) in some steps of three rows."""
    venv = gym_causal.make_vec(ROOM_ID, 3, **ROOM_KWARGS, observation="symbolic", explain="none")
    observations, _ = venv.reset(seed=0)
    state, starts, actions, explanations = None, np.ones(3, bool), [], []
    for _ in range(num_steps):
        chosen, state = agent(observations, state, starts)
        actions.append(chosen)
        explanations.append(agent.explanation)
        observations, _, terminated, truncated, _ = venv.step(chosen)
        starts = terminated | truncated
    return np.array(actions), explanations


def test_explaining_changes_no_action():
    policy = make_room_policy("object", settled=True, explains=True)
    (silent, none), (speaking, explanations) = act(Agent(policy)), act(Agent(policy, explains=True))
    assert np.array_equal(silent, speaking) and set(none) == {None}
    assert np.shape(explanations) == (12, 3, 7)


def test_explanations_are_those_that_the_head_decodes_for_the_whole_episode():
    policy = make_room_policy("object", settled=True, explains=True)
    episodes = collected_rooms(1)
    batch = collate(episodes, np.arange(1), make_task(ROOM_ID))["obs"]
    with torch.no_grad():
        states = policy.network.encode({key: torch.as_tensor(value) for key, value in batch.items()})
        expected = policy.explanation_head.decode_greedy(policy.network.explanation_features(states)[0])
    cache, found = None, []
    for step in range(len(episodes.actions)):
        observations = {key: torch.as_tensor(value[:, step]) for key, value in batch.items() if key != "previous_action"}
        states, cache = policy.encode_step(observations, cache, None)
        found.append(policy.explain(states)[0])
        cache.previous_actions = torch.as_tensor(episodes.actions[step : step + 1]) + 1
    assert torch.equal(torch.stack(found), expected)


def test_an_agent_without_explanations_cannot_explain():
    with pytest.raises(ValueError, match="explains must be False for an agent that predicts no explanations, got True"):
        Agent(make_room_policy("object"), explains=True)
