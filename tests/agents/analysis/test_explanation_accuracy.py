"""How many explanations an agent predicts right, with a hand-made agent that is known to be right here and wrong there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("imitation")

import torch

from agents.algorithms import behavioral_cloning
from agents.analysis import explanation_accuracy as explaining
from agents.analysis.explanation_accuracy import SEED, explanation_accuracy
from agents.config.agent import ArchitectureConfig
from agents.data.demonstrations import collect, spaces
from agents.policies.sb3 import TransformerPolicy
from gym_causal.evaluation import bootstrap
from gym_causal.odd_one_out.features import ATTRIBUTES

CONFOUNDED, INTERVENTION = "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
NUM_EPISODES = 140  # more than one batch of them
RIGHT, WRONG_STATEMENT, WRONG_VALUES, SILENT = range(4)


@pytest.fixture
def watched(monkeypatch):
    """What was collected, and with which arguments; each state also shows its number, by which the hand-made agent knows it."""
    seen = []

    def numbered(*arguments):
        episodes = collect(*arguments)
        states = np.arange(len(episodes.actions) + len(episodes))
        seen.append((arguments, episodes))
        return replace(episodes, observations={**episodes.observations, "state": states})

    monkeypatch.setattr(explaining, "collect", numbered)
    return seen


def behaviour(states):
    """What the agent does about a state: something else in each of the four, in no step with what is to be said there."""
    return (states * 7919 // 3) % 4


def corrupted(tokens: np.ndarray, how: np.ndarray) -> np.ndarray:
    """What the agent says where ``tokens`` would be right."""
    said = tokens.copy()
    said[how == WRONG_STATEMENT, 0] += 1
    said[how == WRONG_VALUES, 3:] += 1
    said[how == SILENT] = 0
    return said


def hand_made_policy(watched, *, behave=behaviour):
    """Summaries are the numbers of states; what the explainer says follows from them."""

    def encode(observations):
        return observations["state"][..., None].double()

    def say(hidden_states):
        states = hidden_states[:, 0].long().numpy()
        return torch.as_tensor(corrupted(watched[-1][1].explanations["tokens"][states], behave(states)))

    return SimpleNamespace(
        explainer=SimpleNamespace(say=say),
        network=SimpleNamespace(encode=encode),
        set_training_mode=lambda training: None,
        device="cpu",
    )


def counted_one_by_one(episodes):
    """metric -> (2, E) right and all, state by state; the last state of an episode, which repeats the one before, is not asked about."""
    totals = defaultdict(lambda: np.zeros((2, len(episodes))))

    def count(metric, is_right):
        totals[metric][:, number] += is_right, 1

    for number, episode in enumerate(episodes):
        first = int(episodes.starts[number]) + number
        for step in range(int(episode.lengths[0])):
            tokens = episode.explanations["tokens"][step]
            said = corrupted(tokens[None], behaviour(np.array([first + step])))[0]
            count("explained_statement", said[0] == tokens[0])
            if tokens[0] == 1:
                count("explained_properties", (said == tokens).all())
            elif tokens[0] > 1:
                count("explained_touches", (said == tokens).all())
            for attribute, token, guess in zip(ATTRIBUTES, tokens[3:], said[3:], strict=True):
                if token:
                    count(f"explained_{attribute}", guess == token)
    return totals


@pytest.mark.parametrize(
    ("env_id", "explanations", "kwargs", "absent"),
    [
        (CONFOUNDED, "full", {"explained_attribute": "shape"}, {"color", "texture", "position"}),
        (CONFOUNDED, "properties", {"explained_attribute": "color"}, {"touches", "texture", "shape", "position"}),
        (INTERVENTION, "full", {}, {"position"}),
        (INTERVENTION, "outcome", {}, {"properties", *ATTRIBUTES}),
    ],
)
def test_shares_are_those_of_a_count_state_by_state(watched, env_id, explanations, kwargs, absent):
    policy = hand_made_policy(watched)
    result = explanation_accuracy(
        policy, env_id, split="eval", explanations=explanations, num_episodes=NUM_EPISODES, observation="symbolic", **kwargs
    )
    ((_, _, _, _, env_kwargs), episodes) = watched[0]
    assert (result.env_id, result.split, result.episodes, result.seed) == (env_id, "eval", NUM_EPISODES, SEED)
    assert env_kwargs == {**kwargs, "observation": "symbolic", "split": "eval", "explain": explanations}
    totals = counted_one_by_one(episodes)
    expected = bootstrap(totals, np.random.default_rng(SEED))
    assert result.metrics.keys() == totals.keys()
    for metric, (right, asked) in totals.items():
        assert result.metrics[metric].mean == pytest.approx(right.sum() / asked.sum())
        assert (result.metrics[metric].low, result.metrics[metric].high) == pytest.approx((expected[metric].low, expected[metric].high))
    everything = {f"explained_{name}" for name in ("statement", "properties", "touches", *ATTRIBUTES)}
    assert set(expected) == everything - {f"explained_{name}" for name in absent}


def test_who_is_always_right_scores_one_and_who_is_silent_is_right_where_nothing_is_said(watched):
    right, silent = (
        explanation_accuracy(
            hand_made_policy(watched, behave=lambda states, always=always: np.full(len(states), always)),
            CONFOUNDED,
            split="train",
            explanations="full",
            num_episodes=20,
            observation="symbolic",
        )
        for always in (RIGHT, SILENT)
    )
    assert {estimate.mean for estimate in right.metrics.values()} == {1.0}
    assert silent.explained_properties.mean == silent.explained_touches.mean == silent.explained_color.mean == 0
    assert 0.2 < silent.explained_statement.mean < 1


def test_rooms_are_none_that_an_agent_was_trained_or_validated_on(watched):
    """Seeds of agents end before 2^32, those of their validations 2^32 later."""
    assert SEED > 2**32 - 1 + behavioral_cloning._VALIDATION_SEED
    explanation_accuracy(hand_made_policy(watched), CONFOUNDED, split="train", explanations="full", num_episodes=8, observation="symbolic")
    ((who, _, _, seed, _), episodes) = watched[0]
    assert who == "expert" and seed == SEED
    views = {episodes.observations["view"][0].tobytes()}
    for other in (*range(8), 2**32):  # 4 is what is left of 2^34 without its low 32 bits
        training = collect("expert", CONFOUNDED, 8, other, {"observation": "symbolic", "split": "train", "explain": "full"})
        assert not views & {episode.observations["view"][0].tobytes() for episode in training}


def test_an_agent_that_predicts_none_is_refused():
    small = ArchitectureConfig(kind="object", width=16, num_layers=1, num_heads=2, look_size=8)
    policy = TransformerPolicy(*spaces(CONFOUNDED, {"observation": "symbolic"}), small)
    with pytest.raises(ValueError, match="policy must be that of an agent that predicts explanations, got one without"):
        explanation_accuracy(policy, CONFOUNDED, split="train", explanations="full", num_episodes=2, observation="symbolic")
