"""The prior over graphs against the generator itself."""

import math
from collections import Counter

import numpy as np
import pytest

from baselines.causal_dag.graphs import all_graphs, check_size
from gym_causal.causal_dag.config import CausalDAGConfig


@pytest.mark.parametrize(
    "arguments",
    [{}, {"num_roots": (2, 2)}, {"num_parents": (2, 2)}, {"num_parents": (1, 1)}, {"shuffle_names": False}],
    ids=str,
)
def test_prior_is_how_often_the_generator_draws_each_graph(arguments):
    distribution = CausalDAGConfig(num_variables=4, **arguments).distribution
    graphs = all_graphs(4, distribution.num_roots, distribution.num_parents, distribution.shuffle_names)
    count = 100_000
    models = distribution.draw(np.random.default_rng(0), np.tile(np.arange(4), (count, 1)))
    drawn = Counter(map(tuple, (models.weights != 0).reshape(count, -1).tolist()))
    expected = {}
    for parents, log_prior in zip(graphs.parents, graphs.log_prior, strict=True):
        adjacent = np.zeros((4, 4), bool)
        for variable, causes in enumerate(parents):
            adjacent[causes[causes >= 0], variable] = True
        expected[tuple(adjacent.ravel().tolist())] = np.exp(log_prior)
    assert set(drawn) <= set(expected)
    frequency = np.array([drawn[graph] / count for graph in expected])
    probability = np.array(list(expected.values()))
    assert probability.sum() == pytest.approx(1.0)
    z = (frequency - probability) / np.sqrt(probability / count)
    assert np.abs(z).max() < 5.0


def number_of_graphs(placed, last, left):
    """Acyclic graphs by layers: each new variable has one or two parents among those placed, at least one in the last layer."""
    if left == 0:
        return 1
    return sum(
        math.comb(left, new)
        * (last + math.comb(placed, 2) - math.comb(placed - last, 2)) ** new
        * number_of_graphs(placed + new, new, left - new)
        for new in range(1, left + 1)
    )


@pytest.mark.parametrize(("num_variables", "known"), [(2, 2), (3, 24), (4, 442), (5, 13_955)])
def test_no_graph_is_missing(num_variables, known):
    assert sum(math.comb(num_variables, r) * number_of_graphs(r, r, num_variables - r) for r in range(1, num_variables)) == known
    assert len(all_graphs(num_variables, (1, num_variables - 1), (1, 2), True)) == known


def test_more_than_can_be_handled_is_refused_with_the_limit():
    with pytest.raises(ValueError, match=r"num_variables .* at most 10 .* got 11"):
        check_size(11, (1, 2))
    with pytest.raises(ValueError, match=r"num_parents must be at most 2 .* got \(1, 3\)"):
        check_size(5, (1, 3))
    check_size(3, (1, 7))  # of three variables none can have more than two parents
