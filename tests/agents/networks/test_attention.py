"""Attention over the steps of episodes: who may see whom, with what preference, and what a memory of limited size keeps."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

from agents.networks.attention import Transformer
from agents.networks.kv_cache import KVCache

WIDTH, HEADS, TOKENS, SIZE = 8, 2, 3, 4
"""Numbers a token, attention heads, tokens a step, and numbers of a vector that is bias_queries or bias_keys."""

with_and_without_relations = pytest.mark.parametrize("related", [False, True])


def make(*, context=99, related=False, seed=0, **options):
    """All weights are drawn, those that begin at zero included."""
    torch.manual_seed(seed)
    vectors = {"num_bias_queries": 2, "num_bias_keys": 2, "num_recent": 2} if related else {}
    transformer = Transformer(WIDTH, 2, HEADS, context=context, **vectors, **options)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return transformer.eval()


def drawn(batch, steps, seed=1):
    """Tokens, what they seek and what they offer."""
    rng = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(batch, steps, TOKENS, *shape, generator=rng) for shape in ((WIDTH,), (2, SIZE), (2, SIZE)))


def given(inputs, related):
    return inputs if related else inputs[:1]


def token_by_token(transformer, x, bias_queries, bias_keys, absent):
    """The whole computation, written for one token of one episode at a time."""
    x = x.clone()
    places = [(step, token) for step in range(x.shape[1]) for token in range(x.shape[2])]
    for block in transformer.blocks:
        attention, after = block.attention, x.clone()
        for row in range(len(x)):
            three = {at: attention.qkv_projection(block.attention_norm(x[row][at])).chunk(3) for at in places}
            for now, token in places:
                seen = [at for at in places if now - transformer.context < at[0] <= now and not absent[row][at]]
                mixed = []
                for head in range(HEADS):
                    part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
                    logits = []
                    for at in seen:
                        logit = three[now, token][0][part] @ three[at][1][part] / (WIDTH // HEADS) ** 0.5
                        if attention.bias_weight is not None:
                            products = [s @ o for s in bias_queries[row, now, token] for o in bias_keys[row][at]]
                            recent = [torch.tensor(float(now - at[0] == ago)) for ago in range(transformer.num_recent)]
                            logit = logit + attention.bias_weight[head] @ torch.stack(products + recent)
                        logits.append(logit)
                    weights = torch.softmax(torch.stack(logits), 0)
                    mixed.append(sum(weight * three[at][2][part] for weight, at in zip(weights, seen, strict=True)))
                after[row, now, token] = x[row, now, token] + attention.output(torch.cat(mixed))
        x = after + block.perceptron(block.perceptron_norm(after))
    return transformer.norm(x)


@pytest.mark.parametrize("context", [99, 2])
@with_and_without_relations
@torch.no_grad()
def test_it_is_what_its_description_says(related, context):
    transformer, inputs = make(related=related, context=context), drawn(2, 4)
    absent = torch.rand(2, 4, TOKENS, generator=torch.Generator().manual_seed(2)) < 0.3
    absent[..., 0] = False
    expected = token_by_token(transformer, *inputs, absent)
    assert torch.allclose(transformer(*given(inputs, related), absent=absent), expected, atol=1e-5)
    assert not torch.allclose(transformer(*given(inputs, related)), expected, atol=1e-2)  # which the absent ones would change
    unrestricted = make(related=related, context=99)(*given(inputs, related), absent=absent)
    assert torch.allclose(unrestricted, expected, atol=1e-2) == (context == 99)


@pytest.mark.parametrize("capacity", [1, 3, 5, 8, 50])
@with_and_without_relations
@torch.no_grad()
def test_a_memory_that_slides_is_a_window_over_whole_episodes(related, capacity):
    """Row r gives up its first episode after 2 r + 1 steps and begins another, so that rows' places in the memory differ."""
    transformer, first, second = make(related=related, context=capacity), drawn(4, 20, seed=1), drawn(4, 20, seed=2)
    expected = [transformer(*given(inputs, related)) for inputs in (first, second)]
    memory, rows = KVCache(capacity), torch.arange(4)
    begins = 2 * rows + 1
    for now in range(20):
        later = now >= begins
        step = torch.where(later, now - begins, now)
        mask = [later.reshape(-1, *[1] * (x.ndim - 2)) for x in first]
        seen = [torch.where(m, b[rows, step], a[rows, step]) for m, a, b in zip(mask, first, second, strict=True)]
        memory.begin((now == begins) | torch.tensor(now == 0))
        found = transformer(*given([x[:, None] for x in seen], related), memory=memory)[:, 0]
        for row in rows.tolist():
            assert torch.allclose(found[row], expected[int(later[row])][row, step[row]], atol=1e-5), (row, now)
    assert memory.lengths.tolist() == [19, 17, 15, 13]


@torch.no_grad()
def test_what_left_the_window_has_left_no_trace():
    """Of one layer; of two, what a step saw when it was seen itself reaches as far again."""
    torch.manual_seed(0)
    transformer = Transformer(WIDTH, 1, HEADS, context=3)
    (mine, *_), (others, *_) = drawn(1, 6, seed=1), drawn(1, 6, seed=2)
    forged = torch.cat([others[:, :3], mine[:, 3:]], dim=1)
    changed = (transformer(forged) - transformer(mine)).abs().amax(dim=(0, 2, 3)) > 1e-4
    assert changed.tolist() == [True] * 5 + [False]


@pytest.mark.parametrize("num_outputs", [1, 2, TOKENS])
@with_and_without_relations
@torch.no_grad()
def test_fewer_outputs_are_the_first_ones_of_all(related, num_outputs):
    everything, some = make(related=related), make(related=related, num_outputs=num_outputs)
    inputs = given(drawn(2, 4), related)
    absent = torch.rand(2, 4, TOKENS, generator=torch.Generator().manual_seed(2)) < 0.3
    absent[..., 0] = False
    expected = everything(*inputs)[:, :, :num_outputs]
    assert torch.allclose(some(*inputs), expected, atol=1e-6) and expected.shape[2] == num_outputs
    assert torch.allclose(some(*inputs, absent=absent), everything(*inputs, absent=absent)[:, :, :num_outputs], atol=1e-6)
    memory = KVCache(99)
    memory.begin(torch.ones(2, dtype=torch.bool))
    for step in range(4):
        found = some(*(x[:, step : step + 1] for x in inputs), memory=memory)
        assert torch.allclose(found[:, 0], expected[:, step], atol=1e-5)


@with_and_without_relations
def test_absent_tokens_are_as_if_they_were_not_there(related):
    transformer, inputs, others = make(related=related), drawn(2, 4, seed=1), drawn(2, 4, seed=2)
    absent = torch.zeros(2, 4, TOKENS, dtype=torch.bool)
    absent[:, :, 1] = True
    expected = transformer(*given([x[:, :, ::2] for x in inputs], related))
    forged = [torch.where(absent.reshape(*absent.shape, *[1] * (a.ndim - 3)), 100 * b, a) for a, b in zip(inputs, others, strict=True)]
    for some in (inputs, forged):
        some = [x.clone().requires_grad_() for x in given(some, related)]
        found = transformer(*some, absent=absent)[:, :, ::2]
        assert torch.allclose(found, expected, atol=1e-5)
        found.sum().backward()
        for x in some:
            assert (x.grad[absent] == 0).all() and x.grad.isfinite().all() and (x.grad[~absent] != 0).any()


@with_and_without_relations
@torch.no_grad()
def test_a_memory_is_of_its_rows_alone(related):
    """What one row has seen changes no other row, however full the memory is."""
    transformer, (first, second) = make(related=related, context=3), (drawn(2, 7, seed=seed) for seed in (1, 2))
    forged = [torch.stack([b[0], a[1]]) for a, b in zip(first, second, strict=True)]
    last = []
    for inputs in (first, forged):
        memory = KVCache(3)
        memory.begin(torch.ones(2, dtype=torch.bool))
        for step in range(7):
            found = transformer(*given([x[:, step : step + 1] for x in inputs], related), memory=memory)
        last.append(found)
    assert torch.equal(last[0][1], last[1][1]) and not torch.allclose(last[0][0], last[1][0], atol=1e-3)
