"""The distribution of models, goals and cues, and the conditions of the splits."""

from itertools import combinations

import numpy as np
import pytest

from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig
from gym_causal.causal_dag.cues import CueClass
from gym_causal.causal_dag.generators import draw_models
from gym_causal.causal_dag.splits import SPLITS
from gym_causal.scm import StructuralCausalModels

D, E = 3, 4


def draw(count: int, seed: int = 0, config: CausalDAGConfig | None = None, **kwargs):
    return draw_models(np.random.default_rng(seed), count, config or CausalDAGConfig(**kwargs))


@pytest.fixture(scope="module")
def unrestricted() -> tuple[StructuralCausalModels, np.ndarray]:
    models, goals, _ = draw(10_000, split="unrestricted")
    return models, goals


def near(counts: np.ndarray, total: int, share: float) -> bool:
    """Within four standard errors of a binomial."""
    return bool((np.abs(counts - total * share) < 4 * np.sqrt(total * share * (1 - share))).all())


def test_number_of_roots_is_uniform(unrestricted):
    models, _ = unrestricted
    assert near(np.bincount(models.is_root.sum(axis=1), minlength=6)[1:5], 10_000, 0.25)


def test_variables_that_could_have_two_parents_have_one_or_two_alike(unrestricted):
    models, _ = unrestricted
    parents = (models.parents >= 0).sum(axis=2)
    # A variable at position 2 or later always finds two earlier ones; with two roots or more that is every non-root.
    several_roots = models.is_root.sum(axis=1) >= 2
    counts = parents[several_roots][~models.is_root[several_roots]]
    assert near(np.array([(counts == 1).sum(), (counts == 2).sum()]), counts.size, 0.5)


def test_parents_are_any_of_the_earlier_variables_alike(unrestricted):
    models, _ = unrestricted
    by_position, variable = models.causes[4], models.parent_mask[4].sum(axis=0)
    for size in (1, 2):
        chosen = by_position[:size, variable == size]
        assert near(np.bincount(chosen.ravel(), minlength=4), chosen.shape[1], size / 4)


def test_weights_and_noise_scales_follow_their_distributions(unrestricted):
    models, _ = unrestricted
    weights = models.parent_weights[models.parents >= 0]
    assert weights.min() >= -2 and weights.max() <= 2 and abs(weights.mean()) < 0.05 and abs(weights.var() - 4 / 3) < 0.03
    scale = models.noise_scale
    # normal(0.5, 0.25) truncated (not clipped) at 0: mean 0.5 + 0.25 * phi(2) / Phi(2) = 0.5138, and no mass at 0.
    assert scale.min() > 0 and abs(scale.mean() - 0.5138) < 0.004


def test_names_are_a_random_permutation_of_the_order(unrestricted):
    models, goals = unrestricted
    for position in models.order:
        assert near(np.bincount(position, minlength=5), 10_000, 0.2)
    assert near(np.bincount(goals, minlength=5), 10_000, 0.2)


def test_names_can_be_kept_in_order():
    models, _, _ = draw(100, split="unrestricted", shuffle_names=False)
    assert (models.order == np.arange(5)[:, None]).all()


def test_training_never_shows_the_link_and_goals_stay_uniform():
    models, goals, _ = draw(10_000, split="train")
    assert not models.ancestors[:, D, E].any()
    assert near(np.bincount(goals, minlength=5), 10_000, 0.2)
    # They may still be correlated: through a common cause.
    ancestors = models.ancestors
    assert (ancestors[:, :, D] & ancestors[:, :, E]).any(axis=1).mean() > 0.1


@pytest.mark.parametrize("split", ["eval_target", "eval_path"])
def test_evaluation_splits_hold_what_they_say(split):
    models, goals, _ = draw(10_000 if split == "eval_target" else 3_000, split=split)
    assert (goals == E).all()
    ancestors = models.ancestors
    assert ancestors[:, D, E].all()
    zero_noise = np.zeros((len(models), 5))
    outcome = np.stack([[models.sample(zero_noise, i, v)[:, E] for i in range(4)] for v in (5.0, -5.0)])  # brute force, (2, 4, B)
    assert (outcome[:, D].max(axis=0) >= 1.0).all()
    best = outcome.max(axis=0).argmax(axis=0)
    if split == "eval_target":
        assert (best == D).all()
    else:
        assert ancestors[np.arange(len(models)), best, D].all()


def test_drawing_with_the_cause_first_does_not_distort_a_held_out_split():
    """Evaluation draws only orders with D before E; the accepted models must be as if rejected from all."""
    config = CausalDAGConfig(split="unrestricted")
    models, _, _ = draw(40_000, seed=5, split="unrestricted")
    accepted = models[SPLITS["eval_target"].admits(models, config.link)]
    direct, _, _ = draw(len(accepted), seed=6, split="eval_target")
    for statistic in (
        lambda m: m.is_root.sum(axis=1).mean(),
        lambda m: (m.parents >= 0).sum() / len(m),
        lambda m: m.ancestors[:, D, E].mean(),
    ):
        assert statistic(accepted) == pytest.approx(statistic(direct), rel=0.03)


@pytest.mark.parametrize("num_variables", [2, 3, 5, 20, 100])
def test_any_number_of_variables(num_variables):
    models, goals, _ = draw(16, num_variables=num_variables)
    assert models.num_variables == num_variables and goals.max() < num_variables
    assert ((models.parents >= 0).sum(axis=2) <= 2).all()


@pytest.mark.parametrize("split", ["eval_target", "eval_path"])
def test_held_out_splits_reach_twenty_variables(split):
    models, _, _ = draw(16, num_variables=20, split=split)
    assert models.ancestors[:, D, E].all()


def test_another_link_and_more_parents():
    models, _, _ = draw(500, held_out_link=("A", "C"), num_parents=(2, 4))
    assert not models.ancestors[:, 0, 2].any()
    assert (models.parents >= 0).sum(axis=2).max() == 4
    chosen = np.sort(models.parents, axis=2)
    assert not ((chosen[..., 1:] == chosen[..., :-1]) & (chosen[..., 1:] >= 0)).any()


def test_an_impossible_split_gives_up_with_an_error():
    with pytest.raises(ValueError, match=f"only 0 of .* {SPLITS['eval_path'].description[:20]}"):
        draw(1, split="eval_path", num_variables=2)  # D would need an ancestor of its own


def test_impossible_cues_give_up_with_an_error():
    # Two variables, one of them D and one E: the only subset has sum 7.
    with pytest.raises(ValueError, match="num_relevant=2 of 10 variables that contains D and E"):
        draw(1, config=CausalDAGCuedConfig(split="eval_target", num_relevant=2, cue_residue=1))


def test_a_quarter_of_the_cue_sets_is_held_out():
    subsets = np.array(list(combinations(range(10), 5)))
    held_out = CueClass(4, 1).contains(subsets)
    both = (subsets == D).any(axis=1) & (subsets == E).any(axis=1)
    assert held_out.sum() == 62 and (held_out & both).sum() == 14


@pytest.mark.parametrize("split", ["train", "eval_target"])
def test_cues_of_training_and_evaluation_are_disjoint(split):
    models, goals, relevant = draw(3_000, config=CausalDAGCuedConfig(split=split))
    held_out = relevant.sum(axis=1) % 4 == 1
    assert held_out.all() if split == "eval_target" else not held_out.any()
    if split == "eval_target":
        assert len({tuple(sorted(subset)) for subset in relevant.tolist()}) == 14
    in_graph = np.zeros((3_000, 10), bool)
    np.put_along_axis(in_graph, relevant, True, 1)
    assert in_graph[np.arange(3_000), goals].all()
    # Irrelevant variables are independent noise: no edge in or out.
    assert not models.ancestors[~in_graph].any() and not models.ancestors.swapaxes(1, 2)[~in_graph].any()
    assert not models.ancestors[:, D, E].any() if split == "train" else models.ancestors[:, D, E].all()
