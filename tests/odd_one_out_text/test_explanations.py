"""Every statement of an explanation follows from the words of the game so far, whoever plays."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gym_causal
from tests.odd_one_out_text.games import GivenTask
from tests.odd_one_out_text.reader import GameReader
from tests.odd_one_out_text.test_game import arguments

ENV_ID = "OddOneOutText-v0"
PLAYERS = {"expert": 1.0, "legal": 0.0, "mixed": 0.5, "any": -1.0}  # how often the expert's action is taken; any: also illegal ones


def play(task, player: str, rng: np.random.Generator) -> np.ndarray:
    masks = task.action_masks() | (player == "any")
    random = np.where(masks, rng.random(masks.shape), -1.0).argmax(axis=1)
    return np.where(rng.random(task.num_envs) < PLAYERS[player], task.expert_actions(), random)


def check_games(task, player: str, rng: np.random.Generator) -> np.ndarray:
    """Play an episode of each row, and check everything that is explained; returns the (B,) dimensions that reasoning begins with."""
    config, rows = task.config, np.arange(task.num_envs)
    readers = [GameReader(config.dimensions, config.value_words, config.num_experiments) for _ in rows]
    first = np.full(task.num_envs, -1)
    outcome_explanations = [""] * task.num_envs
    for trial in range(config.trials + 1):
        texts = task.infos(text=True)["explanation"]["text"]
        prompts, reasoning = task.prompt_texts(), task.reasoning_texts()
        assert task.outcome_explanations().tolist() == outcome_explanations
        if trial == config.trials:
            assert not any(prompts) and not any(reasoning) and texts.tolist() == outcome_explanations
            return first
        for row, reader in enumerate(readers):
            reader.read_prompt(prompts[row])
            goes_by = reader.check_reasoning(reasoning[row])
            first[row] = config.dimensions.index(goes_by) if trial == 0 else first[row]
            assert texts[row] == " ".join(filter(None, (outcome_explanations[row], reasoning[row])))
            sentence = task.sentences[task.expert_actions()[row]]
            how = config.target_reasoning if reader.is_test else "direct"
            assert ("like A" in reasoning[row]) == (how in ("comparisons", "descriptions", "search", "judgements", "evidence"))
            assert ("So far, " in reasoning[row]) == (
                config.belief_reasoning == "evidence"
                or (config.belief_reasoning == "descriptions" and "The rewarding" in reasoning[row] and not reader.paid)
            )
            assert not (config.belief_reasoning == "evidence" and re.search("must be|rewarded for", reasoning[row]))
            described = {
                "descriptions": [*config.dimensions, goes_by],
                "search": config.dimensions[: config.dimensions.index(goes_by) + 1],
                "judgements": config.dimensions,
                "evidence": config.dimensions,
            }.get(how, ())
            judged = how in ("search", "judgements")
            choice = f", so I go for {sentence[-1]}" if how in ("judgements", "evidence") else ""
            assert re.findall(", so I go for .", reasoning[row]) == [choice] * bool(choice)
            assert re.findall(r"In (\w+), A\)", reasoning[row]) == [*described]
            assert re.findall(r"and (\w+) does not count", reasoning[row]) == [name for name in described if judged and name != goes_by]
            assert ("A) " in reasoning[row]) == (how != "direct")
            if judged or how == "evidence":  # the expert does what its reasoning says
                verdict = "counts" if judged else reader.state(goes_by)
                assert f"so {sentence[-1]} has a unique {goes_by}, and {goes_by} {verdict}{choice}." in reasoning[row]
            elif reader.is_test:
                assert f"Object {sentence[-1]} is the only" in reasoning[row]
            else:
                assert sentence.endswith(f" {goes_by}")
        actions = play(task, player, rng)
        task.step(actions)
        outcomes = task.outcome_texts()
        outcome_explanations = [
            reader.read_outcome(task.sentences[action], outcome) for reader, action, outcome in zip(readers, actions, outcomes, strict=True)
        ]
    return first


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"rewarded_dimensions": ("texture",)},
        {"target_reasoning": "values"},
        {"target_reasoning": "comparisons"},
        {"target_reasoning": "descriptions"},
        {"belief_reasoning": "descriptions"},
        {"belief_reasoning": "descriptions", "num_dimensions": 5, "num_experiments": 5},
        {"target_reasoning": "descriptions", "num_dimensions": 5, "num_objects": 4, "num_distractors": 2},
        {"target_reasoning": "search", "belief_reasoning": "descriptions"},
        {"target_reasoning": "search", "num_dimensions": 5, "num_objects": 4, "num_distractors": 2, "num_experiments": 2},
        {"target_reasoning": "judgements", "belief_reasoning": "descriptions"},
        {"target_reasoning": "judgements", "num_dimensions": 5, "num_objects": 4, "num_distractors": 2, "num_experiments": 2},
        {"target_reasoning": "evidence", "belief_reasoning": "evidence"},
        {"target_reasoning": "evidence", "belief_reasoning": "evidence", "num_dimensions": 5, "num_objects": 4, "num_experiments": 3},
        {"target_reasoning": "evidence"},
        {"belief_reasoning": "evidence", "num_distractors": 2},
        {"num_dimensions": 6, "num_objects": 4, "num_distractors": 2, "num_experiments": 2},
        {"num_dimensions": 12, "num_objects": 12, "num_experiments": 12, "num_values": 2},
        {"dimension_names": ("age", "shape", "taste"), "rewarded_dimensions": ("taste",), "num_distractors": 1},
        {"dimension_names": ("age", "shape", "taste"), "value_words": ("shape", "size", "color")},
    ],
    ids=[
        *(
            "default",
            "held_out",
            "values",
            "comparisons",
            "descriptions",
            "described_belief",
            "described_belief_of_more",
            "descriptions_of_more",
            "search",
            "search_of_more",
            "judgements",
            "judgements_of_more",
            "evidence",
            "evidence_of_more",
            "evidence_for_the_target",
            "evidence_for_the_belief",
        ),
        *("more_dimensions", "largest", "named", "named_otherwise"),
    ],
)
def test_every_statement_follows_from_the_game(player, kwargs):
    task = gym_causal.make_task(ENV_ID, 120, explain="all", **kwargs)
    task.seed(7)
    task.begin(np.arange(120), np.arange(120))
    first = check_games(task, player, np.random.default_rng(0))
    # Where the expert begins has nothing to do with what is rewarded.
    rate, expected = (first == task.infos(text=False)["rewarded_dimension"]).mean(), 1 / task.config.num_dimensions
    assert abs(rate - expected) < 4 * np.sqrt(expected * (1 - expected) / 120)


@settings(max_examples=25)
@given(arguments, st.integers(0, 2**32), st.sampled_from(sorted(PLAYERS)))
def test_also_with_any_arguments(kwargs, seed, player):
    task = gym_causal.make_task(ENV_ID, 5, explain="all", **kwargs)
    task.seed(seed)
    task.begin(np.arange(5), np.arange(5))
    check_games(task, player, np.random.default_rng(seed))


def test_what_looks_the_same_is_explained_the_same():
    """Two games that differ in nothing but the rewarded dimension have the same explanations until an outcome tells them apart."""
    drawn = gym_causal.make_task(ENV_ID, 60, explain="all")
    drawn.seed(1)
    everything, rng, compared = drawn.stream.take(np.arange(60)), np.random.default_rng(0), 0
    for row in range(60):
        episode = type(everything)(**{name: value[row : row + 1] for name, value in vars(everything).items()})
        tasks = [GivenTask(drawn.config, dataclasses.replace(episode, rewarded=np.array([rewarded]))) for rewarded in range(3)]
        for task in tasks:
            task.seed(0)
            task.begin(np.array([0]), np.array([0]))
        actions = [*rng.integers(9, size=3), rng.integers(9, 12)]
        history = ["", "", ""]
        for action in actions:
            explained = [task.infos(text=True)["explanation"]["text"][0] for task in tasks]
            masks = [task.infos(text=False)["admissible_actions"][0] for task in tasks]
            for other in (1, 2):
                if history[other] == history[0]:
                    assert explained[other] == explained[0] and masks[other] == masks[0]
                    compared += 1
            for k, task in enumerate(tasks):
                task.step(np.array([action]))
                history[k] += task.outcome_texts()[0]
    assert compared > 150


@pytest.mark.parametrize("explain", ["none", "outcome", "reasoning", "all"])
def test_the_two_kinds_are_switched_independently(explain):
    kinds = {"none": set(), "all": {"outcome", "reasoning"}}.get(explain, {explain})
    task, reference = (gym_causal.make_task(ENV_ID, 20, explain=mode) for mode in (explain, "all"))
    for each in (task, reference):
        each.seed(0)
        each.begin(np.arange(20), np.arange(20))
    for trial in range(5):
        explanation = task.infos(text=True)["explanation"]
        expected = [
            " ".join(filter(None, parts))
            for parts in zip(
                reference.outcome_explanations() if "outcome" in kinds else [""] * 20,
                reference.reasoning_texts() if "reasoning" in kinds else [""] * 20,
                strict=True,
            )
        ]
        assert explanation["text"].tolist() == expected
        given_kinds = {kind for kind in kinds if (kind == "outcome" and trial > 0) or (kind == "reasoning" and trial < 4)}
        assert {*explanation["kind"][0].split("+")} == (given_kinds or {"none"})
        assert (task.reasoning_texts() == reference.reasoning_texts()).all()  # whatever the argument is
        assert (task.outcome_explanations() == reference.outcome_explanations()).all()
        if kinds:
            assert task.explanations.num_tokens == explanation["tokens"].shape[1] and explanation["tokens"].dtype == np.int16
            assert task.describe_tokens(explanation["tokens"]) == expected
        if trial < 4:
            actions = np.random.default_rng(trial).integers(9, size=20) if trial < 3 else np.full(20, 10)
            task.step(actions)
            reference.step(actions)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.sampled_from(["none", "outcome", "reasoning", "all"]))
def test_any_tokens_can_be_put_into_words(seed, explain):
    task = gym_causal.make_task(ENV_ID, 1, explain=explain, num_dimensions=4)
    tokens = np.random.default_rng(seed).integers(len(task.explanations.vocabulary), size=(20, task.explanations.num_tokens))
    texts = task.describe_tokens(tokens)
    assert len(texts) == 20 and all(isinstance(text, str) for text in texts)


def test_a_belief_that_tokens_do_not_say_is_left_out():
    task = gym_causal.make_task(ENV_ID, 1, explain="reasoning", belief_reasoning="descriptions")
    task.seed(0)
    task.begin(np.arange(1), np.arange(1))
    tokens = task.infos(text=False)["explanation"]["tokens"]
    assert "So far, color is left, shape is left and texture is left." in task.describe_tokens(tokens)[0]
    tokens[0, 2] = 0  # the belief about shape
    assert "So far, color is left and texture is left. The rewarding dimension may be color or texture." in task.describe_tokens(tokens)[0]
    tokens[0, 1:4] = 0
    assert "So far" not in task.describe_tokens(tokens)[0]


def test_groups_of_tokens():
    task = gym_causal.make_task(ENV_ID, 6, explain="all")
    task.seed(0)
    task.begin(np.arange(6), np.arange(6))
    words = task.explanations.vocabulary
    for trial in range(4):
        tokens = task.infos(text=False)["explanation"]["tokens"]
        groups = task.explanation_groups(tokens)
        assert {name: bool(mask.all()) for name, (mask, _) in groups.items()} == {
            "outcome": trial > 0,
            "belief": True,
            "intention": True,
            "target": trial == 3,
        }
        row = [[words[token] for token in tokens[0, columns]] for _, columns in groups.values()]
        assert all(word in ("ruled out", "may be", "must be") for word in row[1]) and row[2][0] == ("choose" if trial == 3 else "transform")
        task.step(task.expert_actions())
    assert words[tokens[0, 2]] == "reasoning" and len(words) == len(set(words)) + 2  # "must be" and "was rewarded" have two places each
