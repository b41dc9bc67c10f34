"""Experts that err, and that random players replace: how often, when, and that nothing else about the episodes changes."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

import gym_causal
from agents.algorithms.training_data import checked_task, training_data
from agents.data.demonstrations import StreamedDemonstrations, collect
from agents.data.experts import ImperfectExpert
from agents.train import parse
from gym_causal.collect import recording
from gym_causal.policies import bind
from gym_causal.registry import make_task
from gym_causal.rollouts import play
from tests.agents.small import CONFIG, ROOM_ID, ROOM_KWARGS, TRAINING

DAG = "CausalDAG-v0"
ROOM = {**ROOM_KWARGS, "observation": "symbolic", "explain": "none"}
N = 2_000


def compared(policy: ImperfectExpert, num_episodes: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Whether each action (num_episodes, 7) is the expert's in that state, and the actions."""
    task = make_task(DAG, num_episodes, explain="none")
    task.seed(0)
    steps = list(play(bind(policy, task, 0), task, num_episodes, {"expert": bind("expert", task, 0)}))
    actions = np.stack([step.actions for step in steps], axis=1)
    return actions == np.stack([step.observer_actions["expert"] for step in steps], axis=1), actions


def actions_of_episodes(policy: ImperfectExpert, num_envs: int, num_episodes: int = 12) -> list[list[int]]:
    """The actions of each episode, played in so many rows."""
    task = make_task(ROOM_ID, num_envs, **ROOM)
    task.seed(5)
    played: list[list[int]] = [[] for _ in range(num_episodes)]
    for step in play(bind(policy, task, 3), task, num_episodes):
        for episode, action in zip(step.episodes[step.valid], step.actions[step.valid], strict=True):
            played[episode].append(int(action))
    return played


@pytest.mark.parametrize("policy", [ImperfectExpert(error_rate=0.3), ImperfectExpert(random_player_share=0.5)])
def test_an_episode_does_not_depend_on_how_many_are_played_at_a_time(policy):
    alone = actions_of_episodes(policy, 1)
    assert alone == actions_of_episodes(policy, 5) == actions_of_episodes(policy, 12)
    assert alone != actions_of_episodes(ImperfectExpert(), 5)


def test_an_expert_that_never_errs_is_the_expert():
    mine, expert = (gym_causal.collect(policy, ROOM_ID, num_episodes=20, **ROOM) for policy in (ImperfectExpert(), "expert"))
    assert np.array_equal(mine.actions, expert.actions) and np.array_equal(mine.observations["view"], expert.observations["view"])


def test_errors_are_as_frequent_as_their_rate_and_independent():
    agrees, _ = compared(ImperfectExpert(error_rate=0.3))
    # An error may be the expert's own action: of ten legal ones in the five experiments, of eight in the two choices.
    assert agrees[:, :5].mean() == pytest.approx(1 - 0.3 * 0.9, abs=0.015)  # over three standard errors
    assert agrees[:, 5:].mean() == pytest.approx(1 - 0.3 * 0.875, abs=0.025)
    assert agrees[:, :5].sum(axis=1).var() == pytest.approx(5 * 0.27 * 0.73, rel=0.12)  # of a binomial distribution
    assert (agrees.mean(axis=0) < 0.8).all()


def test_errors_are_legal_actions_uniformly_drawn():
    always = ImperfectExpert(error_rate=1.0)
    _, actions = compared(always)
    counts = np.bincount(actions[:, :5].ravel(), minlength=10)
    assert counts == pytest.approx(np.full(10, N / 2), rel=0.13)  # four standard deviations
    mine, random = (gym_causal.evaluate(policy, DAG, num_episodes=N, seed=0) for policy in (always, "random"))
    assert mine.illegal_action_rate.mean == 0
    assert mine.normalized_reward.mean == pytest.approx(random.normalized_reward.mean, abs=0.05)


def test_a_random_player_plays_whole_episodes():
    agrees, _ = compared(ImperfectExpert(random_player_share=0.25))
    is_expert = agrees.all(axis=1)
    assert is_expert.mean() == pytest.approx(0.75, abs=0.03)
    assert agrees[~is_expert].mean() == pytest.approx((5 / 10 + 2 / 8) / 7, abs=0.02)  # by chance, in every step


def test_the_seed_says_who_errs_when():
    first, again, other = (collect(ImperfectExpert(error_rate=0.5), DAG, 50, seed, {}) for seed in (0, 0, 1))
    assert np.array_equal(first.actions, again.actions) and not np.array_equal(first.actions, other.actions)


def test_a_policy_of_one_s_own_can_err():
    def first_action(observations, state, episode_starts):
        return np.zeros(len(episode_starts), int), (state or 0) + 1

    played = gym_causal.collect(ImperfectExpert(first_action, error_rate=0.4), DAG, num_episodes=500)
    assert (played.actions == 0).mean() == pytest.approx(0.6 + 0.4 * (5 / 10 + 2 / 8) / 7, abs=0.04)


def test_explanations_are_true_of_what_was_done():
    episodes = gym_causal.collect(ImperfectExpert(error_rate=0.5), DAG, num_episodes=300, explain="full")
    facts = {key: episodes.stacked(value)[:, 1:] for key, value in episodes.explanations.items()}  # after each action
    actions = episodes.stacked(episodes.actions)
    assert np.array_equal(facts["do_target"][:, :5], actions[:, :5] % 5)
    best = facts["best_target"][:, 5:] + 5 * (facts["best_value"][:, 5:] < 0)
    at_stake = facts["best_target"][:, 5:] >= 0
    is_optimal = facts["optimal"][:, 5:] == 1
    assert (is_optimal == (actions[:, 5:] == best))[at_stake].all() and 0.3 < is_optimal[at_stake].mean() < 0.8


def test_reasoning_stays_the_expert_s_own():
    task = make_task(DAG, 300, explain="reasoning")
    task.seed(0)
    policy = bind(ImperfectExpert(error_rate=0.5), task, 0)
    for step in play(policy, task, 300, {"expert": bind("expert", task, 0)}, infos=True):
        reasoning, expert = step.infos["explanation"], step.observer_actions["expert"]
        assert np.array_equal(reasoning["intended_target"], expert % 5)
        assert 0.3 < (step.actions == expert).mean() < 0.7  # what it intends is not always what is done


# --- in a training -----------------------------------------------------------------------------------------------------------


def streamed(first_batch: int = 0) -> StreamedDemonstrations:
    options = {"batch_size": 8, "seed": 3, "chunk_size": 32, "env_kwargs": ROOM, "first_batch": first_batch}
    return StreamedDemonstrations(ImperfectExpert(error_rate=0.2, random_player_share=0.2), ROOM_ID, **options)


@pytest.mark.parametrize("first_batch", [1, 4, 5])
def test_one_can_begin_anywhere_with_imperfect_demonstrations(first_batch):
    resumed, whole = list(islice(streamed(first_batch), 3)), list(islice(streamed(), first_batch, first_batch + 3))
    assert all(np.array_equal(a["acts"], b["acts"]) for a, b in zip(resumed, whole, strict=True))


@pytest.mark.parametrize("num_demonstrations", [None, 64])
def test_a_training_and_its_validation_have_the_errors_of_the_config(num_demonstrations):
    training = replace(TRAINING, batch_size=64, validation_episodes=64, num_demonstrations=num_demonstrations)
    for share, systematic in ((0.0, 1.0), (1.0, 10 * 8 * 6 * 4 * 2 / 10**5)):  # by chance: each variable once
        config = replace(CONFIG, training=replace(training, random_player_share=share))
        batches, validation = training_data(config, checked_task(config, ("train",), None), None, 0)
        for actions in (next(iter(batches))["acts"], validation.episodes.stacked(validation.episodes.actions)):
            variables = np.sort(actions[:, :5] % 5, axis=1)
            assert (variables == np.arange(5)).all(axis=1).mean() == pytest.approx(systematic, abs=0.12)


def test_the_command_line_sets_them():
    training = parse(["--training.error-rate", "0.2", "--training.random-player-share", "0.1"]).config().training
    assert (training.error_rate, training.random_player_share) == (0.2, 0.1)
    assert not parse([]).config().training.expert_is_imperfect


def test_recorded_demonstrations_are_as_they_are():
    recorded = gym_causal.collect("expert", DAG, num_episodes=32, explain="none")
    for changes in ({"error_rate": 0.1}, {"random_player_share": 0.1}):
        config = replace(CONFIG, training=replace(TRAINING, **changes))
        with pytest.raises(ValueError, match="error_rate and random_player_share must be 0 with recorded demonstrations"):
            checked_task(config, ("train",), recorded)


def test_its_errors_are_the_same_in_parts(monkeypatch):
    policy = ImperfectExpert(error_rate=0.3, random_player_share=0.3)
    parts = gym_causal.collect(policy, DAG, num_episodes=4_200, seed=3, explain="none")
    monkeypatch.setattr(recording, "MAX_BATCH", 5_000)
    assert np.array_equal(parts.actions, gym_causal.collect(policy, DAG, num_episodes=4_200, seed=3, explain="none").actions)
