"""Agents that are trained for some seconds predict explanations of episodes that they never saw, and choose by what they predict."""

from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.algorithms.learning_curve import HISTORY
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig

TEXTURES = AgentConfig(
    env_id="OddOneOutConfounded-v0",
    env_kwargs={"observation": "symbolic", "explained_attribute": "texture"},
    architecture=ArchitectureConfig(kind="object", width=32, num_layers=1, num_heads=2, look_size=16),
    training=TrainingConfig(
        num_batches=200,
        batch_size=32,
        learning_rate=6e-3,
        explanations="properties",
        explanation_weight=10.0,
        num_demonstrations=3_200,
        validation_episodes=200,
        evaluate_every=200,
        checkpoint_every=200,
    ),
)


@pytest.mark.slow
def test_explanations_of_the_room_can_be_learned_and_those_of_another_cannot(tmp_path):
    """In a quarter of the steps there is one of six textures to tell: a mean of about 0.4 for who knows when, but not what."""
    losses = {}
    for shuffled in (False, True):
        config = replace(TEXTURES, training=replace(TEXTURES.training, shuffled_explanations=shuffled))
        train(config, tmp_path / str(shuffled), splits=(), progress=False)
        rows = pd.read_csv(tmp_path / str(shuffled) / HISTORY).set_index("metric")["mean"]
        losses[shuffled] = rows["validation_explanation_loss"]
    assert losses[False] < 0.15 and losses[True] > 0.35


@pytest.mark.parametrize("attribute", [pytest.param("shape", marks=pytest.mark.slow), "texture"])
def test_what_is_explained_is_what_is_chosen_by(attribute, tmp_path):
    """In training one object is odd in all three attributes, so rewards do not say which of them counts; explanations name one. In the
    evaluation each of three objects is odd in one."""
    config = replace(
        TEXTURES,
        env_kwargs={"observation": "symbolic", "explained_attribute": attribute},
        demonstration_kwargs={"expert_sight": "view"},
        training=replace(TEXTURES.training, explanations="full", explanation_weight=2.0, num_demonstrations=6_400, validation_episodes=32),
    )
    agent = train(config, tmp_path, splits=(), progress=False)
    found = gym_causal.evaluate(agent, config.env_id, split="eval", num_episodes=300, **config.env_kwargs)
    chosen = {name: found.metrics[f"choice_{name}"] for name in ("color", "texture", "shape")}
    assert chosen.pop(attribute).low > 0.35 and all(other.high < 0.3 for other in chosen.values())
