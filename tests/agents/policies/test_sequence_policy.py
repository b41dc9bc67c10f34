"""Acting step by step with a cache is the same as evaluating the whole episode, for any caller and in any batch."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import gym_causal
from agents.data.collate import IGNORE_INDEX
from agents.policies.agent import Agent
from gym_causal import rollouts
from gym_causal.odd_one_out.features import NUM_MOVES
from tests.agents.small import (
    ROOM_ARCHITECTURES,
    ROOM_ID,
    ROOM_KWARGS,
    at,
    every_env,
    every_kind,
    every_room_kind,
    every_sight,
    logits_of,
    make_policy,
    make_policy_for,
    make_room_policy,
    played,
    played_rooms,
)


def tensors(arrays):
    return {key: torch.as_tensor(value) for key, value in arrays.items()}


@every_env
@every_kind
def test_step_by_step_is_the_whole_episode_twice_over(kind, env_id):
    """The second episodes use the cache of the first."""
    policy = make_policy(kind, env_id, settled=True)
    cache = None
    for seed in (1, 2):
        observations, actions = played(env_id, seed=seed)
        expected = logits_of(policy, observations)
        for step in range(expected.shape[1]):
            starts = np.full(len(expected), step == 0)
            logits, cache = policy.step(tensors(at(observations, step)), cache, starts)
            cache.previous_actions = actions[:, step] + 1
            assert torch.allclose(logits, expected[:, step], atol=1e-5)
            assert (logits.argmax(-1) == expected[:, step].argmax(-1)).all()


@every_env
@every_kind
def test_rows_whose_episodes_begin_at_different_times(kind, env_id):
    """Row r abandons its first episode after r + 1 steps and begins another."""
    policy = make_policy(kind, env_id, settled=True)
    (first, actions), (second, other_actions) = played(env_id, seed=1), played(env_id, seed=2)
    expected = {0: logits_of(policy, first), 1: logits_of(policy, second)}
    num_rows, num_steps = expected[0].shape[:2]
    rows, cache = np.arange(num_rows), None
    begins = rows + 1
    assert num_rows < num_steps  # so that all do
    for now in range(num_steps):
        later = now >= begins
        step = np.where(later, now - begins, now)
        seen = {key: torch.where(_like(later, first[key][rows, step]), second[key][rows, step], first[key][rows, step]) for key in first}
        logits, cache = policy.step(seen, cache, (now == begins) | (now == 0))
        cache.previous_actions = 1 + torch.where(torch.as_tensor(later), other_actions[rows, step], actions[rows, step])
        for row in rows:
            assert torch.allclose(logits[row], expected[int(later[row])][row, step[row]], atol=1e-5), (row, now)


def _like(mask, values):
    return torch.as_tensor(mask).reshape(-1, *[1] * (values.ndim - 1))


def check_ragged(policy, observations, lengths, expected):
    """Each row plays one episode after the other, all of them, beginning with another one than the other rows do."""
    num_episodes = len(lengths)
    rows = np.arange(num_episodes)
    episode, step, cache, compared = rows.copy(), np.zeros(num_episodes, int), None, np.zeros(num_episodes, int)
    while (compared < lengths.sum()).any():
        logits, cache = policy.step({key: value[episode, step] for key, value in observations.items()}, cache, step == 0)
        assert torch.allclose(logits, expected[episode, step], atol=1e-5)
        compared += 1
        step += 1
        cache.previous_actions = observations["previous_action"][episode, np.minimum(step, observations["trial"].shape[1] - 1)]
        over = step == lengths[episode]
        episode, step = np.where(over, (episode + 1) % num_episodes, episode), np.where(over, 0, step)


@every_sight
@every_room_kind
def test_rows_whose_episodes_end_at_different_times(kind, observation):
    policy = make_room_policy(kind, observation, settled=True)
    observations, _, lengths = played_rooms(observation)
    assert len(set(lengths)) >= 4 and (observations["previous_action"] > NUM_MOVES).any()
    check_ragged(policy, observations, lengths, logits_of(policy, observations))


@every_room_kind
def test_a_context_that_is_shorter_than_an_episode(kind):
    """The last four steps, not all of them; step by step and in whole episodes alike."""
    observations, _, lengths = played_rooms()
    unlimited = logits_of(make_room_policy(kind, settled=True), observations)
    architecture = dataclasses.replace(ROOM_ARCHITECTURES[kind], context=4)
    policy = make_policy_for(architecture, ROOM_ID, {**ROOM_KWARGS, "observation": "symbolic"}, settled=True)
    expected = logits_of(policy, observations)
    assert torch.allclose(expected[:, :4], unlimited[:, :4], atol=1e-5)
    assert all((expected - unlimited)[row, length - 1].abs().max() > 1e-3 for row, length in enumerate(lengths))
    check_ragged(policy, observations, lengths, expected)


@every_kind
def test_permuting_the_rows_permutes_the_results(kind):
    policy = make_policy(kind, settled=True)
    observations, _ = played()
    order = [3, 0, 5, 1, 4, 2]
    straight, permuted = None, None  # caches
    for step in range(observations["trial"].shape[1]):
        seen = tensors(at(observations, step))
        starts = np.full(6, step == 0)
        logits, straight = policy.step(seen, straight, starts)
        others, permuted = policy.step({key: value[order] for key, value in seen.items()}, permuted, starts)
        assert torch.allclose(others, logits[order], atol=1e-5)


def test_acting_changes_no_weights_and_turns_dropout_off():
    policy = make_policy("variable")
    policy.train()
    observations, _ = played()
    Agent(policy)(at(observations, 0), None, np.ones(6, bool))
    assert not policy.training and all(parameter.grad is None for parameter in policy.parameters())


def test_a_cache_that_does_not_fit_is_refused():
    policy = make_policy("variable")
    observations, _ = played()
    agent, cache = Agent(policy), None
    for step in range(observations["trial"].shape[1]):
        _, cache = agent(at(observations, step), cache, np.full(6, step == 0))
    with pytest.raises(ValueError, match="a row has had 7 steps, all there are"):
        agent(at(observations, 0), cache, np.zeros(6, bool))
    with pytest.raises(ValueError, match="the same rows as the observations, 2, got a cache of 6"):
        agent({key: value[:2] for key, value in at(observations, 0).items()}, cache, np.zeros(2, bool))
    agent(at(observations, 0), cache, np.ones(6, bool))


@every_kind
def test_evaluating_a_sequence(kind):
    """Log-probabilities of all actions and of the targets, at the steps that have one."""
    policy = make_policy(kind, settled=True)
    observations, actions = played()
    expected = torch.log_softmax(logits_of(policy, observations), dim=-1)
    actions[1, 2] = actions[4] = IGNORE_INDEX
    has_target = actions != IGNORE_INDEX
    tokens = torch.zeros(*actions.shape, 3, dtype=torch.long)
    for targets in (actions, torch.cat([actions[..., None], tokens], dim=-1)):
        hidden_states, log_probs, action_log_probs = policy.evaluate_sequence(observations, targets)
        assert torch.allclose(torch.log_softmax(policy.network.action_logits(hidden_states), dim=-1), expected, atol=1e-6)
        assert torch.allclose(log_probs, expected[has_target], atol=1e-6)
        assert torch.equal(action_log_probs, log_probs[torch.arange(len(log_probs)), actions[has_target]])


@every_env
def test_evaluation_does_not_depend_on_the_batch(env_id, monkeypatch):
    check_batches(make_policy("variable", env_id, settled=True), monkeypatch, env_id, split="eval_path")


@every_room_kind
def test_evaluation_does_not_depend_on_the_batch_in_rooms(kind, monkeypatch):
    policy = make_room_policy(kind, settled=True)
    check_batches(policy, monkeypatch, ROOM_ID, split="eval", **ROOM_KWARGS, observation="symbolic")


def check_batches(policy, monkeypatch, env_id, **env_kwargs):
    agent, results = Agent(policy), []
    for most in (1_024, 4):
        monkeypatch.setattr(rollouts, "MAX_BATCH", most)
        results.append(gym_causal.evaluate(agent, env_id, num_episodes=9, seed=4, references={"itself": agent}, **env_kwargs))
    assert results[0] == results[1]
    assert results[0].policy == "agent" and results[0].match_itself.mean == 1


def test_drawn_actions_are_seeded_and_follow_the_probabilities():
    policy = make_policy("variable", settled=True)

    def drawn(**how):
        return gym_causal.collect(Agent(policy, **how), "CausalDAG-v0", num_episodes=500, seed=1).actions

    likeliest, first, again, other = (
        drawn(),
        drawn(deterministic=False, seed=1),
        drawn(deterministic=False, seed=1),
        drawn(deterministic=False),
    )
    assert (first == again).all()
    assert (first != other).any() and (first != likeliest).any()
    observations, _ = played(num_episodes=500)
    probabilities = torch.softmax(logits_of(policy, observations)[:, 0], dim=-1)
    agent = Agent(policy, deterministic=False, seed=2)
    draws = np.concatenate([agent(at(observations, 0), None, np.ones(500, bool))[0] for _ in range(20)])
    assert np.abs(np.bincount(draws, minlength=10) / len(draws) - probabilities.mean(0).numpy()).max() < 0.03
