"""Free text is read by explicit rules, and never turned into an action that it does not name."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st

import gym_causal
from gym_causal.text_actions import INVALID_TEXT, TextActions, parse_action

TRANSFORMS = tuple(f"I transform object {letter} into a different {name}" for letter in "ABC" for name in ("color", "shape", "texture"))
CHOICES = tuple(f"I choose object {letter}" for letter in "ABC")
SETTINGS = ("I set A to +5", "I set B to +5", "I set A to -5", "I set B to -5")


@pytest.mark.parametrize(
    ("text", "sentences", "expected"),
    [
        ("I choose object B", CHOICES, 1),
        ("I choose object B.", CHOICES, 1),
        ("i CHOOSE Object b!", CHOICES, 1),
        ("I think that shape pays, so I choose object C because it is unique.", CHOICES, 2),
        ("\n\n  I choose object A\nChoosing object A was rewarded!", CHOICES, 0),
        ("Reasoning: B is the only star.\nI choose object B.\nI choose object C.", CHOICES, 1),  # the first line with a sentence
        ("I choose object B, yes, I choose object B.", CHOICES, 1),
        ("I choose object B. No, I choose object C.", CHOICES, None),
        ("I do not choose object B", CHOICES, None),
        ("I choose object D", CHOICES, None),
        ("I choose object", CHOICES, None),
        ("I choose object BC", CHOICES, None),
        ("B", CHOICES, 1),
        ("b", CHOICES, 1),
        (" (B) ", CHOICES, 1),
        ("B.\nand more", CHOICES, 1),
        ("object B", CHOICES, 1),
        ("choose object B", CHOICES, None),
        ("B or C", CHOICES, None),
        ("B) green pentagon solid", CHOICES, None),
        ("Answer: B", CHOICES, None),
        ("I transform object A into a different color", CHOICES, None),
        ("", CHOICES, None),
        ("\n", CHOICES, None),
        ("?!", CHOICES, None),
        ("I transform object C into a different texture: striped.", TRANSFORMS, 8),
        ("C texture", TRANSFORMS, 8),
        ("C, texture.", TRANSFORMS, 8),
        ("object C texture", TRANSFORMS, 8),
        ("C into a different texture", TRANSFORMS, 8),
        ("object C into a different TEXTURE", TRANSFORMS, 8),
        ("c texture", TRANSFORMS, None),
        ("A texture", TRANSFORMS, 2),
        ("a texture", TRANSFORMS, None),  # an article
        ("A different texture", TRANSFORMS, None),
        ("texture", TRANSFORMS, None),
        ("C", TRANSFORMS, None),
        ("I choose object B", TRANSFORMS, None),
        ("I set B to -5.", SETTINGS, 3),
        ("I set B to 5", SETTINGS, None),
        ("I set B to +50", SETTINGS, None),
        ("I set B to +5.5", SETTINGS, None),
        ("B -5", SETTINGS, 3),
        ("B to -5", SETTINGS, 3),
        ("set B to -5", SETTINGS, 3),
        ("-5", SETTINGS, None),
        ("I choose object B", ("I choose object B",), 0),
        ("B", ("I choose object B",), None),  # nothing tells it from other sentences
        ("B", (), None),
        ("B", ("I choose object A", "I take the object B"), None),
        ("I take the object B", ("I choose object A", "I take the object B"), 1),
    ],
)
def test_rules(text, sentences, expected):
    assert parse_action(text, sentences) == expected


@given(st.text() | st.text(alphabet="ABCabcI .\n5+-object"), st.sampled_from([TRANSFORMS, CHOICES, SETTINGS]))
def test_what_is_read_was_written(text, sentences):
    """Whatever is read, all words that tell its sentence from the others are in the text."""
    index = parse_action(text, sentences)
    if index is not None:
        differing = {word for word in sentences[index].split() if any(word not in other.split() for other in sentences)}
        assert all(word.casefold() in text.casefold() for word in differing)


@given(st.data(), st.sampled_from([TRANSFORMS, CHOICES, SETTINGS]))
def test_every_sentence_is_read_with_text_around_it(data, sentences):
    index = data.draw(st.integers(0, len(sentences) - 1))
    around = st.text(alphabet="xyz ,.;\n", max_size=20)
    text = f"{data.draw(around)} {sentences[index]} {data.draw(around)}"
    assert parse_action(data.draw(st.sampled_from([text, text.upper(), text.lower()])), sentences) == index


@pytest.mark.parametrize("env_id", ["OddOneOutText-v0", "CausalDAGText-v0"])
def test_sentences_play_as_their_actions_do(env_id):
    words, numbers = TextActions(gym.make(env_id, explain="all")), gym.make(env_id, explain="all")
    (observation, info), (expected, expected_info) = words.reset(seed=3), numbers.reset(seed=3)
    done, rng = False, np.random.default_rng(0)
    while not done:
        assert observation == expected and info.pop("invalid_actions") == 0
        assert info["explanation"]["text"] == expected_info["explanation"]["text"]
        legal = np.flatnonzero(numbers.unwrapped.action_masks())
        position = int(rng.integers(len(legal)))
        observation, reward, done, cut, info = words.step(f"{info['admissible_actions'][position]}.")
        expected, expected_reward, expected_done, _, expected_info = numbers.step(int(legal[position]))
        assert (reward, done, cut) == (expected_reward, expected_done, False)
    assert observation == expected


def test_what_cannot_be_read_changes_nothing_and_is_counted():
    env, reference = TextActions(gym.make("OddOneOutText-v0"), max_invalid=3), gym.make("OddOneOutText-v0")
    _, info = env.reset(seed=0)
    reference.reset(seed=0)
    for count in (1, 2):
        observation, reward, terminated, truncated, invalid = env.step("hm")
        assert (observation, reward, terminated, truncated) == (INVALID_TEXT, 0.0, False, False)
        assert invalid["invalid_actions"] == count and invalid["admissible_actions"] == info["admissible_actions"]
        assert observation in env.observation_space
    first = env.step("I transform object A into a different color")
    assert first[0] == reference.step(0)[0] and first[-1]["invalid_actions"] == 2
    assert not env.step("I choose object A")[3] and not env.step("")[3]  # not possible in an experiment; three in a row truncate
    assert env.step("A texture")[0] == reference.step(2)[0]
    results = [env.step("hm") for _ in range(3)]
    assert [result[3] for result in results] == [False, False, True] and results[-1][-1]["invalid_actions"] == 7
    with pytest.raises(gym.error.ResetNeeded, match="the episode is over"):
        env.step("A texture")
    assert env.reset()[1]["invalid_actions"] == 0


def test_an_info_is_the_users_own():
    env = TextActions(gym.make("OddOneOutText-v0", explain="all"))
    info = env.reset(seed=0)[1]
    info["explanation"]["tokens"][:] = 0
    assert env.step("hm")[-1]["explanation"]["tokens"].any()


def test_the_wrapper_is_a_gymnasium_env():
    env = TextActions(gym.make("CausalDAGText-v0"), max_invalid=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version")
        check_env(env, skip_render_check=True)
    if not gym.__version__.startswith("0.29"):  # whose specs do not hold wrappers
        again = gym.make(env.spec)
        again.reset(seed=0)
        assert [again.step("hm")[3] for _ in range(2)] == [False, True]


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="env must be a text env, got"):
        TextActions(gym.make("CausalDAG-v0"))
    with pytest.raises(ValueError, match="max_invalid must be an int from 1 to"):
        TextActions(gym.make("OddOneOutText-v0"), max_invalid=0)
    env = TextActions(gym.make("OddOneOutText-v0"))
    with pytest.raises(gym.error.ResetNeeded, match="call reset first"):
        env.step("B")
    env.reset(seed=0)
    with pytest.raises(TypeError, match="action must be a str, got 3"):
        env.step(3)


def test_vector_envs_offer_sentences_too():
    venv = gym_causal.make_vec("OddOneOutText-v0", 4)
    _, infos = venv.reset(seed=0)
    assert infos["admissible_actions"].shape == (4,) and infos["admissible_actions"][2] == TRANSFORMS
