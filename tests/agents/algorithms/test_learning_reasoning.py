"""Agents of every architecture for causal DAGs are trained to predict reasoning, and predict it."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

from agents.algorithms.behavioral_cloning import train
from agents.analysis.explanation_accuracy import explanation_accuracy
from agents.config import AgentConfig
from agents.policies.loading import load
from gym_causal.registry import make_task
from tests.agents.small import ARCHITECTURES, TRAINING

EXPLORATION = {"num_exploration_trials": 2, "num_exploitation_trials": 1, "num_variables": 3}


@pytest.mark.parametrize("kind", ["variable", "trial", "equivariant", "embedded"])
def test_every_architecture_learns_to_predict_all(kind, tmp_path):
    """After 100 updates most tokens are right, about a tenth at first. Saved and loaded it predicts the same."""
    training = replace(TRAINING, explanations="all", num_batches=100, evaluate_every=100, checkpoint_every=100, chunk_size=1_600)
    config = AgentConfig(env_kwargs=EXPLORATION, architecture=ARCHITECTURES[kind], training=training)
    agent = train(config, tmp_path, splits=(), progress=False)
    spec = make_task("CausalDAG-v0", 1, explain="all", **EXPLORATION).explanations
    assert agent.policy.explanation_head.position_embedding.shape[0] == spec.num_tokens == 3 + 5 * 3 + 16

    def accuracy(policy):
        return explanation_accuracy(policy, "CausalDAG-v0", split="train", explanations="all", num_episodes=40, **EXPLORATION)

    measured = accuracy(agent.policy)
    # The statement "reward" comes after the last trial, where no action is left to learn.
    groups = ("whole", "tokens", "properties", "belief", "intention", "target")
    assert set(measured.metrics) == {f"explained_{name}" for name in groups}
    assert measured.explained_tokens.mean > 0.5 and measured.explained_belief.mean > 0.25
    assert accuracy(load(tmp_path).policy).metrics == measured.metrics
