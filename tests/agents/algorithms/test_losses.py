"""The loss is the cross-entropy of actions and of explanations; padding has no part in it."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents.algorithms.losses import CloningLoss, validation_losses
from agents.data.collate import IGNORE_INDEX, iterate_batches
from gym_causal.registry import make_task
from tests.agents.small import ROOM_ID, ROOM_KWARGS, collected_rooms, every_room_kind, make_policy, make_room_policy, played, played_rooms


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_it_is_the_formula(smoothing):
    """(1 - s) times the mean negative log-likelihood, and s times that of uniformly drawn actions."""
    policy = make_policy("variable", settled=True)
    observations, actions = played()
    terms = CloningLoss(smoothing)(policy, observations, actions)
    log_probs = torch.log_softmax(policy.network(observations), -1)
    taken = log_probs.gather(-1, actions[..., None])
    expected = -(1 - smoothing) * taken.mean() - smoothing * log_probs.mean()
    assert torch.allclose(terms.total, expected, atol=1e-6) and terms.total.requires_grad
    assert torch.allclose(terms.negative_log_likelihood, -taken.mean(), atol=1e-6)
    assert torch.allclose(terms.likelihood, taken.exp().mean(), atol=1e-6)
    assert not terms.negative_log_likelihood.requires_grad and not terms.likelihood.requires_grad and terms.explanation is None


def step_by_step(policy, observations, targets, smoothing, weight):
    """The loss, one step after the other; and the mean of what explanations cost."""
    hidden_states = policy.network.encode(observations)
    logits, features = policy.network.action_logits(hidden_states), policy.network.explanation_features(hidden_states)
    actions, explanations = [], []
    for row, step in np.ndindex(*targets.shape[:2]):
        target = targets[row, step].reshape(-1).tolist()
        log_probs = torch.log_softmax(logits[row, step], 0)
        if target[0] != IGNORE_INDEX:
            actions.append(-(1 - smoothing) * log_probs[target[0]] - smoothing * log_probs.mean())
        if len(target) > 1 and target[1] != IGNORE_INDEX:
            tokens = torch.tensor([target[1:]])
            each = torch.log_softmax(policy.explanation_head(features[row, step][None], tokens), -1).gather(-1, tokens[..., None])[0, :, 0]
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
def test_it_is_that_of_actions_and_explanations(kind, smoothing, weight):
    policy = make_room_policy(kind, settled=True, explains=True)
    observations, targets, _ = played_rooms(num_episodes=4, explain="full")
    assert (targets[..., 0] == IGNORE_INDEX).sum() > (targets[..., 1] == IGNORE_INDEX).sum() > 3 and (targets[..., 1] == 0).sum() > 3
    terms = CloningLoss(smoothing, weight)(policy, observations, targets)
    expected, explained = step_by_step(policy, observations, targets, smoothing, weight)
    assert torch.allclose(terms.total, expected, rtol=1e-4) and torch.allclose(terms.explanation, explained, rtol=1e-4)
    mine, others = gradients(policy, terms.total), gradients(policy, expected)
    if not weight:
        mine, others = ({name: grad for name, grad in each.items() if grad.any()} for each in (mine, others))
    assert alike(mine, others, atol=1e-4)
    plain, _ = step_by_step(policy, observations, targets[..., 0], 0.0, 0.0)
    assert torch.allclose(terms.negative_log_likelihood, plain, rtol=1e-4)


@every_room_kind
def test_padding_has_no_part_in_it(kind):
    """What is observed after the end makes no difference, nor does it that episodes are in one batch."""
    policy = make_room_policy(kind, settled=True, explains=True)
    loss, plain = CloningLoss(0.1, 0.5), CloningLoss(0.1, 0.0)
    observations, targets, lengths = played_rooms(num_episodes=5, explain="full")
    is_padding = torch.arange(targets.shape[1]) >= torch.as_tensor(lengths)[:, None]
    forged = {key: value.clone() for key, value in observations.items()}
    for value in forged.values():
        value[is_padding] = 1
    losses = [loss(policy, seen, targets).total for seen in (observations, forged)]
    assert torch.allclose(*losses, rtol=1e-5) and alike(*(gradients(policy, each) for each in losses))
    total = actions = explanations = 0
    for row, length in enumerate(lengths):
        seen, target = {key: value[row : row + 1, :length] for key, value in observations.items()}, targets[row : row + 1, :length]
        terms, count = plain(policy, seen, target), (target[..., 0] != IGNORE_INDEX).sum()
        total, actions = total + terms.total * count, actions + count
        explanations = explanations + 0.5 * terms.explanation * length
    assert torch.allclose(total / actions + explanations / lengths.sum(), losses[0], rtol=1e-4)


@every_room_kind
def test_explanations_of_no_weight_teach_nothing(kind):
    """With a weight, the gradient of the network is another one than that of the actions alone."""
    silent, explaining = (make_room_policy(kind, explains=explains) for explains in (False, True))
    explaining.network.load_state_dict(silent.network.state_dict())
    observations, targets, _ = played_rooms(explain="full")
    plain = gradients(silent, CloningLoss()(silent, observations, targets[..., 0]).total)

    def of_network(weight):
        found = gradients(explaining, CloningLoss(0.0, weight)(explaining, observations, targets).total)
        return {name: grad for name, grad in found.items() if name.startswith("network.")}

    assert alike(of_network(0.0), plain, atol=0)
    learned = of_network(1.0)
    assert sum((learned[name] - plain[name]).abs().max() > 1e-4 for name in plain) > len(plain) / 2


def test_validation_losses_are_means_over_all_batches():
    policy, task = make_room_policy("object", settled=True, explains=True), make_task(ROOM_ID, **ROOM_KWARGS)
    episodes = collected_rooms(7, explain="full")
    whole, parts = (validation_losses(policy, iterate_batches(episodes, size, task)) for size in (7, 3))
    assert whole.keys() == {"validation_loss", "validation_explanation_loss"}
    assert all(whole[name] == pytest.approx(parts[name], rel=1e-4) for name in whole)
