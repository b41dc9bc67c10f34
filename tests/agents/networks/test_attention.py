"""Attention over the steps of episodes: masks, the learned bias, and a cache of limited size."""

import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

from agents.networks.attention import Attention, Transformer
from agents.networks.kv_cache import KVCache

WIDTH, HEADS, TOKENS, SIZE = 8, 2, 3, 4
"""W, H, K, and D of a bias query or bias key."""

with_and_without_bias = pytest.mark.parametrize("biased", [False, True])


def make(*, context=99, biased=False, seed=0, **options):
    """With random weights everywhere, those that are initialised to zero included."""
    torch.manual_seed(seed)
    vectors = {"num_bias_queries": 2, "num_bias_keys": 2, "num_recent": 2} if biased else {}
    transformer = Transformer(WIDTH, 2, HEADS, context=context, **vectors, **options)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return transformer.eval()


def drawn(batch, steps, seed=1):
    """Tokens, bias queries and bias keys."""
    rng = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(batch, steps, TOKENS, *shape, generator=rng) for shape in ((WIDTH,), (2, SIZE), (2, SIZE)))


def given(inputs, biased):
    return inputs if biased else inputs[:1]


def token_by_token(transformer, x, bias_queries, bias_keys, key_padding_mask):
    """The whole computation, written for one token of one episode at a time."""
    x = x.clone()
    places = [(step, token) for step in range(x.shape[1]) for token in range(x.shape[2])]
    for block in transformer.blocks:
        attention, after = block.attention, x.clone()
        for row in range(len(x)):
            three = {at: attention.qkv_projection(block.attention_norm(x[row][at])).chunk(3) for at in places}
            for now, token in places:
                seen = [at for at in places if now - transformer.context < at[0] <= now and not key_padding_mask[row][at]]
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
                after[row, now, token] = x[row, now, token] + attention.output_projection(torch.cat(mixed))
        x = after + block.mlp(block.mlp_norm(after))
    return transformer.norm(x)


@pytest.mark.parametrize("context", [99, 2])
@with_and_without_bias
@torch.no_grad()
def test_it_is_what_a_token_by_token_reference_computes(biased, context):
    transformer, inputs = make(biased=biased, context=context), drawn(2, 4)
    padding = torch.rand(2, 4, TOKENS, generator=torch.Generator().manual_seed(2)) < 0.3
    padding[..., 0] = False
    expected = token_by_token(transformer, *inputs, padding)
    assert torch.allclose(transformer(*given(inputs, biased), key_padding_mask=padding), expected, atol=1e-5)
    assert not torch.allclose(transformer(*given(inputs, biased)), expected, atol=1e-2)  # the padded keys would change it
    unrestricted = make(biased=biased, context=99)(*given(inputs, biased), key_padding_mask=padding)
    assert torch.allclose(unrestricted, expected, atol=1e-2) == (context == 99)


@pytest.mark.parametrize("capacity", [1, 3, 5, 8, 50])
@with_and_without_bias
@torch.no_grad()
def test_a_rolling_cache_is_a_window_over_whole_episodes(biased, capacity):
    """Row r abandons its first episode after 2 r + 1 steps and begins another, so that the rows' positions differ."""
    transformer, first, second = make(biased=biased, context=capacity), drawn(4, 20, seed=1), drawn(4, 20, seed=2)
    expected = [transformer(*given(inputs, biased)) for inputs in (first, second)]
    cache, rows = KVCache(capacity), torch.arange(4)
    begins = 2 * rows + 1
    for now in range(20):
        later = now >= begins
        step = torch.where(later, now - begins, now)
        mask = [later.reshape(-1, *[1] * (x.ndim - 2)) for x in first]
        seen = [torch.where(m, b[rows, step], a[rows, step]) for m, a, b in zip(mask, first, second, strict=True)]
        cache.reset((now == begins) | torch.tensor(now == 0))
        found = transformer(*given([x[:, None] for x in seen], biased), cache=cache)[:, 0]
        for row in rows.tolist():
            assert torch.allclose(found[row], expected[int(later[row])][row, step[row]], atol=1e-5), (row, now)
    assert cache.positions.tolist() == [19, 17, 15, 13]


@torch.no_grad()
def test_steps_outside_the_context_have_no_influence():
    """With one layer; each further layer reaches back as far again."""
    torch.manual_seed(0)
    transformer = Transformer(WIDTH, 1, HEADS, context=3)
    (mine, *_), (others, *_) = drawn(1, 6, seed=1), drawn(1, 6, seed=2)
    forged = torch.cat([others[:, :3], mine[:, 3:]], dim=1)
    changed = (transformer(forged) - transformer(mine)).abs().amax(dim=(0, 2, 3)) > 1e-4
    assert changed.tolist() == [True] * 5 + [False]


@pytest.mark.parametrize("num_outputs", [1, 2, TOKENS])
@with_and_without_bias
@torch.no_grad()
def test_fewer_outputs_are_the_first_ones_of_all(biased, num_outputs):
    everything, some = make(biased=biased), make(biased=biased, num_outputs=num_outputs)
    inputs = given(drawn(2, 4), biased)
    padding = torch.rand(2, 4, TOKENS, generator=torch.Generator().manual_seed(2)) < 0.3
    padding[..., 0] = False
    expected = everything(*inputs)[:, :, :num_outputs]
    assert torch.allclose(some(*inputs), expected, atol=1e-6) and expected.shape[2] == num_outputs
    assert torch.allclose(
        some(*inputs, key_padding_mask=padding), everything(*inputs, key_padding_mask=padding)[:, :, :num_outputs], atol=1e-6
    )
    cache = KVCache(99)
    cache.reset(torch.ones(2, dtype=torch.bool))
    for step in range(4):
        found = some(*(x[:, step : step + 1] for x in inputs), cache=cache)
        assert torch.allclose(found[:, 0], expected[:, step], atol=1e-5)


@with_and_without_bias
def test_absent_tokens_are_as_if_they_were_not_there(biased):
    transformer, inputs, others = make(biased=biased), drawn(2, 4, seed=1), drawn(2, 4, seed=2)
    padding = torch.zeros(2, 4, TOKENS, dtype=torch.bool)
    padding[:, :, 1] = True
    expected = transformer(*given([x[:, :, ::2] for x in inputs], biased))
    forged = [torch.where(padding.reshape(*padding.shape, *[1] * (a.ndim - 3)), 100 * b, a) for a, b in zip(inputs, others, strict=True)]
    for some in (inputs, forged):
        some = [x.clone().requires_grad_() for x in given(some, biased)]
        found = transformer(*some, key_padding_mask=padding)[:, :, ::2]
        assert torch.allclose(found, expected, atol=1e-5)
        found.sum().backward()
        for x in some:
            assert (x.grad[padding] == 0).all() and x.grad.isfinite().all() and (x.grad[~padding] != 0).any()


@with_and_without_bias
@torch.no_grad()
def test_rows_of_a_cache_are_independent(biased):
    """Another episode in one row changes no other row."""
    transformer, (first, second) = make(biased=biased, context=3), (drawn(2, 7, seed=seed) for seed in (1, 2))
    forged = [torch.stack([b[0], a[1]]) for a, b in zip(first, second, strict=True)]
    last = []
    for inputs in (first, forged):
        cache = KVCache(3)
        cache.reset(torch.ones(2, dtype=torch.bool))
        for step in range(7):
            found = transformer(*given([x[:, step : step + 1] for x in inputs], biased), cache=cache)
        last.append(found)
    assert torch.equal(last[0][1], last[1][1]) and not torch.allclose(last[0][0], last[1][0], atol=1e-3)


@with_and_without_bias
def test_it_agrees_with_torch(biased):
    """Outputs and gradients of scaled_dot_product_attention with a float mask."""
    torch.manual_seed(0)
    attention = Attention(WIDTH, HEADS, 3 * biased)
    x, bias = torch.randn(2, 5, WIDTH), torch.randn(3, 2, 5, 5)
    mask = torch.full((5, 5), -torch.inf).triu(1)
    if biased:
        torch.nn.init.normal_(attention.bias_weight)
        mask = torch.einsum("hr,rbqs->bhqs", attention.bias_weight, bias) + mask
    query, key, value = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in attention.qkv_projection(x).chunk(3, dim=-1))
    expected = attention.output_projection(
        functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
    )
    found = attention(x, torch.arange(5), torch.full((1, 5, 5), -torch.inf).triu(1), bias if biased else None, None, 0)
    assert torch.allclose(found, expected, atol=1e-6)
    for ours, theirs in zip(
        *(torch.autograd.grad(out.square().sum(), list(attention.parameters())) for out in (found, expected)), strict=True
    ):
        assert torch.allclose(ours, theirs, atol=1e-5)


@torch.no_grad()
def test_recency_alone_tells_the_order_of_steps():
    """Without it, swapping two earlier steps would change nothing."""
    first, _, _ = drawn(1, 4)
    swapped = first[:, [1, 0, 2, 3]]
    for num_recent, told_apart in ((0, False), (4, True)):
        torch.manual_seed(0)
        transformer = Transformer(WIDTH, 1, HEADS, context=9, num_recent=num_recent).eval()
        for block in transformer.blocks:
            if num_recent:
                torch.nn.init.normal_(block.attention.bias_weight)
        assert torch.allclose(transformer(first)[:, 3], transformer(swapped)[:, 3], atol=1e-6) != told_apart
