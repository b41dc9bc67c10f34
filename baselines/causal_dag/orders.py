"""Samples graphs from their exact posterior without listing them, by sums over the orders of the variables.

The generator's prior is a product over positions once the order is known, so sums over orders can be shared between all orders that
begin with the same set of variables (Koivisto and Sood 2004): 2^n sets instead of n! orders or far more graphs.
"""

from __future__ import annotations

import math

import numpy as np

from baselines.causal_dag.graphs import parent_shares

_LOWEST = -600.0  # relative log evidence below which exp() would vanish


def sample_graphs(
    evidence: np.ndarray,
    sets: np.ndarray,
    num_roots: tuple[int, int],
    num_parents: tuple[int, int],
    shuffle_names: bool,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw graphs in proportion to their prior (see :func:`baselines.causal_dag.graphs.all_graphs`) times their variables' evidence.

    Args:
        evidence: (B, n, S) float, log marginal likelihood of each parent set of each variable.
        sets: (S, 2) int, the parent sets, -1 = none; the first is empty.
        num_roots, num_parents, shuffle_names: the prior's.
        count: K, graphs to draw for each episode.
        rng: source of randomness.

    Returns:
        (B, K, n) int; which parent set each variable has.
    """
    batch, num_variables, _ = evidence.shape
    before = np.arange(2**num_variables)  # sets of variables as bits; "before" a variable in the order
    size = np.array([bin(members).count("1") for members in before])
    evidence = np.maximum(evidence - evidence.max(axis=2, keepdims=True), _LOWEST)

    chance = _parent_set_chances(sets, size, num_variables, num_parents)
    with np.errstate(divide="ignore"):
        log_chance = np.log(chance)
        placed = np.log(np.exp(evidence) @ chance)  # (B, n, 2^n) the evidence of a variable after these, summed over its parents

    # (B, 2^n) all roots, and nothing else, before: R uniform, in any of R! orders.
    is_member = (before[:, None] >> np.arange(num_variables)) & 1  # (2^n, n)
    allowed = (size >= num_roots[0]) & (size <= num_roots[1])
    if not shuffle_names:
        allowed &= before == 2**size - 1  # alphabetical: the first come first
    orders = np.array([math.lgamma(k + 1) if shuffle_names else 0.0 for k in size])
    roots_only = np.where(allowed, evidence[:, :, 0] @ is_member.T + orders, -np.inf)

    total = roots_only.copy()  # (B, 2^n) the sum over everything that can have happened up to this set
    for members in before:
        ends = np.nonzero(is_member[members] & (shuffle_names | (np.arange(num_variables) == size[members] - 1)))[0]
        earlier = members ^ (1 << ends)
        after = total[:, earlier] + placed[:, ends, earlier]  # (B, number of variables that can be last)
        total[:, members] = np.logaddexp.reduce(np.concatenate([after, roots_only[:, [members]]], axis=1), axis=1)

    # Backwards: which variable came last, or were these all roots? Once they were, nothing comes before.
    roots_only[:, 0] = 0.0
    choice, now = np.zeros((batch, count, num_variables), int), np.full((batch, count), before[-1])
    row, variables = np.arange(batch)[:, None], np.arange(num_variables)
    for _ in variables:
        earlier = now[:, :, None] & ~(1 << variables)  # (B, K, n)
        possible = is_member[now].astype(bool) & (shuffle_names | (variables == size[now][:, :, None] - 1))
        ways = np.where(possible, total[row[:, :, None], earlier] + placed[row[:, :, None], variables, earlier], -np.inf)
        last = _draw(np.concatenate([ways, roots_only[row, now][:, :, None]], axis=2), rng)
        b, k = np.nonzero(last < num_variables)  # the others are done: what is left are roots
        now[b, k] = earlier[b, k, last[b, k]]
        choice[b, k, last[b, k]] = _draw(evidence[b, last[b, k]] + log_chance[:, now[b, k]].T, rng)
        now[last == num_variables] = 0
    return choice


def _parent_set_chances(sets: np.ndarray, size: np.ndarray, num_variables: int, num_parents: tuple[int, int]) -> np.ndarray:
    """(S, 2^n) the chance that a variable with these before it is given exactly this parent set; ``size`` (2^n,) of each before it."""
    bits = np.where(sets >= 0, 1 << np.maximum(sets, 0), 0).sum(axis=1)
    shares = parent_shares(num_variables, num_parents)[np.minimum(size, num_variables - 1)]  # (2^n, 3)
    return np.where((bits[:, None] & np.arange(len(size))) == bits[:, None], shares[:, (sets >= 0).sum(axis=1)].T, 0.0)


def _draw(log_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An index on the last axis, with probability in proportion to its weight (the Gumbel-max trick)."""
    return (log_weights + rng.gumbel(size=log_weights.shape)).argmax(axis=-1)
