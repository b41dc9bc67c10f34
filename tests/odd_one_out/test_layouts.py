"""Episodes are drawn as the docs say: positions, splits of each attribute, uniqueness, held-out combinations."""

from __future__ import annotations

import numpy as np
import pytest

from gym_causal.odd_one_out.config import OddOneOutConfig, OddOneOutConfoundedConfig, OddOneOutInterventionConfig
from gym_causal.odd_one_out.features import (
    EVEN_PATTERNS,
    FLOOR_CELLS,
    HELD_OUT_CLASSES,
    NUM_OBJECTS,
    NUM_VALUES,
    NUM_VISIBLE,
    ODD_OBJECT,
    POSITIONS,
    Attribute,
)
from gym_causal.odd_one_out.variants import OddOneOutConfoundedTask, OddOneOutInterventionTask, OddOneOutTask

COUNT = 10_000
CONFIGS = {
    "basic": OddOneOutConfig(),
    "confounded": OddOneOutConfoundedConfig(),
    "deconfounded": OddOneOutConfoundedConfig(split="eval", explained_attribute=None),
    "intervention": OddOneOutInterventionConfig(),
    "intervention_eval": OddOneOutInterventionConfig(split="eval"),
    "hard_dimension": OddOneOutInterventionConfig(generalization="hard_dimension"),
    "hard_dimension_eval": OddOneOutInterventionConfig(generalization="hard_dimension", split="eval"),
}


TASKS = {
    OddOneOutConfig: OddOneOutTask,
    OddOneOutConfoundedConfig: OddOneOutConfoundedTask,
    OddOneOutInterventionConfig: OddOneOutInterventionTask,
}


def draw_episodes(rng, count, config):
    return TASKS[type(config)](config, 1).draw_block(rng, count)


@pytest.fixture(scope="module")
def drawn():
    return {name: draw_episodes(np.random.default_rng(7), COUNT, config) for name, config in CONFIGS.items()}


def assert_uniform(observed, outcomes):
    """Counts of the given outcomes are those of a uniform distribution: the chi-square is below its mean plus five deviations."""
    values, counts = np.unique(observed, return_counts=True)
    assert sorted(values.tolist()) == sorted(outcomes)
    expected = np.size(observed) / len(outcomes)
    chi_square, freedom = ((counts - expected) ** 2 / expected).sum(), len(outcomes) - 1
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom), (chi_square, freedom)


def kinds_of(episodes):
    """(E, T, 4) kind of position of every object."""
    bits = episodes["patterns"][..., Attribute.POSITION, None] >> np.arange(NUM_OBJECTS) & 1
    return np.take_along_axis(episodes["values"][..., Attribute.POSITION, :].astype(int), bits.astype(int), 2)


def combinations(episodes):
    """(n, 3) every (colour, texture, shape) that an object has, or could be given by transforms."""
    values = episodes["values"][..., :NUM_VISIBLE, :].reshape(-1, NUM_VISIBLE, 2).astype(int)
    every = np.stack([values[:, np.arange(3), [i & 1, i >> 1 & 1, i >> 2]] for i in range(8)])
    return np.unique(every.reshape(-1, 3), axis=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_everything_lies_on_a_floor_cell_of_its_own(drawn, name):
    episodes = drawn[name]
    cells = np.concatenate([episodes["cells"], episodes["agent"][..., None]], axis=-1).reshape(-1, NUM_OBJECTS + 1)
    assert np.isin(cells, FLOOR_CELLS).all()
    assert (np.diff(np.sort(cells, axis=1).astype(int), axis=1) > 0).all()


@pytest.mark.parametrize("name", CONFIGS)
def test_objects_lie_where_their_kind_of_position_says(drawn, name):
    kinds, cells = kinds_of(drawn[name]), drawn[name]["cells"]
    for kind, places in enumerate(POSITIONS.values()):
        # Every cell of a kind is equally likely, for every object.
        for number in range(NUM_OBJECTS):
            assert_uniform(cells[..., number][kinds[..., number] == kind], list(places))


@pytest.mark.parametrize("name", CONFIGS)
def test_two_different_values_of_every_attribute_uniformly(drawn, name):
    values = drawn[name]["values"]
    assert (values[..., 0] != values[..., 1]).all()
    assert (values >= 0).all() and (values < NUM_VALUES[:, None]).all()
    if CONFIGS[name].split == "train" or "intervention" not in name:
        assert all(len(np.unique(values[..., a, :])) == NUM_VALUES[a] for a in Attribute)
    if "intervention" not in name:  # classes of combinations have different sizes, so their values have different frequencies
        for attribute in Attribute:
            assert_uniform(values[:, 0, attribute, 0], list(range(NUM_VALUES[attribute])))
            assert_uniform(values[:, 0, attribute, 1], list(range(NUM_VALUES[attribute])))


@pytest.mark.parametrize("name", CONFIGS)
def test_agent_starts_on_a_uniform_free_cell(drawn, name):
    agent, cells = drawn[name]["agent"].ravel(), drawn[name]["cells"].reshape(-1, NUM_OBJECTS)
    # Over layouts, how often a cell is free differs; weighted by that, all are alike.
    free = np.array([(cells != place).all(axis=1).sum() for place in FLOOR_CELLS])
    starts = np.array([(agent == place).sum() for place in FLOOR_CELLS])
    expected = free / (len(FLOOR_CELLS) - NUM_OBJECTS)
    chi_square, freedom = ((starts - expected) ** 2 / expected).sum(), len(FLOOR_CELLS) - 1
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)


def test_basic_one_attribute_is_odd_and_the_rest_split_two_and_two(drawn):
    episodes = drawn["basic"]
    patterns, rewarded = episodes["patterns"][:, 0], episodes["rewarded"]
    assert_uniform(rewarded, list(range(4)))
    odd = ODD_OBJECT[patterns] >= 0
    assert (odd.sum(axis=1) == 1).all() and (odd.argmax(axis=1) == rewarded).all()
    assert_uniform(ODD_OBJECT[patterns[np.arange(COUNT), rewarded]], list(range(4)))
    assert_uniform(patterns[~odd], EVEN_PATTERNS.tolist())


def test_basic_attributes_can_be_chosen():
    episodes = draw_episodes(np.random.default_rng(0), 1_000, OddOneOutConfig(odd_attributes=("shape", "position")))
    assert_uniform(episodes["rewarded"], [Attribute.SHAPE, Attribute.POSITION])


def test_confounded_one_object_is_odd_in_everything(drawn):
    patterns = drawn["confounded"]["patterns"][:, 0]
    odd = ODD_OBJECT[patterns]
    assert (odd[:, :NUM_VISIBLE] == odd[:, :1]).all()
    assert_uniform(odd[:, 0], list(range(4)))
    assert (patterns[:, Attribute.POSITION] == 0).all()


@pytest.mark.parametrize("name", ["deconfounded", "intervention", "intervention_eval", "hard_dimension", "hard_dimension_eval"])
def test_deconfounded_three_objects_are_odd_in_one_attribute_each(drawn, name):
    patterns = drawn[name]["patterns"][:, -1]
    odd = ODD_OBJECT[patterns[:, :NUM_VISIBLE]].astype(int)
    assert (np.sort(odd, axis=1)[:, 1:] > np.sort(odd, axis=1)[:, :-1]).all() and (odd >= 0).all()
    assert_uniform(odd @ [16, 4, 1], np.unique(odd @ [16, 4, 1]).tolist())
    assert len(np.unique(odd, axis=0)) == 24
    assert (patterns[:, Attribute.POSITION] == 0).all()
    assert_uniform(drawn[name]["rewarded"], [0, 1, 2])


def test_what_pays_changes_nothing_but_what_pays():
    """So an observation before the touch cannot tell."""
    layouts = []
    for rewarded in ("color", "texture", "shape", "random"):
        config = OddOneOutConfoundedConfig(split="eval", rewarded_attribute=rewarded)
        layouts.append(draw_episodes(np.random.default_rng(3), 500, config))
    for field in ("agent", "cells", "patterns", "values"):
        assert all(np.array_equal(layouts[0][field], layout[field]) for layout in layouts)
    assert [np.unique(layout["rewarded"]).tolist() for layout in layouts] == [[0], [1], [2], [0, 1, 2]]


def test_explained_attribute_pays_unless_told_otherwise():
    for explained, attribute in (("texture", Attribute.TEXTURE), ("shape", Attribute.SHAPE)):
        config = OddOneOutConfoundedConfig(split="eval", explained_attribute=explained)
        assert (draw_episodes(np.random.default_rng(0), 100, config)["rewarded"] == attribute).all()


@pytest.mark.parametrize(
    ("name", "difficulties"),
    [
        ("intervention", [0, 1, 2, 3]),
        ("intervention_eval", [0, 1, 2, 3]),
        ("hard_dimension", [0, 1, 2]),
        ("hard_dimension_eval", [1, 2, 3]),
    ],
)
def test_experiments_split_a_uniform_number_of_attributes(drawn, name, difficulties):
    patterns = drawn[name]["patterns"][:, :-1, :NUM_VISIBLE]
    hard = np.isin(patterns, EVEN_PATTERNS)
    assert (hard | (patterns == 0)).all()
    assert_uniform(patterns[hard], EVEN_PATTERNS.tolist())
    assert_uniform(hard.sum(axis=2), difficulties)
    # Drawn anew each trial: the trials of an episode are independent.
    both = hard.sum(axis=2)
    assert_uniform(both[:, 0] * 4 + both[:, 1], [4 * a + b for a in difficulties for b in difficulties])
    texture = hard[..., Attribute.TEXTURE]
    if name == "hard_dimension":
        assert not texture.any()
    elif name == "hard_dimension_eval":
        assert texture.all()
    else:
        for difficulty in (1, 2):
            which = hard[hard.sum(axis=2) == difficulty]
            assert_uniform(which @ [1, 2, 4], np.unique(which @ [1, 2, 4]).tolist())
            assert len(np.unique(which, axis=0)) == 3


def test_held_out_combinations_are_a_quarter_and_training_never_shows_them(drawn):
    train, held_out = combinations(drawn["intervention"]), combinations(drawn["intervention_eval"])
    classes = [tuple(parity) for parity in HELD_OUT_CLASSES]
    assert not any(tuple(row) in classes for row in (train % 2).tolist())
    assert all(tuple(row) in classes for row in (held_out % 2).tolist())
    assert not {tuple(row) for row in train.tolist()} & {tuple(row) for row in held_out.tolist()}
    # All of both were drawn, so these are the exact numbers.
    assert len(train) + len(held_out) == np.prod(NUM_VALUES[:NUM_VISIBLE])
    assert len(held_out) == pytest.approx(len(train) / 3, rel=0.01)
    for attribute in range(NUM_VISIBLE):
        assert set(train[:, attribute]) == set(range(NUM_VALUES[attribute]))


def test_mistakes_are_wrong_objects_at_their_rate_and_change_nothing_else():
    without = draw_episodes(np.random.default_rng(5), COUNT, OddOneOutConfig())
    with_some = draw_episodes(np.random.default_rng(5), COUNT, OddOneOutConfig(mistake_rate=0.3))
    mistakes = with_some["mistake"][:, 0]
    assert (without["mistake"] == -1).all()
    assert (mistakes >= 0).mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / COUNT))
    odd = ODD_OBJECT[with_some["patterns"][np.arange(COUNT), 0, with_some["rewarded"]]]
    assert_uniform((mistakes - odd)[mistakes >= 0] % NUM_OBJECTS, [1, 2, 3])
    for field in without.dtype.names:
        assert field == "mistake" or np.array_equal(without[field], with_some[field])
