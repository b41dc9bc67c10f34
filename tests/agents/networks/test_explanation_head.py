"""The head that predicts explanations, token by token: what it says is what it finds likeliest, and its loss is what it says it is."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

from agents.networks.explanation_head import ExplanationHead
from gym_causal.odd_one_out.explanations import NUM_TOKENS, VOCABULARY
from tests.agents.small import collected_rooms

WIDTH, COUNT = 8, 12


@pytest.fixture
def explainer():
    torch.manual_seed(0)
    head = ExplanationHead(WIDTH)
    with torch.no_grad():
        head.said.weight *= 10  # so that it matters what was said
    return head


@pytest.fixture
def hidden_states():
    return torch.randn(COUNT, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def spoken():
    """(12, L) different explanations of an env, and three times nothing."""
    tokens = collected_rooms(30, explain="full").explanations["tokens"]
    different = np.unique(tokens[tokens[:, 0] > 0], axis=0)
    some = different[np.random.default_rng(0).permutation(len(different))[:COUNT]]
    some[[2, 5, 11]] = 0
    return torch.as_tensor(some).long()


def likelihoods(explainer, hidden_states, before):
    """(n, V) log-probabilities of every word after those that were said before, (n, k)."""
    words = torch.arange(len(VOCABULARY))
    tokens = torch.cat([before.repeat_interleave(len(words), 0), words.repeat(len(before))[:, None]], dim=1)
    return explainer(hidden_states.repeat_interleave(len(words), 0), tokens)[:, -1].unflatten(0, (len(before), len(words)))


@torch.no_grad()
def test_it_says_what_it_finds_likeliest(explainer, hidden_states):
    said = explainer.say(hidden_states)
    assert said.shape == (COUNT, NUM_TOKENS) and len(said.unique(dim=0)) > 3
    for place in range(NUM_TOKENS):
        each = likelihoods(explainer, hidden_states, said[:, :place])
        assert torch.allclose(each.exp().sum(1), torch.ones(COUNT))
        assert (each.argmax(1) == said[:, place]).all()


@torch.no_grad()
def test_a_word_depends_on_the_summary_on_the_words_before_and_on_no_others(explainer, hidden_states, spoken):
    expected = explainer(hidden_states, spoken)
    for place in range(NUM_TOKENS):
        others = spoken.clone()
        others[:, place] = (others[:, place] + 1) % len(VOCABULARY)
        changed = (explainer(hidden_states, others) - expected).abs() > 1e-5
        assert not changed[:, :place].any() and changed[:, place:].all(0).all()
    assert ((explainer(hidden_states.flip(0), spoken) - expected).abs() > 1e-5).float().mean() > 0.9
    for count in range(1, NUM_TOKENS):
        assert torch.allclose(explainer(hidden_states, spoken[:, :count]), expected[:, :count])


def slowly(explainer, hidden_states, tokens):
    """The loss, one explanation and one word after the other."""
    total = torch.zeros(())
    for summary, words in zip(hidden_states, tokens, strict=True):
        before = torch.zeros(2 * WIDTH)
        for place, word in enumerate(words.tolist()):
            hidden = torch.relu(explainer.hidden.weight @ summary + explainer.hidden.bias + before + explainer.places[place])
            total = total - torch.log_softmax(explainer.logits.weight @ hidden + explainer.logits.bias, 0)[word]
            if words[0] == 0:
                break
            before = before + explainer.said.weight[word]
    return total / len(tokens)


def test_the_loss_is_that_of_all_words_or_of_silence(explainer, hidden_states, spoken):
    silent = spoken[:, 0] == 0
    assert 0 < silent.sum() < COUNT
    for rows in (slice(None), silent, ~silent, slice(0, 1)):
        loss, expected = explainer.loss(hidden_states[rows], spoken[rows]), slowly(explainer, hidden_states[rows], spoken[rows])
        assert torch.allclose(loss, expected, rtol=1e-5)
        found, slow = (torch.autograd.grad(x, list(explainer.parameters()), materialize_grads=True) for x in (loss, expected))
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, slow, strict=True))


def test_where_nothing_is_said_only_that_counts(explainer, hidden_states, spoken):
    silent = spoken[:, 0] == 0
    forged = torch.where(silent[:, None] & (torch.arange(NUM_TOKENS) > 0), 3, spoken)
    assert (forged != spoken).any() and explainer.loss(hidden_states, forged) == explainer.loss(hidden_states, spoken)
    first = likelihoods(explainer, hidden_states[silent], spoken[silent, :0])[:, 0]
    assert torch.allclose(explainer.loss(hidden_states[silent], spoken[silent]), -first.mean())


def test_a_handful_of_explanations_is_memorised(explainer, hidden_states, spoken):
    optimizer = torch.optim.Adam(explainer.parameters(), lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        loss = explainer.loss(hidden_states, spoken)
        loss.backward()
        optimizer.step()
    said, silent = explainer.say(hidden_states), spoken[:, 0] == 0
    assert loss < 0.05 and (said[~silent] == spoken[~silent]).all() and (said[silent, 0] == 0).all()
