"""The rules of the odd-one-out game in words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baselines
import gym_causal
from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.generators import draw_episodes, unique_in
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, NAMES
from gym_causal.transcripts import play_games
from tests.odd_one_out_text.games import COLOR, SHAPE, TEXTURE, talk_game

ENV_ID = "OddOneOutText-v0"
CHOOSE_A, CHOOSE_B, CHOOSE_C = 9, 10, 11  # after three actions for each of three objects


def act(task, action: int) -> float:
    return float(task.step(np.array([action]))[0][0])


def told(task) -> tuple[str, str, str, str]:
    """What a row of one says now: outcome, its explanation, the prompt and the reasoning."""
    return tuple(texts[0] for texts in (task.outcome_texts(), task.outcome_explanations(), task.prompt_texts(), task.reasoning_texts()))


def test_the_example_of_the_talk():
    task = talk_game()
    alike = "There are three objects in front of me:\nA) green pentagon solid\nB) green pentagon solid\nC) green pentagon solid\n"
    assert told(task) == (
        "",
        "",
        alike,
        "Let's think step by step. The rewarding dimension may be color, shape or texture. I try texture.",
    )
    assert task.sentences[task.expert_actions()[0]] == "I transform object C into a different texture"
    assert act(task, int(task.expert_actions()[0])) == 0
    assert told(task) == (
        ": striped.\nChoosing object C was not rewarded.\n",
        "The rewarding dimension must not be texture.",
        "\n" + alike,
        "Let's think step by step. The rewarding dimension must not be texture, so it may be color or shape. I try color.",
    )
    assert act(task, int(task.expert_actions()[0])) == 0
    assert told(task) == (
        ": purple.\nChoosing object A was not rewarded.\n",
        "The rewarding dimension must not be color.",
        "\nThere are three objects in front of me:\nA) purple ellipse solid\nB) green trapezoid solid\nC) green ellipse striped\n",
        "Let's think step by step. In this game, I am rewarded for unique shape. Object B is the only trapezoid object, "
        "because A and C are ellipses, so B has a unique shape.",
    )
    assert task.expert_actions()[0] == CHOOSE_B and act(task, CHOOSE_B) == 10
    assert told(task) == (".\nChoosing object B was rewarded!\n", "I was rewarded for unique shape in this game.", "", "")


@pytest.mark.parametrize(("rewarded", "unique"), [(COLOR, CHOOSE_A), (SHAPE, CHOOSE_B), (TEXTURE, CHOOSE_C)])
def test_what_is_rewarded(rewarded, unique):
    """Every transform of every object in an experiment, and every choice in the test."""
    for action in range(9):
        assert act(talk_game(rewarded), action) == (action % 3 == rewarded)
    for choice in (CHOOSE_A, CHOOSE_B, CHOOSE_C):
        task = talk_game(rewarded, test_reward=7.0)
        act(task, 0)
        act(task, 0)
        assert act(task, choice) == (7 if choice == unique else 0)


def test_an_impossible_action_does_nothing_and_uses_its_trial_up():
    task = talk_game(COLOR, explain="all")
    assert act(task, CHOOSE_A) == 0  # nothing is unique yet, and nothing was transformed
    assert told(task)[:2] == (".\nThat is not possible now.\n", "")
    assert told(task)[3].startswith("Let's think step by step. The rewarding dimension may be color, shape or texture.")
    assert task.infos(text=True)["explanation"]["kind"][0] == "reasoning"
    assert act(task, 0) == 1  # transforms A's color
    assert act(task, 0) == 0 and told(task)[:3] == (".\nThat is not possible now.\n", "", "")
    assert task.step_scores()["test_correct_rate"][1][0] == 1


def test_only_legal_actions_are_offered():
    task = talk_game()
    assert task.action_masks()[0].tolist() == [True] * 9 + [False] * 3
    act(task, 0)
    act(task, 0)
    assert task.action_masks()[0].tolist() == [False] * 9 + [True] * 3
    assert task.action_sentences() == [("I choose object A", "I choose object B", "I choose object C")]


def test_words_have_one_meaning():
    words = [word for values in DIMENSIONS.values() for word in values]
    assert len(set(words)) == len(words) == 120 and not set(words) & set(NAMES) and all(word.isalpha() for word in words)


@st.composite
def drawn_arguments(draw):
    count = draw(st.integers(3, 12))
    names = st.lists(st.sampled_from(NAMES), min_size=count, max_size=count, unique=True)
    kwargs = {
        "num_dimensions": count,
        "num_objects": draw(st.integers(3, count)),
        "num_experiments": draw(st.integers(0, 4)),
        "num_values": draw(st.integers(2, 10)),
        "num_distractors": draw(st.integers(0, 12 - count)),
        "belief_reasoning": draw(st.sampled_from(["direct", "descriptions", "evidence"])),
        "target_reasoning": draw(st.sampled_from(["direct", "values", "comparisons", "descriptions", "search", "judgements", "evidence"])),
        "dimension_names": draw(st.none() | names),
    }
    if not kwargs["num_distractors"]:
        kwargs["value_words"] = draw(st.none() | names)
    rewarded = st.lists(st.sampled_from(kwargs["dimension_names"] or NAMES[:count]), min_size=1, unique=True)
    return {**kwargs, "rewarded_dimensions": draw(st.none() | rewarded)}


arguments = drawn_arguments()


@settings(max_examples=60)
@given(arguments, st.integers(0, 2**32))
def test_trials_are_what_they_should_be(kwargs, seed):
    config = OddOneOutTextConfig(**kwargs)
    episodes = draw_episodes(np.random.default_rng(seed), 50, config)
    relevant = episodes.objects[..., : config.num_dimensions]
    experiments, unique = relevant[:, :-1], unique_in(relevant[:, -1])
    assert (experiments == experiments[:, :, :1]).all() and (experiments[:, :, 0] != episodes.new_values).all()
    assert (unique.sum(axis=2) == 1).all() and (unique.sum(axis=1) <= 1).all()  # each object in one dimension; each dimension has one
    assert unique[np.arange(50), :, episodes.rewarded].sum(axis=1).tolist() == [1] * 50
    assert (relevant[:, -1] != relevant[:, -1, :1]).any(axis=1).sum(axis=1).tolist() == [config.num_objects] * 50  # all alike in the others
    assert episodes.objects.min() >= 0 and max(episodes.objects.max(), 0) < config.num_values
    allowed = kwargs["rewarded_dimensions"] or config.dimensions
    assert {config.dimensions[dimension] for dimension in episodes.rewarded} <= set(allowed)


@pytest.mark.parametrize("values", [None, ("age", "shape", "taste")])
def test_named_dimensions_change_the_words_alone(values):
    """The same episodes, in other words: trials, actions and rewards stay as they are."""
    names = ("taste", "motion", "shape")
    others = {"dimension_names": names, "value_words": values}
    (default,), (named,) = (play_games(ENV_ID, num_episodes=1, seed=3, explain="all", **kwargs) for kwargs in ({}, others))
    renamed = dict(zip(NAMES[:3], names, strict=True))
    for old, new in zip(NAMES[:3], values or names, strict=True):
        renamed |= dict(zip(DIMENSIONS[old], DIMENSIONS[new], strict=True))
    for before, after in zip(default.turns, named.turns, strict=True):
        for name in ("prompt", "action", "outcome", "outcome_explanation"):
            expected = re.sub(r"[a-z]+", lambda found: renamed.get(found[0], found[0]), getattr(before, name))
            assert getattr(after, name) == expected
        assert after.rewarded == before.rewarded


@settings(max_examples=25)
@given(arguments, st.integers(0, 2**32))
def test_observations_fit_in_their_space(kwargs, seed):
    venv = gym_causal.make_vec(ENV_ID, 6, **kwargs)
    observations, _ = venv.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(2 * venv.task.config.trials):
        assert observations in venv.observation_space and all(len(text) > 80 for text in observations)
        observations, _, ended, _, infos = venv.step(rng.integers(venv.single_action_space.n, size=6))
        assert not ended.any() or infos["final_obs"][3] in venv.single_observation_space


def test_rewarded_dimensions_are_uniform_and_tell_nothing_else():
    """All that is allowed is drawn equally often, and the object that pays, and where the expert begins, are independent of it."""
    config = OddOneOutTextConfig(num_dimensions=4, rewarded_dimensions=("size", "shape"))
    episodes = draw_episodes(np.random.default_rng(0), 20_000, config)
    counts = np.bincount(episodes.rewarded, minlength=4)
    assert counts[[0, 2]].sum() == 0 and abs(counts[1] - 10_000) < 4 * np.sqrt(5_000)
    unique = unique_in(episodes.objects[:, -1])
    paying = unique[np.arange(20_000), :, episodes.rewarded].argmax(axis=1)
    assert (abs(np.bincount(paying) - 20_000 / 3) < 4 * np.sqrt(20_000 * 2 / 9)).all()
    assert abs((episodes.order[:, 0] == episodes.rewarded).mean() - 1 / 4) < 4 * np.sqrt(3 / 16 / 20_000)
    # Every contrast but the rewarded one is as likely as any other.
    is_contrast = unique.any(axis=1)[episodes.rewarded == 1]
    assert is_contrast[:, 1].all() and (abs(is_contrast[:, [0, 2, 3]].mean(axis=0) - 2 / 3) < 0.02).all()


@pytest.mark.parametrize("policy", ["expert", "elimination"])
@pytest.mark.parametrize(
    ("kwargs", "test_correct_rate"),
    [
        ({}, 1.0),
        ({"num_experiments": 2}, 1.0),
        ({"num_experiments": 1}, 2 / 3),
        ({"num_experiments": 0}, 1 / 3),
        ({"num_dimensions": 4, "num_objects": 4, "num_experiments": 0}, 1 / 4),
        # Two of six are tried. Of the other four the test shows the rewarded one and 0, 1 or 2 more, with probabilities .1, .6 and .3.
        ({"num_dimensions": 6, "num_experiments": 2, "num_distractors": 3}, 2 / 6 + 4 / 6 * (0.1 + 0.6 / 2 + 0.3 / 3)),
        ({"rewarded_dimensions": ("texture",)}, 1.0),
    ],
)
def test_what_can_be_found_out(policy, kwargs, test_correct_rate):
    kwargs = {**kwargs, "observation": "symbolic"}
    player = policy if policy == "expert" else baselines.make(policy, ENV_ID, 3, **kwargs)
    result = gym_causal.evaluate(player, ENV_ID, num_episodes=4_000, **kwargs)
    assert abs(result.test_correct_rate.mean - test_correct_rate) <= 4 * np.sqrt(test_correct_rate * (1 - test_correct_rate) / 4_000)
    if kwargs.get("num_experiments") != 0:
        assert result.informative_experiment_rate.mean == 1


def test_what_strategies_earn():
    earned = {
        name: gym_causal.evaluate(
            baselines.make(name, ENV_ID, 1, observation="symbolic"), ENV_ID, num_episodes=4_000, observation="symbolic"
        )
        for name in ("random", "win_stay", "elimination")
    }
    for name, test_rate, experiment_rate in (
        ("random", 1 / 3, 1 / 3),
        # Three random tries find it with 1 - (2/3)^3; it pays from then on.
        ("win_stay", 19 / 27 + 8 / 27 / 3, (1 / 3 + 5 / 9 + 19 / 27) / 3),
        ("elimination", 1, 2 / 3),
    ):
        assert abs(earned[name].test_correct_rate.mean - test_rate) < 0.03
        assert abs(earned[name].experiment_correct_rate.mean - experiment_rate) < 0.02
    assert 0.8 < earned["random"].informative_experiment_rate.mean < 0.9 and earned["elimination"].informative_experiment_rate.mean == 1


def test_strategies_read_arrays_only():
    with pytest.raises(ValueError, match="elimination: observation must be one of symbolic, got 'text'"):
        baselines.make("elimination", ENV_ID)
    pytest.importorskip("scipy")
    with pytest.raises(ValueError, match="value: observation must be one of symbolic, got 'text'"):
        baselines.make("value", "CausalDAGText-v0")


def test_a_strategy_sees_what_another_policy_finds_out():
    """As an observer of random play, elimination still rules out what random play has tried."""
    kwargs = {"observation": "symbolic", "num_experiments": 20}
    observer = baselines.make("elimination", ENV_ID, **kwargs)
    result = gym_causal.evaluate("random", ENV_ID, num_episodes=3_000, references={"elimination": observer, "expert": "expert"}, **kwargs)
    assert abs(result.match_elimination.mean - 1 / 3) < 0.04 and abs(result.match_expert.mean - 1 / 3) < 0.04
    both = gym_causal.evaluate(observer, ENV_ID, num_episodes=500, references={"expert": "expert"}, **kwargs)
    assert both.match_expert.mean == 1


def test_permuted_rows_give_permuted_results():
    first, second = (gym_causal.make_task(ENV_ID, 30, explain="all") for _ in range(2))
    order = np.random.default_rng(0).permutation(30)
    rows = np.arange(30)
    for task, episodes in ((first, rows), (second, order)):
        task.seed(5)
        task.begin(rows, episodes)
    rng = np.random.default_rng(1)
    for _ in range(4):
        actions = rng.integers(12, size=30)
        assert (first.step(actions)[0][order] == second.step(actions[order])[0]).all()
        assert (first.observations()["text"][order] == second.observations()["text"]).all()
        assert (first.infos(text=True)["explanation"]["text"][order] == second.infos(text=True)["explanation"]["text"]).all()


def test_rows_may_begin_at_different_times():
    """A row that begins anew while others play on changes nothing in them."""
    task, reference = (gym_causal.make_task(ENV_ID, 2) for _ in range(2))
    for each in (task, reference):
        each.seed(3)
        each.begin(np.arange(2), np.arange(2))
        each.step(np.array([0, 4]))
    task.begin(np.array([0]), np.array([7]))
    for action in (1, 2, CHOOSE_A):
        assert task.observations()["text"][1] == reference.observations()["text"][1]
        (rewards, ended, _), (expected, expected_end, _) = task.step(np.full(2, action)), reference.step(np.full(2, action))
        assert rewards[1] == expected[1] and ended[1] == expected_end[1] == (action == CHOOSE_A) and not ended[0]


GIVEN_NAMES = ("smell", "age", "color", "motion", "shape")


@pytest.mark.parametrize("given", [None, GIVEN_NAMES])
def test_both_observations_hold_the_same(given):
    """The words of every observation can be written from the arrays."""
    kwargs = {"num_dimensions": 5, "num_objects": 4, "num_distractors": 2, "num_experiments": 2, "dimension_names": given}
    words, arrays = (gym_causal.make_vec(ENV_ID, 40, observation=observation, **kwargs) for observation in ("text", "symbolic"))
    described = (*given, "texture", "size") if given else NAMES
    names, rng = [DIMENSIONS[name] for name in described], np.random.default_rng(0)
    (texts, _), (observation, _) = words.reset(seed=0), arrays.reset(seed=0)
    for step in range(7):
        for row, text in enumerate(texts):
            one_hot = observation["objects"][row].reshape(4, 7, 8)
            lines = "".join(
                f"{'ABCD'[o]}) {' '.join(names[d][one_hot[o, d].argmax()] for d in range(7))}\n" for o in range(4) if one_hot[o].any()
            )
            written = f"There are four objects in front of me:\n{lines}"
            if step % 3:
                chosen, dimension, value = (int(observation[f"last_{name}"][row]) for name in ("object", "dimension", "value"))
                if chosen == 4:
                    outcome = ".\nThat is not possible now.\n"
                else:
                    new = f": {names[dimension][value]}" if dimension < 5 else ""
                    verdict = "rewarded!" if observation["last_rewarded"][row] else "not rewarded."
                    outcome = f"{new}.\nChoosing object {'ABCD'[chosen]} was {verdict}\n"
                written = f"{outcome}\n{written}"
            assert text == written
        actions = rng.integers(24, size=40)
        (texts, *_), (observation, *_) = words.step(actions), arrays.step(actions)


@pytest.mark.parametrize(
    ("error", "kwargs", "message"),
    [
        (ValueError, {"split": "eval"}, "split must be one of train, got 'eval'"),
        (ValueError, {"observation": "pixels"}, "observation must be one of text, symbolic, got 'pixels'"),
        (ValueError, {"explain": "reward"}, "explain must be one of none, outcome, reasoning, all, got 'reward'"),
        (ValueError, {"num_dimensions": 2}, "num_dimensions must be an int from 3 to 12, got 2"),
        (ValueError, {"num_objects": 4}, "num_objects must be an int from 3 to 3, got 4"),
        (ValueError, {"num_values": 11}, "num_values must be an int from 2 to 10, got 11"),
        (ValueError, {"num_dimensions": 10, "num_distractors": 3}, "num_distractors must be an int from 0 to 2, got 3"),
        (TypeError, {"num_experiments": 1.5}, r"num_experiments must be an int from 0 to 100, got 1\.5"),
        (ValueError, {"test_reward": 0}, "test_reward must be a number > 0 .*got 0"),
        (TypeError, {"expert_info": 1}, "expert_info must be True or False, got 1"),
        (ValueError, {"dimension_names": ("size", "taste")}, r"dimension_names must be None or 3 different ones of color, .*'taste'\)"),
        (ValueError, {"dimension_names": ("size", "taste", "size")}, "dimension_names must be None or 3 different"),
        (ValueError, {"dimension_names": ("size", "taste", "weight")}, "dimension_names must be None or 3 different"),
        (ValueError, {"value_words": ("size",)}, "value_words must be None or 3 different ones of color"),
        (
            ValueError,
            {"value_words": ("size", "age", "taste"), "num_distractors": 1},
            "num_distractors must be 0 where value_words are given",
        ),
        (TypeError, {"dimension_names": "size"}, "dimension_names must be .* in a tuple or list, got 'size'"),
        (
            ValueError,
            {"dimension_names": ("size", "taste", "age"), "rewarded_dimensions": ("color",)},
            r"rewarded_dimensions must be None or one or more different ones of size, taste, age, got \('color',\)",
        ),
        (ValueError, {"rewarded_dimensions": ("size",)}, r"rewarded_dimensions must be None or .* color, shape, texture, got \('size',\)"),
        (ValueError, {"rewarded_dimensions": ("shape", "shape")}, "rewarded_dimensions must be None or one or more different"),
        (ValueError, {"rewarded_dimensions": []}, r"rewarded_dimensions must be .*, got \[\]"),
        (TypeError, {"rewarded_dimensions": "shape"}, "rewarded_dimensions must be .* in a tuple or list, got 'shape'"),
    ],
)
def test_bad_arguments_are_named(error, kwargs, message):
    with pytest.raises(error, match=message):
        gym_causal.make_vec(ENV_ID, 2, **kwargs)


def test_there_are_no_reset_options():
    venv = gym_causal.make_vec(ENV_ID, 2)
    with pytest.raises(ValueError, match=r"options must be None or empty, got \['model'\]"):
        venv.reset(seed=0, options={"model": 1})
