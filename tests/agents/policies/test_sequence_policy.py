"""Acting step by step with a memory is the same as seeing the whole episode, whoever asks and in whatever batch."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

import gym_causal
from agents.networks import odd_one_out as rooms
from agents.policies.sb3 import Agent
from gym_causal import rollouts
from tests.agents.small import (
    ROOM_ID,
    ROOM_KWARGS,
    at,
    every_env,
    every_kind,
    every_room_kind,
    every_sight,
    logits_of,
    make_policy,
    make_room_policy,
    played,
    played_rooms,
)


def tensors(arrays):
    return {key: torch.as_tensor(value) for key, value in arrays.items()}


@every_env
@every_kind
def test_step_by_step_is_the_whole_episode_twice_over(kind, env_id):
    """The second episodes go through the memory of the first."""
    policy = make_policy(kind, env_id, settled=True)
    memory = None
    for seed in (1, 2):
        observations, _ = played(env_id, seed=seed)
        expected = logits_of(policy, observations)
        for step in range(expected.shape[1]):
            starts = np.full(len(expected), step == 0)
            logits, memory = policy.step(tensors(at(observations, step)), memory, starts)
            assert torch.allclose(logits, expected[:, step], atol=1e-5)
            assert (logits.argmax(-1) == expected[:, step].argmax(-1)).all()


@every_env
@every_kind
def test_rows_whose_episodes_begin_at_different_times(kind, env_id):
    """Row r gives up its first episode after r + 1 steps and begins another."""
    policy = make_policy(kind, env_id, settled=True)
    (first, _), (second, _) = played(env_id, seed=1), played(env_id, seed=2)
    expected = {0: logits_of(policy, first), 1: logits_of(policy, second)}
    num_rows, num_steps = expected[0].shape[:2]
    rows, memory = np.arange(num_rows), None
    begins = rows + 1
    assert num_rows < num_steps  # so that all give up
    for now in range(num_steps):
        later = now >= begins
        step = np.where(later, now - begins, now)
        seen = {key: torch.where(_like(later, first[key][rows, step]), second[key][rows, step], first[key][rows, step]) for key in first}
        logits, memory = policy.step(seen, memory, (now == begins) | (now == 0))
        for row in rows:
            assert torch.allclose(logits[row], expected[int(later[row])][row, step[row]], atol=1e-5), (row, now)


def _like(mask, values):
    return torch.as_tensor(mask).reshape(-1, *[1] * (values.ndim - 1))


def check_ragged(policy, observations, actions, lengths, expected):
    """Each row plays one episode after the other, all of them, beginning with another one than the other rows do."""
    num_episodes = len(lengths)
    rows = np.arange(num_episodes)
    episode, step, memory, compared = rows.copy(), np.zeros(num_episodes, int), None, np.zeros(num_episodes, int)
    while (compared < lengths.sum()).any():
        logits, memory = policy.step({key: value[episode, step] for key, value in observations.items()}, memory, step == 0)
        assert torch.allclose(logits, expected[episode, step], atol=1e-5)
        memory.actions = actions[episode, step].clamp(min=0)
        compared += 1
        step += 1
        over = step == lengths[episode]
        episode, step = np.where(over, (episode + 1) % num_episodes, episode), np.where(over, 0, step)


@every_sight
@every_room_kind
def test_rows_whose_episodes_end_at_different_times(kind, observation):
    policy = make_room_policy(kind, observation, settled=True)
    observations, actions, lengths = played_rooms(observation)
    assert len(set(lengths)) >= 4 and (observations["last_transform"] > 0).any()
    check_ragged(policy, observations, actions, lengths, logits_of(policy, observations))


@every_room_kind
def test_a_memory_that_is_shorter_than_an_episode(kind, monkeypatch):
    """The last four steps, not all of them; acting and in whole episodes alike."""
    observations, actions, lengths = played_rooms()
    unlimited = logits_of(make_room_policy(kind, settled=True), observations)
    monkeypatch.setattr(rooms, "CONTEXT", 4)
    policy = make_room_policy(kind, settled=True)
    expected = logits_of(policy, observations)
    assert torch.allclose(expected[:, :4], unlimited[:, :4], atol=1e-5)
    assert all((expected - unlimited)[row, length - 1].abs().max() > 1e-3 for row, length in enumerate(lengths))
    check_ragged(policy, observations, actions, lengths, expected)


@every_sight
@every_room_kind
def test_one_room_is_a_batch_of_one(kind, observation):
    """Given as Gymnasium gives it, to stable-baselines3's way to act, which changes nothing about pictures."""
    policy = make_room_policy(kind, observation, settled=True)
    env = gym_causal.make_vec(ROOM_ID, 1, **ROOM_KWARGS, observation=observation)
    observations, _ = env.reset(seed=3)
    one = batch = None
    over = np.ones(1, bool)
    for _ in range(20):
        action, one = policy.predict({key: value[0] for key, value in observations.items()}, one, over, deterministic=True)
        logits, batch = policy.step(tensors(observations), batch, over)
        assert action.shape == () and action == logits.argmax()
        batch.actions = torch.as_tensor([action])
        observations, _, terminated, truncated, _ = env.step(np.array([action]))
        over = terminated | truncated


@every_kind
def test_one_env_is_a_batch_of_one(kind):
    policy = make_policy(kind, settled=True)
    observations, _ = played(num_episodes=1)
    one, batch = None, None
    for step in range(observations["trial"].shape[1]):
        seen = at(observations, step)
        start = np.array([step == 0])
        action, one = policy.predict({key: value[0] for key, value in seen.items()}, one, start, deterministic=True)
        actions, batch = policy.predict(seen, batch, start, deterministic=True)
        assert action.shape == () and actions.shape == (1,) and action == actions[0]


@every_kind
def test_permuting_the_rows_permutes_the_results(kind):
    policy = make_policy(kind, settled=True)
    observations, _ = played()
    order = [3, 0, 5, 1, 4, 2]
    straight, permuted = None, None
    for step in range(observations["trial"].shape[1]):
        seen = tensors(at(observations, step))
        starts = np.full(6, step == 0)
        logits, straight = policy.step(seen, straight, starts)
        others, permuted = policy.step({key: value[order] for key, value in seen.items()}, permuted, starts)
        assert torch.allclose(others, logits[order], atol=1e-5)


def test_acting_leaves_no_trace_in_the_weights():
    """Nor does it leave dropout on."""
    policy = make_policy("variable")
    policy.set_training_mode(True)
    observations, _ = played()
    Agent(policy)(at(observations, 0), None, np.ones(6, bool))
    assert not policy.training
    policy.set_training_mode(True)
    policy.predict(at(observations, 0))
    assert not policy.training and all(parameter.grad is None for parameter in policy.parameters())


def test_a_memory_of_something_else_is_refused():
    policy = make_policy("variable")
    observations, _ = played()
    memory = None
    for step in range(observations["trial"].shape[1]):
        _, memory = policy.predict(at(observations, step), memory)
    with pytest.raises(ValueError, match="a row has had 7 steps, all there are"):
        policy.predict(at(observations, 0), memory)
    with pytest.raises(ValueError, match="the same rows as the observations, 2, got a memory of 6"):
        policy.predict({key: value[:2] for key, value in at(observations, 0).items()}, memory)
    policy.predict(at(observations, 0), memory, np.ones(6, bool))


@every_env
def test_evaluation_does_not_depend_on_the_batch(env_id, monkeypatch):
    check_batches(make_policy("variable", env_id, settled=True), monkeypatch, env_id, split="eval_path")


@every_room_kind
def test_nor_does_it_in_rooms(kind, monkeypatch):
    policy = make_room_policy(kind, settled=True)
    check_batches(policy, monkeypatch, ROOM_ID, split="eval", **ROOM_KWARGS, observation="symbolic")


def check_batches(policy, monkeypatch, env_id, **env_kwargs):
    agent, results = Agent(policy), []
    for most in (1_024, 4, 1):
        monkeypatch.setattr(rollouts, "MAX_BATCH", most)
        results.append(gym_causal.evaluate(agent, env_id, num_episodes=11, seed=4, references={"itself": agent}, **env_kwargs))
    assert results[0] == results[1] == results[2]
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
    probabilities = policy.log_probabilities(observations)[:, 0].exp().detach()
    agent = Agent(policy, deterministic=False, seed=2)
    draws = np.concatenate([agent(at(observations, 0), None, np.ones(500, bool))[0] for _ in range(40)])
    assert np.abs(np.bincount(draws, minlength=10) / len(draws) - probabilities.mean(0).numpy()).max() < 0.02
