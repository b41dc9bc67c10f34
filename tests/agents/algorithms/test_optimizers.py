"""Muon and AdamW as one optimiser."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents.algorithms.losses import CloningLoss
from agents.algorithms.optimizers import Muon, make_optimizer, muon_parameters, orthogonalize
from agents.algorithms.schedules import WarmupCosine
from tests.agents.small import TRAINING, every_kind, make_policy, make_room_policy, played, played_rooms


@pytest.mark.parametrize("shape", [(8, 8), (4, 16), (16, 4)])
def test_it_agrees_with_torch(shape):
    """Whose Muon computes in bfloat16, so two digits."""
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(shape)) for _ in range(2))
    mine = Muon([ours], lr=0.1, weight_decay=0.2, momentum=0.9)
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.2, momentum=0.9)
    for _ in range(5):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        before = ours.detach().clone()
        mine.step()
        reference.step()
        assert torch.allclose(ours, theirs, atol=0.02)
        assert (ours - before).norm() > 0.1


def test_orthogonalized_matrices_have_singular_values_of_about_one():
    torch.manual_seed(0)
    for shape in ((6, 6), (3, 12), (12, 3)):
        values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
        assert values.min() > 0.6 and values.max() < 1.3


@every_kind
@pytest.mark.parametrize("muon", ["blocks", "all"])
def test_every_parameter_is_trained_by_one_of_them(kind, muon):
    policy = make_policy(kind)
    optimizer = make_optimizer(policy, replace(TRAINING, muon=muon))
    grouped = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in policy.parameters())
    by_muon = {id(p) for p in muon_parameters(policy, muon)}
    names = {name for name, p in policy.named_parameters() if id(p) in by_muon}
    assert names and all(p.ndim == 2 for name, p in policy.named_parameters() if name in names)
    assert "network.action_head.weight" not in names
    assert ({name for name, p in policy.named_parameters() if "temporal_transformer" in name and p.ndim == 2}) <= names


def test_both_halves_learn():
    policy = make_room_policy("object", explains=True)
    observations, targets, _ = played_rooms(explain="full")
    optimizer, loss = make_optimizer(policy, replace(TRAINING, learning_rate=3e-3)), CloningLoss(0.0, 1.0)
    first = {name: p.detach().clone() for name, p in policy.named_parameters()}
    totals = []
    for _ in range(25):
        terms = loss(policy, observations, targets)
        totals.append(terms.total.item())
        optimizer.zero_grad()
        terms.total.backward()
        optimizer.step()
    assert totals[-1] < 0.7 * totals[0]
    unchanged = [name for name, p in policy.named_parameters() if torch.equal(p, first[name]) and p.grad.any()]
    assert unchanged == []


def test_what_the_config_says_reaches_both():
    training = replace(
        TRAINING, learning_rate=0.01, weight_decay=0.3, muon_learning_rate_ratio=2.0, muon_momentum=0.5, adamw_betas=(0.8, 0.9)
    )
    optimizer = make_optimizer(make_policy("variable"), training)
    muon, adamw = optimizer.param_groups
    assert (muon["lr"], muon["weight_decay"], muon["momentum"]) == (0.02, 0.3, 0.5)
    assert (adamw["lr"], adamw["weight_decay"], adamw["betas"]) == (0.01, 0.3, (0.8, 0.9))
    optimizer.set_learning_rate(0.5)
    assert (muon["lr"], adamw["lr"]) == (1.0, 0.5)


def step(policy, optimizer):
    observations, actions = played()
    optimizer.zero_grad()
    CloningLoss()(policy, observations, actions).total.backward()
    optimizer.step()


def test_a_restored_state_goes_on_as_before():
    policy, other = make_policy("variable"), make_policy("variable", seed=1)
    optimizer = make_optimizer(policy, TRAINING)
    for _ in range(3):
        step(policy, optimizer)
    other.load_state_dict(policy.state_dict())
    restored = make_optimizer(other, TRAINING)
    restored.load_named_state(other, {name: value.clone() for name, value in optimizer.named_state(policy).items()})
    for each, its_optimizer in ((policy, optimizer), (other, restored)):
        step(each, its_optimizer)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in policy.state_dict().items())
    with pytest.raises(ValueError, match="no state of the optimizer for network"):
        restored.load_named_state(other, {})


def test_the_learning_rate_rises_and_falls():
    schedule = WarmupCosine(peak=1.0, warmup=10, num_updates=100)
    rates = [schedule(update) for update in range(101)]
    assert rates[0] == pytest.approx(1 / 11) and max(range(101), key=rates.__getitem__) == 10 and rates[100] == 0
    assert (np.diff(rates[:11]) > 0).all() and (np.diff(rates[10:]) < 0).all()
