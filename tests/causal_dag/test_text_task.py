"""``CausalDAGText-v0``: the same episodes as ``CausalDAG-v0``, in words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import gym_causal
from gym_causal.scm import StructuralCausalModels
from tests.conftest import same
from tests.test_invariants import without_final, without_text

NUMBERS = re.compile(r"([A-Z]+) ([+-]\d+\.\d)(?!\d)")


def pair(num_envs: int, wording: dict[str, Any] | None = None, **kwargs):
    """The task in words and in arrays, at the start of the same episodes; ``wording`` are arguments of the former alone."""
    words = gym_causal.make_task("CausalDAGText-v0", num_envs, **kwargs, **(wording or {}))
    arrays = gym_causal.make_task("CausalDAG-v0", num_envs, **kwargs)
    for task in (words, arrays):
        task.seed(2)
        task.begin(np.arange(num_envs), np.arange(num_envs))
    return words, arrays


def actions_of(task, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(task.num_envs) < 0.5, task.expert_actions(), rng.integers(task.action_space.n, size=task.num_envs))


def read(line: str) -> list[float]:
    """The values in a sentence, in order of the variables."""
    return [float(value) for _, value in NUMBERS.findall(line)]


@pytest.mark.parametrize("split", ["train", "eval_target", "eval_path", "unrestricted"])
@pytest.mark.parametrize("num_envs", [3, 40])
def test_words_say_what_arrays_hold(split, num_envs):
    words, arrays = pair(num_envs, split=split)
    rng, names, rewards = np.random.default_rng(0), "ABCDE", np.zeros(num_envs)
    for trial in range(8):
        observation, prompts, outcomes = arrays.observations(), words.prompt_texts(), words.outcome_texts()
        assert (words.observations()["text"] == outcomes + prompts).all()
        for row in range(num_envs):
            goal = int(observation["goal"][row])
            if trial < 7:
                assert np.allclose(read(prompts[row]), observation["initial_values"][row], atol=0.0501)
                assert (f"My goal is to make {names[goal % 5]} large" in prompts[row]) == (goal < 5)
                numbering = f"Experiment {trial + 1} of 5." if trial < 5 else f"Choice {trial - 4} of 2."
                assert numbering in prompts[row]
            if trial:
                said, *paid = outcomes[row].split(" I was paid ")
                assert np.allclose(read(said), observation["last_outcome"][row], atol=0.0501)
                assert ("That is not possible now." in said) == (not observation["last_intervention"][row].any())
                assert bool(paid) == (trial > 5) and (not paid or abs(float(paid[0].rstrip(".\n")) - rewards[row]) <= 0.0501)
        if trial < 7:
            assert (words.expert_actions() == arrays.expert_actions()).all() and (words.action_masks() == arrays.action_masks()).all()
            actions = actions_of(arrays, rng)
            rewards = words.step(actions)[0]
            assert np.array_equal(rewards, arrays.step(actions)[0])
            assert words.step_scores().keys() == arrays.step_scores().keys()
    assert not any(words.prompt_texts())


@pytest.mark.parametrize("explain", ["none", "outcome", "full", "reasoning", "target", "all"])
@pytest.mark.parametrize("num_envs", [2, 40])
def test_explanations_are_those_of_the_other_env(explain, num_envs):
    """Also those that the argument leaves out can be asked for."""
    words, arrays = pair(num_envs, explain=explain)
    references = {mode: pair(num_envs, explain=mode)[1] for mode in ("full", "reasoning")}
    rng = np.random.default_rng(1)
    for trial in range(8):
        infos, expected = words.infos(text=True), arrays.infos(text=True)
        sentences = infos.pop("admissible_actions")
        assert same(infos, expected)
        for row, mask in enumerate(arrays.action_masks()):
            every = [f"I set {name} to {sign}5" for sign in "+-" for name in "ABCDE"]
            assert sentences[row] == tuple(sentence for sentence, legal in zip(every, mask, strict=True) if legal)
        texts = {mode: task.infos(text=True)["explanation"]["text"].tolist() for mode, task in references.items()}
        if trial % 2:  # not in every trial: what was played in between is caught up with
            assert words.outcome_explanations().tolist() == texts["full"] and words.reasoning_texts().tolist() == texts["reasoning"]
        if trial < 7:
            actions = actions_of(arrays, rng)
            for task in (words, arrays, *references.values()):
                task.step(actions)


def test_its_arrays_are_those_of_the_other_env():
    words, arrays = (
        gym_causal.make_vec(env_id, 20, explain="all", **more)
        for env_id, more in (("CausalDAGText-v0", {"observation": "symbolic"}), ("CausalDAG-v0", {}))
    )
    assert words.observation_space == arrays.observation_space
    results = [venv.reset(seed=0) for venv in (words, arrays)]
    for _ in range(10):
        assert same(results[0][0], results[1][0])
        infos = [without_text(without_final(result[-1])) for result in results]
        assert same({key: value for key, value in infos[0].items() if key != "admissible_actions"}, infos[1])
        results = [venv.step(venv.expert_actions()) for venv in (words, arrays)]


def test_a_model_of_ones_own_and_many_variables():
    """A chain of hand-made effects in words; and names of two letters."""
    model = StructuralCausalModels.from_weights(np.diag(np.ones(4), 1), noise_scale=0.0)
    venv = gym_causal.make_vec("CausalDAGText-v0", 1)
    (text,), _ = venv.reset(seed=0, options={"model": model, "goal": "E"})
    assert text == "Experiment 1 of 5. The values are A +0.0, B +0.0, C +0.0, D +0.0 and E +0.0.\n"
    (text,), *_ = venv.step([1])
    assert text.startswith(".\nThen the values were A +0.0, B +5.0, C +5.0, D +5.0 and E +5.0.\n\nExperiment 2 of 5. ")
    assert venv.task.outcome_explanations()[0].startswith("Setting B to +5 moves C by +5, directly, moves D by +5, through C, ")
    large = gym_causal.make_vec("CausalDAGText-v0", 2, num_variables=30, weight_range=(900, 1000), num_exploration_trials=1)
    observations, infos = large.reset(seed=0)
    assert len(infos["admissible_actions"][0]) == 60
    for _ in range(4):  # an episode has three trials
        assert observations in large.observation_space and "AD " in observations[1]
        observations, *_, infos = large.step(np.array([29, 4]))
    assert len(infos["admissible_actions"][0]) == 58


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_changes_are_shown_in_place_of_values(decimals):
    words, arrays = pair(20, {"outcomes": "changes", "decimals": decimals})
    fraction = rf"[.]\d{{{decimals}}}" if decimals else ""
    number, tolerance = re.compile(rf"[A-E] ([+-]\d+{fraction})(?=[,. ])"), 0.5001 * 10**-decimals
    rng = np.random.default_rng(0)
    for _ in range(7):
        actions = actions_of(arrays, rng)
        for task in (words, arrays):
            task.step(actions)
        observation, outcomes = arrays.observations(), words.outcome_texts()
        for row in range(20):
            said = [float(each) for each in number.findall(outcomes[row].split(" I was paid ")[0])]
            change = observation["last_outcome"][row] - observation["last_initial_values"][row]
            assert np.allclose(said, change, atol=tolerance, rtol=0) and "-0," not in outcomes[row]
            assert "Then the values had changed by A " in outcomes[row] and "The values are" not in words.prompt_texts()[row]


EFFECT = re.compile(r"(\w+) at ([+-]5) moved (\w+) by ([+-]\d+\.\d)")


@pytest.mark.parametrize("num_envs", [1, 30])
def test_effects_are_shown_with_both_names(num_envs):
    words, arrays = pair(num_envs, {"outcomes": "effects"})
    rng, illegal = np.random.default_rng(0), 0
    for _ in range(7):
        actions = actions_of(arrays, rng)
        for task in (words, arrays):
            task.step(actions)
        observation, outcomes = arrays.observations(), words.outcome_texts()
        assert all(text in words.observation_space for text in [{"text": each} for each in outcomes])
        for row in range(num_envs):
            change = observation["last_outcome"][row] - observation["last_initial_values"][row]
            if not observation["last_intervention"][row].any():
                assert outcomes[row].startswith(".\nThat is not possible now.\nThen the values had changed by A ")
                illegal += 1
                continue
            target = int(actions[row] % 5)
            others = [variable for variable in range(5) if variable != target]
            found = EFFECT.findall(outcomes[row])
            assert [(name, value, other) for name, value, other, _ in found] == [
                ("ABCDE"[target], "+5" if actions[row] < 5 else "-5", "ABCDE"[other]) for other in others
            ]
            assert np.allclose([float(said) for *_, said in found], change[others], atol=0.0501, rtol=0)
            assert "The values are" not in words.prompt_texts()[row]
    assert illegal or num_envs == 1


def test_the_longest_effects_are_observations():
    venv = gym_causal.make_vec(
        "CausalDAGText-v0", 1, num_variables=30, outcomes="effects", intervention_value=1e5, weight_range=(900, 1000), decimals=6
    )
    observations, _ = venv.reset(seed=0)
    for _ in range(3):
        assert observations in venv.observation_space
        observations, *_ = venv.step(np.array([59]))  # AD, to a negative value


@pytest.mark.parametrize("target_reasoning", ["direct", "comparisons"])
def test_variables_can_be_called_otherwise(target_reasoning):
    names = ("D", "Q", "AB", "E", "A")
    tasks = [
        gym_causal.make_task("CausalDAGText-v0", 20, target_reasoning=target_reasoning, **more)
        for more in ({}, {"variable_names": names, "held_out_link": ("E", "A")})
    ]
    renamed = dict(zip("ABCDE", names, strict=True))

    def rename(texts):
        return [re.sub(r"\b[A-E]\b", lambda found: renamed[found[0]], text) for text in texts]

    assert list(tasks[1].sentences) == rename(tasks[0].sentences)
    assert "5 variables, D, Q, AB, E and A, and some" in tasks[1].instructions
    for task in tasks:
        task.seed(0)
        task.begin(np.arange(20), np.arange(20))
    for trial in range(8):
        assert tasks[1].prompt_texts().tolist() == rename(tasks[0].prompt_texts())
        assert tasks[1].outcome_texts().tolist() == rename(tasks[0].outcome_texts())
        assert tasks[1].reasoning_texts().tolist() == rename(tasks[0].reasoning_texts())
        assert tasks[1].outcome_explanations().tolist() == rename(tasks[0].outcome_explanations())
        if trial < 7:
            actions = tasks[0].expert_actions()
            for task in tasks:
                task.step(actions)


def test_a_held_out_link_has_the_names_that_are_given():
    task = gym_causal.make_task("CausalDAGText-v0", 1, variable_names=["D", "H", "E", "B", "J"], held_out_link=("D", "E"))
    assert (task.config.link.cause, task.config.link.effect) == (0, 2)
    with pytest.raises(ValueError, match=r"held_out_link: a variable must be one of D\.\.J or 0\.\.4, got 'A'"):
        gym_causal.make_task("CausalDAGText-v0", 1, variable_names=["D", "H", "E", "B", "J"], held_out_link=("A", "E"))


COMPARED = {
    outcomes: re.compile(rf"{words} ([+-]\d+)(?:, (more than|less than|as much as) (.))?\.")
    for outcomes, words in (("changes", r"Set (.) to ([+-]5): (.)"), ("effects", r"(.) at ([+-]5) moved (.) by"))
}
RELATIONS = {-1: "less than", 0: "as much as", 1: "more than"}


@pytest.mark.parametrize("num_envs", [1, 200])
@pytest.mark.parametrize("outcomes", COMPARED)
def test_compared_changes_follow_from_what_was_shown(outcomes, num_envs):
    """Every change is that of the last trial that set the variable, and every comparison and conclusion follows from the changes."""
    wording = {"outcomes": outcomes, "decimals": 0, "target_reasoning": "comparisons"}
    words, _ = pair(num_envs, wording, explain="reasoning", num_exploitation_trials=3)
    plain, _ = pair(num_envs, num_exploitation_trials=3)
    shown: list[dict[str, tuple[str, dict[str, str]]]] = [{} for _ in range(num_envs)]  # variable -> value, changes of all
    rng, relations = np.random.default_rng(3), set()
    for trial in range(8):
        assert (words.infos(text=True)["explanation"]["text"] == words.reasoning_texts()).all()
        without, texts = plain.reasoning_texts(), words.reasoning_texts()
        for row, text in enumerate(texts):
            sentences = COMPARED[outcomes].findall(text)
            if trial < 5:
                assert text == without[row]
                continue
            goal = text.removeprefix("The goal is ")[0]
            known = {name: each for name, each in shown[row].items() if name != goal}
            assert [name for name, *_ in sentences] == sorted(known)
            sizes: dict[str, int] = {}
            for name, value, of, change, relation, other in sentences:
                assert (value, of, change) == (known[name][0], goal, known[name][1][goal])
                size, largest = abs(int(change)), max(sizes.values(), default=0)
                assert (
                    (other == relation == "") if not sizes else (sizes[other] == largest and relation == RELATIONS[np.sign(size - largest)])
                )
                relations.add(relation)
                sizes[name] = size
            for name, of in re.findall(r"So (.) moved (.) most\.", text):
                assert of == goal and sizes[name] == max(sizes.values())
            assert ("So " in text) == bool(sizes)
        actions = actions_of(words, rng)
        before = words.symbolic_observations()["goal"]
        for task in (words, plain):
            task.step(actions)
        for row, (action, text) in enumerate(zip(actions, words.outcome_texts(), strict=True)):
            if action % 5 != before[row]:  # the goal may not be set
                changes = dict(re.findall(r"([A-E])(?: by)? ([+-]\d+)", text.split("I was paid")[0]))
                shown[row]["ABCDE"[action % 5]] = ("+5" if action < 5 else "-5", changes)
    assert num_envs == 1 or relations == {"", *RELATIONS.values()}


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="decimals must be an int from 0 to 6, got 7"):
        gym_causal.make_task("CausalDAGText-v0", decimals=7)
    with pytest.raises(ValueError, match="outcomes must be one of values, changes, effects, got 'differences'"):
        gym_causal.make_task("CausalDAGText-v0", outcomes="differences")
    with pytest.raises(ValueError, match="target_reasoning must be one of direct, comparisons, got 'values'"):
        gym_causal.make_task("CausalDAGText-v0", target_reasoning="values")
    with pytest.raises(ValueError, match="observation must be one of text, symbolic, got 'words'"):
        gym_causal.make_task("CausalDAGText-v0", observation="words")
    with pytest.raises(ValueError, match=r"variable_names must be None or 5 different ones of A to ZZ, got \['A', 'B'\]"):
        gym_causal.make_task("CausalDAGText-v0", variable_names=["A", "B"])
    with pytest.raises(ValueError, match="variable_names must be None or 2 different ones of A to ZZ"):
        gym_causal.make_task("CausalDAGText-v0", num_variables=2, variable_names=["A", "speed"])
    with pytest.raises(ValueError, match="num_variables must be an int from 2 to 702, got 1"):
        gym_causal.make_task("CausalDAGText-v0", num_variables=1)
