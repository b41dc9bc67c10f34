"""The text of a game is what the env and the player write, one after the other."""

from __future__ import annotations

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.core.streams import SeedDomain
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL
from gym_causal.transcripts import transcript

IDS = ("OddOneOutText-v0", "CausalDAGText-v0")


@pytest.mark.parametrize("env_id", IDS)
def test_a_game_is_observations_and_sentences_concatenated(env_id):
    games = transcript(env_id, num_episodes=3, seed=5, domain=SeedDomain.INTERACTION)
    env = gym.make(env_id)
    for episode, game in enumerate(games):
        text, _ = env.reset(seed=5 if episode == 0 else None)
        done = False
        while not done:
            action = env.unwrapped.expert_action()
            observation, _, done, _, _ = env.step(action)
            text += env.unwrapped.task.sentences[action] + observation
        assert game == text


@pytest.mark.parametrize("policy", ["expert", "random"])
@pytest.mark.parametrize("env_id", IDS)
def test_explanations_are_lines_of_their_own(env_id, policy):
    """Without these lines, a game with explanations is the game without them; they are what the infos hold."""
    plain, full = (transcript(env_id, policy, num_episodes=4, outcome=on, reasoning=on) for on in (False, True))
    labels = (REASONING_LABEL, OUTCOME_LABEL)
    for game, explained in zip(plain, full, strict=True):
        lines = explained.splitlines(keepends=True)
        assert "".join(line for line in lines if not line.startswith(labels)) == game
        trials = game.count("\nI ")
        assert sum(line.startswith(REASONING_LABEL) for line in lines) == trials == sum(line.startswith(OUTCOME_LABEL) for line in lines)
        for before, line in pairwise(lines):
            if line.startswith("I "):
                assert before.startswith(REASONING_LABEL)
            if line.startswith(OUTCOME_LABEL):
                assert before.startswith(("Choosing object", "Then the values were"))
    outcome_only = transcript(env_id, policy, num_episodes=4, outcome=True)
    for game, explained in zip(outcome_only, full, strict=True):
        assert game == "".join(line for line in explained.splitlines(keepends=True) if not line.startswith(REASONING_LABEL))


@pytest.mark.parametrize("env_id", IDS)
def test_domains_have_games_of_their_own(env_id):
    games = [game for domain in SeedDomain for game in transcript(env_id, num_episodes=5, domain=domain)]
    assert len(set(games)) == len(games)


def test_numbers_of_games_are_those_of_one_long_run():
    """Episode i is the same whatever num_episodes."""
    assert transcript(IDS[0], num_episodes=3) == transcript(IDS[0], num_episodes=2_500)[:3]


def test_a_policy_that_reads_arrays():
    def first_object(observations, state, episode_starts):
        return np.where(observations["phase"] > 0, 9, 0), state

    (game,) = transcript("OddOneOutText-v0", first_object, observation="symbolic")
    assert game.count("I transform object A into a different color: ") == 3 and game.count("I choose object A.") == 1


def test_only_text_envs_have_games():
    with pytest.raises(ValueError, match="env_id must be that of a text env, got 'CausalDAG-v0'"):
        transcript("CausalDAG-v0")


def test_recorded_texts_survive_a_file(tmp_path):
    episodes = gym_causal.collect("random", "OddOneOutText-v0", num_episodes=20, seed=1)
    episodes.save(tmp_path / "games.npz")
    again = gym_causal.Episodes.load(tmp_path / "games.npz")
    assert (again.observations["text"] == episodes.observations["text"]).all() and again.observations["text"].dtype.kind == "U"
    first = [str(text) for text in next(iter(again)).observations["text"]]
    (game,) = transcript("OddOneOutText-v0", "random", num_episodes=20, seed=1, domain=SeedDomain.COLLECTION)[:1]
    for text in first:
        assert text in game
