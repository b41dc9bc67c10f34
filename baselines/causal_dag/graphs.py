"""All acyclic graphs with at most two parents a variable, and how likely the generator is to draw each."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations, permutations, product

import numpy as np

MAX_PARENTS = 2
MAX_ENUMERATED = 5
"""Variables up to which all graphs are listed: there are 13,955 with 5, and 695,901 with 6."""
MAX_VARIABLES = 10
"""Variables up to which graphs are sampled (:mod:`baselines.causal_dag.orders`); time and memory grow as n * 2^n."""


@dataclass(frozen=True)
class Graphs:
    """G graphs over n variables; every variable's parents are one of S parent sets."""

    parent_sets: np.ndarray  # (S, 2) int, -1 = none; the first is the empty set, then singles, then pairs
    choice: np.ndarray  # (G, n) int; which of the parent sets each variable has
    log_prior: np.ndarray  # (G,) float

    def __len__(self) -> int:
        return len(self.choice)

    @property
    def parents(self) -> np.ndarray:
        """(G, n, 2) int, -1 = none."""
        return self.parent_sets[self.choice]

    @cached_property
    def uses(self) -> np.ndarray:
        """(n * S, G) float32; 1 where a graph gives a variable a parent set: scores @ uses adds up every graph's local scores."""
        num_graphs, num_variables = self.choice.shape
        uses = np.zeros((num_graphs, num_variables, len(self.parent_sets)), np.float32)
        np.put_along_axis(uses, self.choice[:, :, None], 1.0, 2)
        return np.ascontiguousarray(uses.reshape(num_graphs, -1).T)


def check_size(num_variables: int, num_parents: tuple[int, int]) -> None:
    """ValueError for more variables or parents than can be handled."""
    if num_variables > MAX_VARIABLES:
        raise ValueError(
            f"num_variables (in the cued env num_relevant) must be at most {MAX_VARIABLES} for the structure strategy, got {num_variables}"
        )
    if min(num_parents[1], num_variables - 1) > MAX_PARENTS:
        raise ValueError(f"num_parents must be at most {MAX_PARENTS} for the structure strategy, got {num_parents}")


def parent_shares(num_variables: int, num_parents: tuple[int, int]) -> np.ndarray:
    """(n, 3) float; [k, m] is the chance that the variable at position k, if no root, has one particular set of m parents."""
    counts = np.arange(num_parents[0], num_parents[1] + 1)
    shares = np.zeros((num_variables, MAX_PARENTS + 1))
    for position in range(1, num_variables):
        for members in range(1, min(position, MAX_PARENTS) + 1):
            shares[position, members] = (np.minimum(counts, position) == members).mean() / math.comb(position, members)
    return shares


@cache
def parent_sets(num_variables: int) -> np.ndarray:
    """(S, 2) int; the empty set, all single variables and all pairs, padded with -1."""
    variables = range(num_variables)
    sets = [(-1, -1), *((i, -1) for i in variables), *combinations(variables, 2)]
    return np.array(sets)


@cache
def all_graphs(num_variables: int, num_roots: tuple[int, int], num_parents: tuple[int, int], shuffle_names: bool) -> Graphs:
    """Every graph that the generator can draw, with its exact prior probability.

    The generator orders the variables (uniformly, or alphabetically without ``shuffle_names``), makes the first R of them roots (R
    uniform on ``num_roots``) and gives the variable at position k its parents uniformly among the k before it, their number uniform
    on ``num_parents`` but at most k. The prior of a graph is therefore a sum over the orders that it agrees with.

    Args:
        num_variables: n; up to ``MAX_ENUMERATED`` is quick.
        num_roots: (low, high), both included.
        num_parents: (low, high), both included; high at most 2.
        shuffle_names: whether the order is random.
    """
    sets = parent_sets(num_variables)
    index = {tuple(members): i for i, members in enumerate(sets.tolist())}
    orders = list(permutations(range(num_variables))) if shuffle_names else [tuple(range(num_variables))]
    share = parent_shares(num_variables, num_parents)
    roots = range(num_roots[0], num_roots[1] + 1)
    prior: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for order in orders:
        options = [
            [
                (index[(*earlier, -1)[:MAX_PARENTS]], share[position, members])
                for members in range(1, min(position, MAX_PARENTS) + 1)
                if share[position, members] > 0
                for earlier in combinations(sorted(order[:position]), members)
            ]
            for position in range(num_variables)
        ]
        position_of = np.argsort(order).tolist()
        for num in roots:
            for picks in product(*options[num:]):
                by_position = [0] * num + [pick[0] for pick in picks]
                key = tuple(by_position[position] for position in position_of)
                prior[key] += math.prod(pick[1] for pick in picks)
    choice = np.array(list(prior))
    probability = np.array(list(prior.values()))
    return Graphs(sets, choice, np.log(probability / probability.sum()))
