"""Explanation accuracy, of hand-made agents that are known to be right at some steps and wrong at others."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

pytest.importorskip("imitation")

import torch

from agents.analysis.explanation_accuracy import explanation_accuracy
from agents.config import ArchitectureConfig
from agents.data.demonstrations import collect
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.core.streams import SeedDomain
from gym_causal.evaluation import bootstrap
from gym_causal.odd_one_out.features import ATTRIBUTES
from gym_causal.registry import make_task

CAUSAL_DAG, CONFOUNDED, INTERVENTION = "CausalDAG-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
NUM_EPISODES = 140  # more than one batch of them
RIGHT, WRONG_FIRST_TOKEN, WRONG_LATER_TOKENS, SILENT = range(4)


def behaviour(states: np.ndarray) -> np.ndarray:
    """Which of the four an agent does at (n,) states, independently of their explanations."""
    return (states * 7919 // 3) % 4


def corrupted(tokens: np.ndarray, how: np.ndarray) -> np.ndarray:
    """What the agent predicts where ``tokens`` (n, L) would be right."""
    predicted = tokens.copy()
    predicted[how == WRONG_FIRST_TOKEN, 0] += 1
    predicted[how == WRONG_LATER_TOKENS, 3:] += 1
    predicted[how == SILENT] = 0
    return predicted


class HandMadePolicy:
    """Knows the explanations of the episodes that it will be shown, in that order; does with each what ``behave`` says."""

    device = "cpu"

    def __init__(self, episodes, behave=behaviour) -> None:
        self.episodes, self.behave, self.num_seen = episodes, behave, 0
        self.network = self.explanation_head = self

    def eval(self):
        return self

    def encode(self, observations):
        """(B, T, 1) the number of each state among those of all episodes."""
        batch, steps = observations["previous_action"].shape
        episode = np.arange(self.num_seen, self.num_seen + batch)
        self.num_seen += batch
        first = self.episodes.starts[episode] + episode
        return torch.as_tensor(first[:, None] + np.arange(steps))[..., None]

    def explanation_features(self, hidden_states):
        return hidden_states

    def decode_greedy(self, features):
        states = features[:, 0].numpy()
        return torch.as_tensor(corrupted(self.episodes.explanations["tokens"][states], self.behave(states)))


def shown_episodes(env_id, split, explanations, num_episodes=NUM_EPISODES, **env_kwargs):
    """The episodes on which accuracy is measured."""
    arguments = {**env_kwargs, "split": split, "explain": explanations}
    return collect("expert", env_id, num_episodes, 0, arguments, domain=SeedDomain.EXPLANATION_ACCURACY)


def totals_one_by_one(episodes, groups):
    """metric -> (2, E) correct and all, state by state. The last state of an episode has no action, and is left out."""
    totals = defaultdict(lambda: np.zeros((2, len(episodes))))
    for number, episode in enumerate(episodes):
        first = int(episodes.starts[number]) + number
        for step in range(int(episode.lengths[0])):
            tokens = episode.explanations["tokens"][step]
            predicted = corrupted(tokens[None], behaviour(np.array([first + step])))[0]
            results = groups(tokens, predicted)
            if tokens.any():
                results["whole"] = [(predicted == tokens).all()]
                results["tokens"] = (predicted == tokens)[tokens > 0]
            for name, correct in results.items():
                totals[f"explained_{name}"][:, number] += sum(correct), len(correct)
    return totals


def room_groups(tokens, predicted):
    """name -> whether the groups of one state of a room are correct."""
    results = {"statement": [predicted[0] == tokens[0]]}
    if tokens[0]:
        results["properties" if tokens[0] == 1 else "touches"] = [(predicted == tokens).all()]
    for attribute, token, guess in zip(ATTRIBUTES, tokens[3:], predicted[3:], strict=True):
        if token:
            results[attribute] = [guess == token]
    return results


def causal_dag_groups(tokens, predicted):
    """The same in a causal DAG, where the first token of an explanation of an experiment is "set"."""
    return {"properties" if tokens[0] == 1 else "reward": [(predicted == tokens).all()]} if tokens[0] else {}


@pytest.mark.parametrize(
    ("env_id", "explanations", "kwargs", "groups", "absent"),
    [
        (CONFOUNDED, "full", {"explained_attribute": "shape"}, room_groups, {"color", "texture", "position"}),
        (CONFOUNDED, "properties", {"explained_attribute": "color"}, room_groups, {"touches", "texture", "shape", "position"}),
        (INTERVENTION, "full", {}, room_groups, {"position"}),
        (INTERVENTION, "outcome", {}, room_groups, {"properties", *ATTRIBUTES}),
        (CAUSAL_DAG, "full", {}, causal_dag_groups, set()),
        (CAUSAL_DAG, "reward", {"num_variables": 3}, causal_dag_groups, {"properties"}),
    ],
)
def test_shares_are_those_of_a_count_state_by_state(env_id, explanations, kwargs, groups, absent):
    split = "eval_path" if env_id == CAUSAL_DAG else "eval"
    episodes = shown_episodes(env_id, split, explanations, **kwargs)
    policy = HandMadePolicy(episodes)
    result = explanation_accuracy(policy, env_id, split=split, explanations=explanations, num_episodes=NUM_EPISODES, **kwargs)
    assert (result.env_id, result.split, result.episodes, result.seed) == (env_id, split, NUM_EPISODES, 0)
    totals = totals_one_by_one(episodes, groups)
    assert result.metrics.keys() == totals.keys()
    expected = bootstrap({metric: totals[metric] for metric in result.metrics}, np.random.default_rng(0))
    for metric, (correct, count) in totals.items():
        assert 0 < result.metrics[metric].mean < 1
        assert result.metrics[metric].mean == pytest.approx(correct.sum() / count.sum())
        assert (result.metrics[metric].low, result.metrics[metric].high) == pytest.approx((expected[metric].low, expected[metric].high))
    names = {"properties", "reward"} if env_id == CAUSAL_DAG else {"statement", "properties", "touches", *ATTRIBUTES}
    assert {metric.removeprefix("explained_") for metric in totals} == {"whole", "tokens", *names} - absent


def always(how):
    return lambda states: np.full(len(states), how)


def test_an_agent_that_is_always_right_scores_one_and_a_silent_one_is_right_where_there_is_no_explanation():
    """The episodes are known to the hand-made agent by their seed domain: in any other it would be wrong."""
    episodes = shown_episodes(CONFOUNDED, "train", "full", 20)
    right, silent = (
        explanation_accuracy(HandMadePolicy(episodes, always(how)), CONFOUNDED, split="train", explanations="full", num_episodes=20)
        for how in (RIGHT, SILENT)
    )
    assert {estimate.mean for estimate in right.metrics.values()} == {1.0}
    assert silent.explained_whole.mean == silent.explained_tokens.mean == silent.explained_color.mean == 0
    assert 0.2 < silent.explained_statement.mean < 1


@pytest.mark.parametrize(("env_id", "kind"), [(CAUSAL_DAG, "variable"), (CAUSAL_DAG, "trial"), (CONFOUNDED, "object")])
def test_every_task_with_explanations_has_an_accuracy(env_id, kind):
    architecture = ArchitectureConfig(kind=kind, width=16, num_layers=1, num_heads=2, look_size=8)
    task = make_task(env_id, 1)
    torch.manual_seed(0)
    policy = SequencePolicy(task, architecture, explains=True)
    result = explanation_accuracy(policy, env_id, split="train", explanations="full", num_episodes=4)
    assert 0 <= result.explained_whole.mean < result.explained_tokens.mean < 0.5  # not trained yet


def test_an_agent_that_predicts_none_is_refused():
    small = ArchitectureConfig(kind="object", width=16, num_layers=1, num_heads=2, look_size=8)
    policy = SequencePolicy(make_task(CONFOUNDED, 1), small)
    with pytest.raises(ValueError, match="policy must be that of an agent that predicts explanations, got one without"):
        explanation_accuracy(policy, CONFOUNDED, split="train", explanations="full", num_episodes=2)
