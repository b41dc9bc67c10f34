"""The structure strategy: exact against slow sums, calibrated, and right about graphs that are known."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from baselines.causal_dag import structure
from baselines.causal_dag.graphs import all_graphs
from baselines.causal_dag.structure import StructurePosterior, largest
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.scm import StructuralCausalModels


def episodes(config, count, seed=0):
    """Models from the prior, each variable set once, in a random order."""
    rng = np.random.default_rng(seed)
    everything = np.tile(np.arange(config.num_variables), (count, 1))
    return config.distribution.draw(rng, everything), rng.permuted(everything, axis=1), rng


def mode(posterior, row=0):
    """The parents of each variable in the most probable graph."""
    return [set(causes[causes >= 0].tolist()) for causes in posterior.parents_[row, 0]]


def test_posterior_equals_a_slow_sum_over_all_graphs(played):
    """Every graph of three variables, every term a dense multivariate normal, no sufficient statistics."""
    config = CausalDAGConfig(num_variables=3, negative_slope=0.3, weight_range=(-1.0, 2.0))
    models, targets, rng = episodes(config, 1)
    data = played(models, rng, targets)
    posterior = StructurePosterior(config, num_graphs=1_000, num_noise_scales=7).fit(data)
    scales, log_prior = posterior.noise_scales()
    rows, target = data.rows[0], data.row_target[0]

    def evidence(variable, causes):
        free = target != variable
        x = rows[free, variable]
        z = np.where((x < 0) & bool(causes), x / 0.3, x)
        jacobian = (1 / 0.3) ** (((x < 0) & bool(causes)).sum())
        design = rows[free][:, list(causes)]
        return jacobian * sum(
            np.exp(weight) * multivariate_normal(design.sum(axis=1) * 0.5, s**2 * np.eye(len(z)) + 0.75 * design @ design.T).pdf(z)
            for s, weight in zip(scales, log_prior, strict=True)
        )

    slow = {}
    subsets = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    for graph in product(subsets, repeat=3):
        weight = sum(
            (1 / 6) * 0.5 * np.prod([_share(order, position, graph) for position in range(roots, 3)])
            for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
            for roots in (1, 2)
            if all(graph[variable] == () for variable in order[:roots])
        )
        if weight:
            slow[graph] = weight * np.prod([evidence(variable, graph[variable]) for variable in range(3)])
    total = sum(slow.values())
    found = {
        tuple(tuple(causes[causes >= 0].tolist()) for causes in graph): p
        for graph, p in zip(posterior.parents_[0], posterior.probability_[0], strict=True)
    }
    assert found.keys() == slow.keys()
    for graph, weight in slow.items():
        assert found[graph] == pytest.approx(weight / total, rel=1e-3, abs=1e-6)


def _share(order, position, graph):
    """The chance that the generator gives the variable at a position exactly the parents that it has in the graph."""
    causes, earlier = graph[order[position]], order[:position]
    if not causes or not set(causes) <= set(earlier):
        return 0.0
    if position == 1:
        return 1.0
    return 0.5 * 0.5 if len(causes) == 1 else 0.5  # position 2: one of two, or both


@pytest.mark.parametrize("causes", [(), (0,), (0, 1)])
def test_evidence_is_a_density_in_the_variable(by_hand, causes):
    """It integrates to 1 over the value of C, root or not: without the Jacobian a variable with causes would have less."""
    config = CausalDAGConfig(num_variables=3)
    grid = np.linspace(-40.0, 40.0, 4_000)  # 0, where the density jumps, lies between two points
    one = by_hand(([3.0, -2.0, 0.0], 2, 5.0, [0.0, 0.0, 5.0]))  # the outcome says nothing about C: it was set
    data = one[np.zeros(len(grid), int)]
    data.initial_values[:, 0, 2] = grid
    posterior = StructurePosterior(config).fit(data)
    evidence, _ = posterior.local_evidence(data)
    index = posterior.sets_.tolist().index([*causes, -1, -1][:2])
    assert np.exp(evidence[:, 2, index]).sum() * (grid[1] - grid[0]) == pytest.approx(1.0, abs=2e-3)


def test_a_known_graph_is_recovered_from_five_noisy_trials(played):
    # A -> B -> C, A -> D <- C, E alone.
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 2], weights[0, 3], weights[2, 3] = 1.5, -1.2, 1.0, 1.8
    models = StructuralCausalModels.from_weights(weights, 0.3)
    data = played(models, np.random.default_rng(0), np.array([[3, 1, 4, 0, 2]]))
    posterior = StructurePosterior(CausalDAGConfig()).fit(data)
    assert mode(posterior) == [set(), {0}, {1}, {0, 2}, set()]
    assert posterior.probability_[0, 0] > 0.5
    # C = +5 raises D to 1.8 * 5 = 9; B = -5 does better: it raises C to 6, and so D to 10.8. A sign that was never tried.
    outcomes = posterior.expected_outcomes(np.array([3]))[0]
    np.testing.assert_allclose(outcomes[[2, 5 + 1]], [9.0, 10.8], rtol=0.2)
    assert np.delete(outcomes, [3, 5 + 3]).max() == outcomes[5 + 1]


def test_a_confounder_does_not_fool_it(played):
    # C -> A, C -> B: A and B move together whenever nothing is set, but setting A leaves B alone.
    weights = np.zeros((3, 3))
    weights[2, 0], weights[2, 1] = 1.5, 2.0
    models = StructuralCausalModels.from_weights(weights, 0.6)
    data = played(models, np.random.default_rng(1), np.array([[0, 1, 2]]))
    posterior = StructurePosterior(CausalDAGConfig(num_variables=3)).fit(data)
    assert mode(posterior) == [{2}, {2}, set()]
    assert posterior.expected_outcomes(np.array([1]))[0].argmax() == 2


@pytest.mark.parametrize("arguments", [{}, {"shared_noise": True}], ids=str)
def test_probabilities_are_calibrated(played, arguments):
    """Over many episodes, the most probable graph is the true one as often as it says."""
    config = CausalDAGConfig(num_variables=4, **arguments)
    models, targets, rng = episodes(config, 1_500)
    data = played(models, rng, targets)
    if config.shared_noise:
        noise = models.sample_noise(rng, 4)
        data.initial_values[:] = models.sample(noise)
        data.outcomes[:] = models.sample(noise, targets, 5.0)
    posterior = StructurePosterior(config).fit(data)
    parents = np.sort(posterior.parents_[:, 0], axis=2)
    correct = (parents == np.sort(models.parents, axis=2)).all(axis=(1, 2))
    assert 0.3 < correct.mean() < 0.95
    assert posterior.probability_[:, 0].mean() == pytest.approx(correct.mean(), abs=0.04)


def test_no_data_leaves_the_prior_and_no_preference(by_hand):
    data = by_hand(([0.0] * 3, -1, 0.0, [0.0] * 3))
    data.valid[:] = False
    posterior = StructurePosterior(CausalDAGConfig(num_variables=3), num_graphs=1_000).fit(data)
    prior = np.sort(all_graphs(3, (1, 2), (1, 2), True).log_prior)[::-1]
    np.testing.assert_allclose(np.log(posterior.probability_[0]), prior, atol=1e-5)
    np.testing.assert_allclose(posterior.expected_outcomes(np.array([0]))[0], 0.0)


@pytest.mark.parametrize(
    "arguments",
    [{"noise_scale_mean": 0.0, "noise_scale_std": 0.0}, {"intervention_value": 1e5}, {"weight_range": (2.0, 2.0)}, {"negative_slope": 1.0}],
    ids=str,
)
def test_extreme_models_stay_finite(played, arguments):
    config = CausalDAGConfig(num_variables=4, **arguments)
    models, targets, rng = episodes(config, 50)
    posterior = StructurePosterior(config).fit(played(models, rng, targets, float(config.intervention_value)))
    outcomes = posterior.expected_outcomes(np.zeros(50, int))
    assert np.isfinite(outcomes).all() and np.isfinite(posterior.probability_).all()


def test_chunks_and_neighbours_do_not_matter(played):
    config = CausalDAGConfig()
    models, targets, rng = episodes(config, 300)  # more than a chunk
    data, goal = played(models, rng, targets), np.arange(300) % 5
    together = StructurePosterior(config).fit(data).expected_outcomes(goal)
    order = np.random.default_rng(1).permutation(300)
    shuffled = StructurePosterior(config).fit(data[order]).expected_outcomes(goal[order])
    np.testing.assert_allclose(shuffled, together[order], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("total", "count"), [(1, 1), (7, 7), (33, 32), (80, 32), (1_000, 1), (999, 10)])
def test_the_largest_values_are_found_in_order(total, count):
    values = np.random.default_rng(total).permuted(np.tile(np.arange(float(total)), (20, 1)), axis=1)
    np.testing.assert_array_equal(largest(values, count), np.argsort(-values, axis=1)[:, :count])


@pytest.mark.parametrize("arguments", [{}, {"shuffle_names": False}, {"num_roots": (2, 4)}, {"num_parents": (2, 2)}], ids=str)
def test_sampled_graphs_are_as_frequent_as_listed_ones_are_probable(played, monkeypatch, arguments):
    config = CausalDAGConfig(num_variables=4, **arguments)
    models, targets, rng = episodes(config, 3)
    data = played(models, rng, targets)
    listed = StructurePosterior(config, num_graphs=1_000).fit(data)
    monkeypatch.setattr(structure, "MAX_ENUMERATED", 3)
    count = 40_000
    sampled = StructurePosterior(config, num_graphs=count).fit(data)
    for row in range(3):
        graphs, times = np.unique(sampled.choice_[row], axis=0, return_counts=True)
        frequency = dict(zip(map(tuple, graphs.tolist()), times / count, strict=True))
        probability = dict(zip(map(tuple, listed.choice_[row].tolist()), listed.probability_[row], strict=True))
        assert frequency.keys() <= probability.keys()
        for graph, p in probability.items():
            assert frequency.get(graph, 0.0) == pytest.approx(p, abs=5 * np.sqrt(p / count) + 1e-4)
