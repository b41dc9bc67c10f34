"""The head that predicts explanations token by token: greedy decoding, and its loss."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents.data.collate import IGNORE_INDEX
from agents.networks.explanation_head import ExplanationHead
from gym_causal.registry import make_task
from tests.agents.small import (
    ENV_IDS,
    ROOM_ID,
    collected_rooms,
    every_kind,
    every_room_kind,
    make_policy,
    make_room_policy,
    played,
    played_rooms,
)

SIZE, HIDDEN, COUNT = 8, 16, 12
"""Features of a step, hidden units, and explanations."""
SPEC = make_task(ROOM_ID, observation="symbolic").explanations
NUM_TOKENS, VOCABULARY = SPEC.num_tokens, SPEC.vocabulary


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = ExplanationHead(SIZE, HIDDEN, len(VOCABULARY), NUM_TOKENS)
    with torch.no_grad():
        head.token_embedding.weight *= 10  # so that earlier tokens matter
    return head


@pytest.fixture
def features():
    return torch.randn(COUNT, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def explanations():
    """(12, L) different explanations of a task, three of them empty."""
    tokens = collected_rooms(30, explain="full").explanations["tokens"]
    different = np.unique(tokens[tokens[:, 0] > 0], axis=0)
    some = different[np.random.default_rng(0).permutation(len(different))[:COUNT]]
    some[[2, 5, 11]] = 0
    return torch.as_tensor(some).long()


def likelihoods(head, features, before):
    """(n, V) log-probabilities of the token after those before, (n, k)."""
    padded = torch.cat([before, torch.zeros(len(before), 1, dtype=torch.long)], dim=1)
    return torch.log_softmax(head(features, padded)[:, -1], dim=-1)


@torch.no_grad()
def test_decoding_takes_the_likeliest_token_at_each_position(head, features):
    decoded = head.decode_greedy(features)
    assert decoded.shape == (COUNT, NUM_TOKENS) and len(decoded.unique(dim=0)) > 3
    for place in range(NUM_TOKENS):
        each = likelihoods(head, features, decoded[:, :place])
        assert torch.allclose(each.exp().sum(1), torch.ones(COUNT))
        assert (each.argmax(1) == decoded[:, place]).all()


@torch.no_grad()
def test_a_token_depends_on_the_features_on_the_tokens_before_and_on_no_others(head, features, explanations):
    expected = head(features, explanations)
    for place in range(NUM_TOKENS):
        others = explanations.clone()
        others[:, place] = (others[:, place] + 1) % len(VOCABULARY)
        changed = ((head(features, others) - expected).abs() > 1e-5).any(-1)
        assert not changed[:, : place + 1].any() and changed[:, place + 1 :].all()
    assert ((head(features.flip(0), explanations) - expected).abs() > 1e-5).float().mean() > 0.9
    for count in range(1, NUM_TOKENS):
        assert torch.allclose(head(features, explanations[:, :count]), expected[:, :count])


def slowly(head, features, tokens):
    """The loss, one explanation and one token after the other."""
    total = torch.zeros(())
    for step, explanation in zip(features, tokens, strict=True):
        before = torch.zeros(HIDDEN)
        for position, token in enumerate(explanation.tolist()):
            hidden = torch.relu(head.feature_projection(step) + before + head.position_embedding[position])
            total = total - torch.log_softmax(head.token_head(hidden), 0)[token]
            if explanation[0] == 0:
                break
            before = before + head.token_embedding.weight[token]
    return total / len(tokens)


def test_the_loss_sums_over_tokens_and_averages_over_steps(head, features, explanations):
    empty = explanations[:, 0] == 0
    assert 0 < empty.sum() < COUNT
    for rows in (slice(None), empty, ~empty, slice(0, 1)):
        loss, expected = head.loss(features[rows], explanations[rows]), slowly(head, features[rows], explanations[rows])
        assert torch.allclose(loss, expected, rtol=1e-5)
        found, slow = (torch.autograd.grad(x, list(head.parameters()), materialize_grads=True) for x in (loss, expected))
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, slow, strict=True))


def test_an_empty_explanation_contributes_its_first_token_only(head, features, explanations):
    empty = explanations[:, 0] == 0
    forged = torch.where(empty[:, None] & (torch.arange(NUM_TOKENS) > 0), 3, explanations)
    assert (forged != explanations).any() and head.loss(features, forged) == head.loss(features, explanations)
    first = likelihoods(head, features[empty], explanations[empty, :0])[:, 0]
    assert torch.allclose(head.loss(features[empty], explanations[empty]), -first.mean())


def test_a_handful_of_explanations_is_memorised(head, features, explanations):
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        loss = head.loss(features, explanations)
        loss.backward()
        optimizer.step()
    decoded, empty = head.decode_greedy(features), explanations[:, 0] == 0
    assert loss < 0.05 and (decoded[~empty] == explanations[~empty]).all() and (decoded[empty, 0] == 0).all()


def test_padding_does_not_count(head, features, explanations):
    """Steps after an episode's end, of which all tokens are IGNORE_INDEX."""
    rows = torch.arange(COUNT).reshape(3, 4)
    tokens = explanations[rows].clone()
    tokens[0, 3] = tokens[2] = IGNORE_INDEX
    kept = [0, 1, 2, 4, 5, 6, 7]
    assert torch.allclose(head.loss(features[rows], tokens), head.loss(features[kept], explanations[kept]))


@pytest.mark.parametrize("env_id", ENV_IDS)
@every_kind
def test_every_network_for_causal_dags_can_explain(kind, env_id):
    policy, spec = make_policy(kind, env_id, explains=True), make_task(env_id).explanations
    observations, _ = played(env_id)
    check_explains(policy, observations, spec)


@every_room_kind
def test_every_network_for_rooms_can_explain(kind):
    policy = make_room_policy(kind, explains=True)
    check_explains(policy, played_rooms()[0], SPEC)


def check_explains(policy, observations, spec):
    """Its features have a gradient, and differ from step to step."""
    features = policy.network.explanation_features(policy.network.encode(observations))
    tokens = policy.explanation_head.decode_greedy(features.flatten(0, 1))
    assert features.shape[2] == policy.network.explanation_width
    assert tokens.shape[1] == spec.num_tokens and tokens.max() < len(spec.vocabulary)
    assert features.std(dim=1).min() >= 0 and features.std(dim=1).max() > 0.1
    policy.explanation_head.loss(features, tokens.unflatten(0, features.shape[:2])).backward()
    assert all(p.grad is not None for name, p in policy.named_parameters() if "action_head" not in name and name != "network.logits")
