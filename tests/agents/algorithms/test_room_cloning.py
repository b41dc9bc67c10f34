"""Cloning in rooms: episodes of different lengths, with explanations."""

from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

import agents
from agents.algorithms.behavioral_cloning import train
from agents.algorithms.learning_curve import HISTORY
from agents.algorithms.losses import validation_losses
from agents.config import TrainingConfig
from agents.data.collate import iterate_batches
from agents.data.demonstrations import collect, fingerprint
from agents.data.explanation_controls import shuffle_explanations
from agents.policies.checkpoints import load_checkpoint, load_config
from gym_causal.core.streams import SeedDomain
from gym_causal.registry import make_task
from tests.agents.small import ROOM_ARCHITECTURES, ROOM_CONFIG, ROOM_ID, ROOM_KWARGS, collected_rooms

SPLITS = ("train", "eval")


# --- what a training leaves behind ------------------------------------------------------------------------------------------


def curve(folder):
    rows = pd.read_csv(folder / HISTORY)
    return {metric: rows[rows["metric"] == metric] for metric in ("validation_loss", "validation_explanation_loss", "normalized_reward")}


@pytest.mark.parametrize(("kind", "observation"), [("object", "symbolic"), ("convolutional", "pixels")])
def test_a_training_with_explanations(kind, observation, tmp_path):
    config = replace(ROOM_CONFIG, architecture=ROOM_ARCHITECTURES[kind], env_kwargs={**ROOM_KWARGS, "observation": observation})
    train(config, tmp_path, splits=SPLITS, progress=False)
    rows = curve(tmp_path)
    assert rows["normalized_reward"]["split"].tolist() == ["train", "eval"] * 3
    for metric in ("validation_loss", "validation_explanation_loss"):
        assert rows[metric]["batch"].tolist() == [4, 8, 12] and rows[metric]["split"].tolist() == ["train"] * 3
        assert rows[metric]["mean"].iloc[-1] < rows[metric]["mean"].iloc[0]
    # The last row is what the agent's losses are on the expert's demonstrations of the seed domain of validation.
    agent = agents.load(tmp_path)
    assert load_config(tmp_path) == config
    assert (rows["validation_loss"]["seed"] == config.seed).all() and (rows["validation_loss"]["episodes"] == 16).all()
    episodes = collected_rooms(16, config.seed, explain="full", domain=SeedDomain.VALIDATION)
    expected = validation_losses(agent.policy, iterate_batches(episodes, 16, make_task(ROOM_ID, **config.env_kwargs)))
    for metric, value in expected.items():
        assert rows[metric]["mean"].iloc[-1] == pytest.approx(value, rel=1e-4)


def test_a_training_without_explanations_predicts_none(tmp_path):
    config = replace(ROOM_CONFIG, training=replace(ROOM_CONFIG.training, explanations="none", num_batches=4))
    agent = train(config, tmp_path, splits=("train",), progress=False)
    rows = curve(tmp_path)
    assert agent.policy.explanation_head is None and len(rows["validation_loss"]) == 1 and rows["validation_explanation_loss"].empty


def same_weights(first, second):
    mine, others = (load_checkpoint(folder).weights for folder in (first, second))
    return all(torch.equal(mine[name], others[name]) for name in mine | others)


def test_what_shuffled_explanations_change(tmp_path):
    """What is learned; the held-out ones are those of their states, so that agents can be compared by them."""
    training = replace(ROOM_CONFIG.training, num_batches=4, num_demonstrations=32, shuffled_explanations=True)
    config = replace(ROOM_CONFIG, training=training)
    agent = train(config, tmp_path / "collected", splits=(), progress=False)
    shuffled = shuffle_explanations(
        collected_rooms(32, config.seed, explain="full"), make_task(ROOM_ID, **config.env_kwargs).explanations, config.seed
    )
    true_ones = replace(config, training=replace(training, shuffled_explanations=False, num_demonstrations=None))
    train(true_ones, tmp_path / "recorded", splits=(), demonstrations=shuffled, progress=False)
    assert same_weights(tmp_path / "collected", tmp_path / "recorded")
    held_out = collect("expert", ROOM_ID, 16, config.seed, {**config.env_kwargs, "explain": "full"}, domain=SeedDomain.VALIDATION)
    expected = validation_losses(agent.policy, iterate_batches(held_out, 16, make_task(ROOM_ID, **config.env_kwargs)))
    found = curve(tmp_path / "collected")["validation_explanation_loss"]["mean"].iloc[-1]
    assert found == pytest.approx(expected["validation_explanation_loss"], rel=1e-4)


def test_a_training_on_recorded_rooms(tmp_path):
    """The same episodes, recorded before; but those without the asked explanations are refused."""
    training = replace(ROOM_CONFIG.training, num_batches=4)
    collected = replace(ROOM_CONFIG, training=replace(training, num_demonstrations=32))
    recorded = replace(ROOM_CONFIG, training=training)
    train(collected, tmp_path / "collected", splits=(), progress=False)
    episodes = collected_rooms(32, collected.seed, explain="full")
    train(recorded, tmp_path / "recorded", splits=(), demonstrations=episodes, progress=False)
    assert same_weights(tmp_path / "collected", tmp_path / "recorded")
    assert load_config(tmp_path / "recorded").demonstrations == fingerprint(episodes)
    for explain in ("none", "outcome"):
        with pytest.raises(ValueError, match=f"must have the explanations 'full', got episodes that have '{explain}'"):
            episodes = collected_rooms(32, explain=explain)
            train(recorded, tmp_path / "refused", splits=(), demonstrations=episodes, progress=False)
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env_id": "CausalDAG-v0", "env_kwargs": {}}, "'object'"),
        ({"architecture": replace(ROOM_CONFIG.architecture, kind="variable")}, "'variable'"),
        (
            {"training": replace(ROOM_CONFIG.training, explanations="every")},
            "explanations must be one of none, properties, ",
        ),
        ({"demonstration_kwargs": {"observation": "pixels"}}, "demonstration_kwargs must leave observations and actions"),
    ],
)
def test_mistakes_are_found_before_anything_is_written_of_rooms(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(replace(ROOM_CONFIG, **changes), tmp_path / "agent", splits=(), progress=False)
    assert not (tmp_path / "agent").exists()


def test_what_can_be_asked_for_in_explanations():
    with pytest.raises(ValueError, match="explanation_weight must be"):
        TrainingConfig(explanation_weight=-1.0)
    with pytest.raises(ValueError, match="shuffled_explanations must be False where explanations are none"):
        TrainingConfig(shuffled_explanations=True)
