"""Cloning in rooms: a loss of actions and of explanations that padding has no part in, and what a training writes and refuses."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch
from imitation.algorithms import bc
from imitation.data.types import DictObs

from agents.algorithms import behavioral_cloning
from agents.algorithms.behavioral_cloning import EpisodeLoss, load, train
from agents.algorithms.learning_curve import HISTORY
from agents.config.agent import TrainingConfig
from agents.data import demonstrations
from agents.data.demonstrations import IGNORE_INDEX, collect, fingerprint, iterate_batches
from agents.policies.checkpoints import load_checkpoint, load_config
from tests.agents.small import (
    ROOM_ARCHITECTURES,
    ROOM_CONFIG,
    ROOM_KWARGS,
    collected_rooms,
    every_room_kind,
    make_room_policy,
    played_rooms,
)

SPLITS = ("train", "eval")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(demonstrations, "CHUNK", 64)


def slowly(policy, observations, targets, smoothing, weight):
    """The loss, one step after the other; and the mean of what explanations cost."""
    hidden_states = policy.network.encode(observations)
    actions, explanations = [], []
    for row, step in np.ndindex(*targets.shape[:2]):
        target = targets[row, step].reshape(-1).tolist()
        log_probabilities = torch.log_softmax(policy.network.act(hidden_states)[row, step], 0)
        if target[0] != IGNORE_INDEX:
            actions.append(-(1 - smoothing) * log_probabilities[target[0]] - smoothing * log_probabilities.mean())
        if len(target) > 1 and target[1] != IGNORE_INDEX:
            said = torch.tensor([target[1:]])
            each = policy.explainer(hidden_states[row, step][None], said)[0]
            explanations.append(-(each.sum() if target[1] else each[0]))
    explained = torch.stack(explanations).mean() if explanations else torch.zeros(())
    return torch.stack(actions).mean() + weight * explained, explained


def gradients(policy, loss):
    policy.zero_grad()
    loss.backward(retain_graph=True)
    return {name: p.grad.clone() for name, p in policy.named_parameters() if p.grad is not None}


def alike(mine, others, atol=1e-5):
    assert mine.keys() == others.keys()
    return all(torch.allclose(mine[name], others[name], atol=atol) for name in mine)


@pytest.mark.parametrize(("smoothing", "weight"), [(0.0, 0.0), (0.1, 0.5), (0.0, 2.0)])
@every_room_kind
def test_the_loss_is_that_of_actions_and_explanations(kind, smoothing, weight):
    policy = make_room_policy(kind, settled=True, explains=True)
    observations, targets, _ = played_rooms(num_episodes=4, explain="full")
    assert (targets[..., 0] == IGNORE_INDEX).sum() > (targets[..., 1] == IGNORE_INDEX).sum() > 3 and (targets[..., 1] == 0).sum() > 3
    metrics = EpisodeLoss(0.0, 0.0, smoothing, weight)(policy, observations, targets)
    expected, _ = slowly(policy, observations, targets, smoothing, weight)
    assert torch.allclose(metrics.loss, expected, rtol=1e-4)
    mine, others = gradients(policy, metrics.loss), gradients(policy, expected)
    if not weight:
        mine, others = ({name: grad for name, grad in each.items() if grad.any()} for each in (mine, others))
    assert alike(mine, others, atol=1e-4)
    plain, _ = slowly(policy, observations, targets[..., 0], 0.0, 0.0)
    assert torch.allclose(metrics.neglogp, plain, rtol=1e-4)


@every_room_kind
def test_what_pads_a_batch_has_no_part_in_the_loss(kind):
    """What is seen after the end makes no difference, nor does it that episodes are in one batch."""
    policy = make_room_policy(kind, settled=True, explains=True)
    calculate = EpisodeLoss(0.0, 0.0, 0.1, 0.5)
    observations, targets, lengths = played_rooms(num_episodes=5, explain="full")
    over = torch.arange(targets.shape[1]) >= torch.as_tensor(lengths)[:, None]
    forged = {key: value.clone() for key, value in observations.items()}
    for value in forged.values():
        value[over] = 1
    losses = [calculate(policy, seen, targets).loss for seen in (observations, forged)]
    assert torch.allclose(*losses, rtol=1e-5) and alike(*(gradients(policy, loss) for loss in losses))
    total = actions = explanations = 0
    plain = EpisodeLoss(0.0, 0.0, 0.1, 0.0)
    for row, length in enumerate(lengths):
        seen, target = {key: value[row : row + 1, :length] for key, value in observations.items()}, targets[row : row + 1, :length]
        without = plain(policy, seen, target).loss
        count = (target[..., 0] != IGNORE_INDEX).sum()
        total, actions = total + without * count, actions + count
        explanations = explanations + (calculate(policy, seen, target).loss - without) * length
    assert torch.allclose(total / actions + explanations / lengths.sum(), losses[0], rtol=1e-4)


@every_room_kind
def test_explanations_of_no_weight_teach_nothing(kind):
    """To predict them is then no part of the training; but what they would teach is something else than actions do."""
    silent, explaining = (make_room_policy(kind, settled=False, explains=explains) for explains in (False, True))
    explaining.network.load_state_dict(silent.network.state_dict())
    observations, targets, _ = played_rooms(explain="full")
    plain = gradients(silent, EpisodeLoss(0.0, 0.0)(silent, observations, targets[..., 0]).loss)

    def of_network(weight):
        found = gradients(explaining, EpisodeLoss(0.0, 0.0, 0.0, weight)(explaining, observations, targets).loss)
        return {name: grad for name, grad in found.items() if name.startswith("network.")}

    assert alike(of_network(0.0), plain, atol=0)
    learned = of_network(1.0)
    assert sum((learned[name] - plain[name]).abs().max() > 1e-4 for name in plain) > len(plain) / 2
    assert alike(gradients(silent, EpisodeLoss(0.0, 0.0, 0.0, 1.0)(silent, observations, targets).loss), plain, atol=0)


def test_bc_s_own_loss_agrees_in_rooms():
    policy = make_room_policy("object", settled=True)
    observations, actions, _ = played_rooms()
    arrays = DictObs({key: value.numpy() for key, value in observations.items()})
    ours, theirs = EpisodeLoss(0.0, 0.0), bc.BehaviorCloningLossCalculator(0.0, 0.0)
    assert torch.allclose(ours(policy, observations, actions).loss, theirs(policy, arrays, actions).loss)


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
    # The last row is what the agent's losses are on those demonstrations, all at once.
    agent = load(tmp_path)
    assert load_config(tmp_path) == config
    seed = int(rows["validation_loss"]["seed"].iloc[0])
    (batch,) = iterate_batches(collected_rooms(16, seed, observation=observation, explain="full"), 16)
    observations = {key: torch.as_tensor(value) for key, value in batch["obs"].unwrap().items()}
    with torch.no_grad():
        loss, explained = slowly(agent.policy, observations, torch.as_tensor(batch["acts"]), 0.0, 0.0)
    assert rows["validation_loss"]["mean"].iloc[-1] == pytest.approx(loss.item(), rel=1e-4)
    assert rows["validation_explanation_loss"]["mean"].iloc[-1] == pytest.approx(explained.item(), rel=1e-4)


def test_a_training_without_explanations_predicts_none(tmp_path):
    config = replace(ROOM_CONFIG, training=replace(ROOM_CONFIG.training, explanations="none", num_batches=4))
    agent = train(config, tmp_path, splits=("train",), progress=False)
    rows = curve(tmp_path)
    assert agent.policy.explainer is None and len(rows["validation_loss"]) == 1 and rows["validation_explanation_loss"].empty


def same_weights(first, second):
    mine, others = (load_checkpoint(folder).weights for folder in (first, second))
    return all(torch.equal(mine[name], others[name]) for name in mine | others)


def test_what_shuffled_explanations_change(tmp_path, monkeypatch):
    """What is learned; the held-out ones are those of their states, so that agents can be compared by them."""
    collected = []

    def spy(policy, env_id, num_episodes, *args, shuffled=False):
        collected.append((num_episodes, shuffled))
        return collect(policy, env_id, num_episodes, *args, shuffled=shuffled)

    monkeypatch.setattr(behavioral_cloning, "collect", spy)
    training = replace(ROOM_CONFIG.training, num_batches=4, num_demonstrations=32)
    for shuffled in (False, True):
        config = replace(ROOM_CONFIG, training=replace(training, shuffled_explanations=shuffled))
        train(config, tmp_path / str(shuffled), splits=(), progress=False)
    assert not same_weights(tmp_path / "False", tmp_path / "True")
    assert collected == [(32, False), (16, False), (32, True), (16, False)]


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
        ({"env_id": "CausalDAG-v0", "env_kwargs": {}}, "env_id must be that of an odd-one-out environment for an agent of kind 'object'"),
        ({"architecture": replace(ROOM_CONFIG.architecture, kind="variable")}, "env_id must be that of a causal DAG environment"),
        ({"demonstration_kwargs": {"observation": "pixels"}}, "demonstration_kwargs must leave observations and actions"),
    ],
)
def test_mistakes_are_found_before_anything_is_written_of_rooms(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(replace(ROOM_CONFIG, **changes), tmp_path / "agent", splits=(), progress=False)
    assert not (tmp_path / "agent").exists()


def test_what_can_be_asked_for_in_explanations():
    with pytest.raises(ValueError, match="explanations must be one of none, properties, reward, outcome, full, got 'all'"):
        TrainingConfig(explanations="all")
    with pytest.raises(ValueError, match="explanation_weight must be"):
        TrainingConfig(explanation_weight=-1.0)
    with pytest.raises(ValueError, match="shuffled_explanations must be False where explanations are none"):
        TrainingConfig(shuffled_explanations=True)
