"""Structural causal models against hand-made instances and a slow, independent simulator."""

import numpy as np
import pytest

from gym_causal.causal_dag.distribution import ModelDistribution
from gym_causal.scm import VALUE_LIMIT, StructuralCausalModels, variable_names

CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]  # A -> B -> C, unit weights


@pytest.fixture
def chain() -> StructuralCausalModels:
    return StructuralCausalModels.from_weights(CHAIN, noise_scale=0.0)


def random_models(num_variables: int, count: int = 20, max_parents: int = 2, seed: int = 0) -> StructuralCausalModels:
    distribution = ModelDistribution(
        num_variables, num_variables, (1, num_variables - 1), (1, max_parents), (-2.0, 2.0), 0.5, 0.25, 0.2, shuffle_names=True
    )
    return distribution.draw(np.random.default_rng(seed), np.tile(np.arange(num_variables), (count, 1)))


def simulate(models: StructuralCausalModels, b: int, noise: np.ndarray, do_target: int = -1, do_value: float = 0.0) -> np.ndarray:
    """One model, one sample, plain Python: repeat until nothing changes."""
    values = [0.0] * len(noise)
    for _ in range(len(noise)):
        for j in range(len(noise)):
            causes = [(int(i), float(w)) for i, w in zip(models.parents[b, j], models.parent_weights[b, j], strict=True) if i >= 0]
            total = noise[j] + sum(w * values[i] for i, w in causes)
            values[j] = do_value if j == do_target else total if not causes or total > 0 else models.negative_slope * total
    return np.array(values)


def test_do_cuts_incoming_edges_only(chain):
    assert chain.sample(np.zeros((1, 3)), 1, 5.0).tolist() == [[0.0, 5.0, 5.0]]
    assert chain.sample(np.zeros((1, 3)), 0, 5.0).tolist() == [[5.0, 5.0, 5.0]]
    assert chain.sample(np.zeros((1, 3)), -1, 5.0).tolist() == [[0.0, 0.0, 0.0]]


def test_roots_are_linear_and_other_variables_leak(chain):
    # The noise is inside the nonlinearity: B = f(-1 + -2) = 0.2 * -3.
    assert np.allclose(chain.sample(np.array([[-2.0, -1.0, 0.0]])), [[-2.0, -0.6, -0.12]])


@pytest.mark.parametrize(("num_variables", "max_parents"), [(2, 2), (5, 2), (8, 4), (30, 2)])
def test_sampling_agrees_with_a_slow_simulator(num_variables, max_parents):
    models, rng = random_models(num_variables, max_parents=max_parents), np.random.default_rng(1)
    noise = models.sample_noise(rng, 3)
    target, value = rng.integers(-1, num_variables, size=(20, 3)), rng.normal(0, 5, size=(20, 3))
    observed, set_ = models.sample(noise), models.sample(noise, target, value)
    for b in range(20):
        for s in range(3):
            assert np.allclose(observed[b, s], simulate(models, b, noise[b, s]))
            assert np.allclose(set_[b, s], simulate(models, b, noise[b, s], target[b, s], value[b, s]))


def test_many_samples_equal_one_at_a_time():
    models = random_models(5, count=700)  # so many rows that samples are taken in several, uneven chunks
    noise = models.sample_noise(np.random.default_rng(2), 13)
    target = np.random.default_rng(3).integers(-1, 5, size=(700, 13))
    together = models.sample(noise, target, 5.0)
    for s in range(13):
        assert np.array_equal(together[:, s], models.sample(noise[:, s], target[:, s], 5.0))


def test_noise_scale_is_the_standard_deviation():
    models = StructuralCausalModels.from_weights(np.zeros((2, 2)), noise_scale=[0.5, 2.0])
    assert np.allclose(models.sample_noise(np.random.default_rng(0), 50_000)[0].std(axis=0), [0.5, 2.0], rtol=0.02)


def test_abduction_inverts_sampling_and_counterfactuals_share_the_noise():
    models, rng = random_models(6), np.random.default_rng(4)
    noise = models.sample_noise(rng, 5)
    factual = models.sample(noise)
    assert np.allclose(models.abduct(factual), noise)
    target = rng.integers(6, size=(20, 5))
    assert np.allclose(models.counterfactual(factual, target, 5.0), models.sample(noise, target, 5.0))
    # From an experiment: the noise of the variable that was set is unknown, but nothing downstream of another intervention on it needs it.
    experiment = models.sample(noise, target, 5.0)
    assert np.allclose(models.counterfactual(experiment, target, -5.0, given_do_target=target), models.sample(noise, target, -5.0))


def test_total_effect_is_the_difference_of_two_simulations():
    models = random_models(5)
    for target in range(5):
        effect = models.total_effect(target, 5.0)
        for b in range(20):
            assert np.allclose(effect[b], simulate(models, b, np.zeros(5), target, 5.0))  # without noise all is 0 at rest
        assert ((effect != 0) <= (models.descendants(target) | (np.arange(5) == target))).all()


def test_noise_free_outcomes_are_brute_force():
    models = random_models(5)
    outcomes = models.noise_free_outcomes(np.arange(20) % 5, (5.0, -5.0))
    for b in range(20):
        for v, value in enumerate((5.0, -5.0)):
            for target in range(5):
                assert outcomes[b, v, target] == pytest.approx(simulate(models, b, np.zeros(5), target, value)[b % 5])


def test_ancestors_are_the_transitive_closure():
    models = random_models(7)
    reach = models.weights != 0
    for _ in range(7):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    assert np.array_equal(models.ancestors, reach)
    mixed = np.arange(20) % 7
    assert np.array_equal(models.descendants(mixed), reach[np.arange(20), mixed])
    assert np.array_equal(models.is_ancestor(mixed, 3), reach[np.arange(20), mixed, 3])
    assert np.array_equal(models.is_ancestor(2, mixed), reach[np.arange(20), 2, mixed])


def test_dense_weights_round_trip():
    models = random_models(6)
    again = StructuralCausalModels.from_weights(models.weights, models.noise_scale)
    noise = models.sample_noise(np.random.default_rng(5), 2)
    assert np.array_equal(again.weights, models.weights)
    assert np.allclose(again.noise_scale, models.noise_scale)
    assert np.allclose(again.sample(noise, 2, 5.0), models.sample(noise, 2, 5.0))


def test_sub_batches_and_concatenation_keep_every_model():
    models = random_models(5)
    noise = models.sample_noise(np.random.default_rng(6), 1)[:, 0]
    expected = models.sample(noise, 1, 5.0)
    for index in (slice(3, 9), np.array([4, 4, 0]), np.arange(20) % 3 == 0):
        assert np.array_equal(models[index].sample(noise[index], 1, 5.0), expected[index])
        assert np.array_equal(models[index].parents, models[index].__class__(*_public(models[index])).parents)
    joined = StructuralCausalModels.concatenate([models[:7], models[7:]])
    assert np.array_equal(joined.sample(noise, 1, 5.0), expected)


def _public(models: StructuralCausalModels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return models.parents, models.parent_weights, models.noise_scale


def test_values_saturate_and_are_never_nan():
    explosive = np.triu(np.full((60, 60), 900.0), 1)
    models = StructuralCausalModels.from_weights(explosive)
    values = models.sample(np.full((1, 60), -1.0), 0, 5.0)
    assert np.isfinite(values).all() and np.abs(values).max() == VALUE_LIMIT


@pytest.mark.parametrize(
    ("parents", "weights", "scale", "message"),
    [
        ([[[-1], [0]]], [[[0.0], [1.0]]], [[1.0]], "noise_scale"),
        ([[[-1], [2]]], [[[0.0], [1.0]]], [[1.0, 1.0]], r"parents must be -1 \(none\) or in 0..1"),
        ([[[1], [0]]], [[[1.0], [1.0]]], [[1.0, 1.0]], "model 0 has a cycle"),
        ([[[0], [-1]]], [[[1.0], [1.0]]], [[1.0, 1.0]], "cycle"),
        ([[[-1, -1], [0, 0]]], [[[0.0, 0.0], [1.0, 1.0]]], [[1.0, 1.0]], "twice"),
        ([[[-1], [0]]], [[[0.0], [np.inf]]], [[1.0, 1.0]], "finite"),
        ([[[-1], [0]]], [[[0.0], [1.0]]], [[1.0, -1.0]], "noise_scale finite and >= 0"),
        ([[[-1], [0]]], [[[0.0]]], [[1.0, 1.0]], "shape of parents"),
    ],
)
def test_bad_models_are_refused(parents, weights, scale, message):
    with pytest.raises(ValueError, match=message):
        StructuralCausalModels(np.array(parents), np.array(weights), np.array(scale))


def test_the_model_with_the_cycle_is_named():
    weights = np.stack([np.array(CHAIN, float), np.array(CHAIN, float)])
    weights[1, 2, 0] = 1.0
    with pytest.raises(ValueError, match="model 1 has a cycle"):
        StructuralCausalModels.from_weights(weights)


def test_bad_noise_shapes_are_refused(chain):
    with pytest.raises(ValueError, match=r"\(1, 3\) or \(1, S, 3\)"):
        chain.sample(np.zeros((2, 3)))


def test_names_go_on_after_z():
    names = variable_names(30)
    assert names[:5] == list("ABCDE") and names[25:28] == ["Z", "AA", "AB"] and len(set(variable_names(702))) == 702
