"""Reasoning explanations: every statement follows from the observations of the episode and the action that the expert takes."""

from __future__ import annotations

import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.scm import StructuralCausalModels
from tests.causal_dag.history import FACTS_OF, FINDINGS, NAMES, REASONS, History, direction
from tests.conftest import row, same

PARTS = tuple(FACTS_OF)
SPLITS = ("train", "eval_target", "eval_path", "unrestricted")
CASES: list[tuple[str, dict[str, Any], int]] = [
    *((env_id, {"split": split}, 30) for env_id in ("CausalDAG-v0", "CausalDAGCued-v0") for split in SPLITS),
    ("CausalDAG-v0", {"exploration_sign": "random"}, 5),  # few enough rows to be read from a table
    ("CausalDAGCued-v0", {"exploration_sign": "random"}, 3),
    ("CausalDAG-v0", {"expert_exploration": "random", "exploration_sign": "random", "num_exploration_trials": 7}, 30),
    ("CausalDAG-v0", {"num_exploration_trials": 8, "num_exploitation_trials": 3, "shared_noise": True}, 30),
    ("CausalDAG-v0", {"num_exploration_trials": 0, "intervention_value": 0.7}, 30),
    ("CausalDAGCued-v0", {"num_exploration_trials": 2, "expert_temperature": 100.0, "intervention_value": 40}, 30),
    ("CausalDAG-v0", {"noise_scale_mean": 0.0, "noise_scale_std": 0.0, "num_variables": 3, "num_exploration_trials": 2}, 30),
    ("CausalDAG-v0", {"num_variables": 30, "num_exploration_trials": 4}, 5),
]
every_case = pytest.mark.parametrize(("env_id", "kwargs", "num_envs"), CASES, ids=[" ".join(map(str, case)) for case in CASES])


NOT_STATED = {"finding": -1, "intended_target": -1, "reason": -1, "target_goal": -1, "expected": -1}  # all other facts: 0


def play(env_id, kwargs, num_envs, *, explain="all", episodes=2, expert=0.5, seed=0):
    """Of every state of some episodes: how many trials were played, observations, infos and the expert's actions (None at the end).

    The expert's share of the actions is ``expert``; the others are random, so that also what is not allowed is tried.
    """
    venv = gym_causal.make_vec(env_id, num_envs, explanation_text=True, explain=explain, **kwargs)
    observations, infos = venv.reset(seed=seed)
    rng, trials, size = np.random.default_rng(seed), venv.task.config.trials, venv.single_action_space.n
    for _ in range(episodes):
        for played in range(trials):
            actions = venv.expert_actions()
            yield played, observations, infos, actions
            actions = np.where(rng.random(num_envs) < expert, actions, rng.integers(size, size=num_envs))
            observations, *_, infos = venv.step(actions)
        yield trials, infos.ended.observations, infos.ended.infos, None
        infos = {key: value for key, value in infos.items() if "final" not in key}


def check(explanation: dict[str, Any], history: History, vocabulary: tuple[str, ...]) -> None:
    """Assert that one row's explanation in the mode "all" states what follows from its history, as facts, tokens and text."""
    for name, value in history.facts().items():
        assert np.array_equal(explanation[name], np.asarray(value, explanation[name].dtype)), name
    words = [vocabulary[token] for token in explanation["tokens"]]
    expected = ["reasoning", *(word for words in history.words().values() for word in words)]
    assert words[-len(expected) :] == expected
    check_text(explanation["text"], history)


def check_text(text: str, history: History) -> None:
    """Parse every sentence of the reasoning, and check that none of its statements is missing or false."""
    found, goal = history.facts(), None if history.goal is None else NAMES[history.goal]
    said = {"not cued": set(), "not tried": set(), "tried": {}, "change": {}}
    sentences = re.split(r"(?<=\.) (?=[A-Z])", text[text.index(text_start(text)) :])
    intention = next(place for place, sentence in enumerate(sentences) if sentence.startswith("I set "))
    for sentence in sentences[:intention]:
        if sentence.startswith("Not cued: "):
            said["not cued"] = names_in(sentence.removeprefix("Not cued: "))
        elif sentence.startswith("I have not set "):
            said["not tried"] = names_in(sentence.removeprefix("I have not set "))
        elif sentence.startswith("I have set "):
            said["tried"] = {name: float(value) for name, value in re.findall(r"(\w+) to (\S+?)(?=,| and |\.$)", sentence)}
        elif sentence.startswith("The goal is "):
            assert sentence == f"The goal is {goal}."
        else:
            assert sentence.startswith(f"{goal} moved ")
            clauses = re.findall(r"(?:by (\S+)|not at all) when I set (\w+) to (\S+?)(?=,| and |\.$)", sentence)
            said["change"] = {name: (float(change or 0), float(value)) for change, name, value in clauses}
    by_finding = {kind: {NAMES[v] for v in range(history.num_variables) if history.finding(v) == kind} for kind in said}
    assert said["not cued"] == by_finding["not cued"] and said["not tried"] == by_finding["not tried"]
    assert said["tried"] == {name: pytest.approx(history.tried_value(NAMES.index(name)), abs=0.05) for name in by_finding["tried"]}
    moved = {v for v in range(history.num_variables) if "move" in history.finding(v)}
    assert said["change"].keys() == {NAMES[v] for v in moved}
    for variable in moved:
        change, value = said["change"][NAMES[variable]]
        assert is_near(change, history.change(variable)) and is_near(value, history.tried_value(variable))
    check_intention(sentences[intention], history)
    assert len(sentences) == intention + (1 if goal is None else 2)
    if goal is not None:
        check_target(sentences[-1], goal, history.expected, found["expected_change"])


def text_start(text: str) -> str:
    """The first words of the reasoning; a statement about the last trial may come before."""
    return re.search(r"Not cued:|The goal is |I have set |I have not set |I set ", text)[0]


def names_in(words: str) -> set[str]:
    return set(re.findall(r"[A-Z]+", words))


def is_near(stated: float, true: float) -> bool:
    return stated == pytest.approx(true, rel=0.5, abs=0.051) and (stated > 0) == (true > 0)


def check_intention(sentence: str, history: History) -> None:
    words = {
        "not tried": ": I have not set it yet.",
        "cued and not tried": ": it is cued and I have not set it yet.",
        "any": ": any will do.",
        "moved most": ": its experiment moved the goal most.",
        "not moved most": ", though its experiment did not move the goal most.",
        "not cued": ", though it is not cued.",
    }
    stated = re.match(r"I set (\w+) to ([+-][\d.e+]*\d)(.*)$", sentence)
    assert stated[1] == NAMES[history.intended] and is_near(float(stated[2]), history.value) and stated[3] == words[history.reason]


def check_target(sentence: str, goal: str, expected: str, change: float) -> None:
    if expected == "not tried":
        assert sentence == f"No experiment has shown what that does to {goal}."
    elif expected == "not cued":
        assert sentence == f"No experiment with it tells anything about {goal}."
    elif change == 0:
        assert sentence == f"By its experiment, that does not move {goal}."
    else:
        stated = re.match(rf"By its experiment, that moves {goal} by (\S+)\.$", sentence)
        assert is_near(float(stated[1]), change)


@every_case
def test_every_statement_follows_from_the_history(env_id, kwargs, num_envs):
    vocabulary = gym_causal.make_task(env_id, 1, explain="all", **kwargs).explanations.vocabulary
    size, is_random = float(kwargs.get("intervention_value", 5)), kwargs.get("expert_exploration") == "random"
    histories: list[list[dict[str, Any]]] = []
    for played, observations, infos, actions in play(env_id, kwargs, num_envs):
        histories = histories if played else [[] for _ in range(num_envs)]
        for b, states in enumerate(histories):
            states.append(row(observations, b))
            if actions is not None:
                check(row(infos, b)["explanation"], History(states, int(actions[b]), size, explores_at_random=is_random), vocabulary)
        if actions is None:
            facts = infos["explanation"]
            assert set(facts["kind"]) == {"reward"} and not facts["was_tried"].any() and (facts["reason"] == -1).all()
            assert "reasoning" not in {vocabulary[token] for token in np.unique(facts["tokens"])}


def test_the_cases_give_every_reason():
    """Otherwise the test above would not check them all."""
    reasons = set()
    for case in CASES:
        for *_, infos, _ in play(*case, explain="intention"):
            reasons |= set(infos["explanation"]["reason"].tolist())
    assert reasons == {-1, *range(len(REASONS))}


def test_a_statement_that_the_history_does_not_imply_is_refused():
    *states, (played, observations, infos, actions) = list(play("CausalDAG-v0", {}, 4, episodes=1, expert=1.0))[:-1]
    vocabulary = gym_causal.make_task("CausalDAG-v0", 1, explain="all").explanations.vocabulary
    explanation = row(infos, 0)["explanation"]
    history = History([*(row(state[1], 0) for state in states), row(observations, 0)], int(actions[0]), 5.0)
    check(explanation, history, vocabulary)
    assert played == 6 and explanation["kind"] == "reward+reasoning"
    for name in (name for names in FACTS_OF.values() for name in names):
        changed = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in explanation.items()}
        if changed[name].ndim:
            changed[name][0] = ~changed[name][0] if changed[name].dtype == bool else changed[name][0] + 1
        else:
            changed[name] = changed[name] + changed[name].dtype.type(1)
        with pytest.raises(AssertionError, match=name):
            check(changed, history, vocabulary)
    for place in range(28, 50):
        changed = {**explanation, "tokens": explanation["tokens"].copy()}
        changed["tokens"][place] = (changed["tokens"][place] + 1) % len(vocabulary)
        with pytest.raises(AssertionError):
            check(changed, history, vocabulary)
    numbers = [match.span() for match in re.finditer(r"[+-]\d[\d.]*\d|[+-]\d", explanation["text"])]
    for start, end in [span for span in numbers if span[0] > explanation["text"].index("The goal is")]:
        text = explanation["text"]
        with pytest.raises(AssertionError):
            check_text(f"{text[:start]}{float(text[start:end]) * -2 + 1:+.1f}{text[end:]}", history)


def two_models(weight: float) -> list[StructuralCausalModels]:
    """Without noise: A moves B, up in the one and down in the other; C and D are alone."""
    weights = np.zeros((2, 4, 4))
    weights[0, 0, 1], weights[1, 0, 1] = weight, -weight
    return [StructuralCausalModels.from_weights(w, noise_scale=0.0) for w in weights]


def test_models_with_the_same_history_are_believed_the_same():
    """What was set shows nothing of A and B, so belief and evidence are the same in both models. The expert's action is another."""
    env = gym.make("CausalDAG-v0", num_variables=4, num_exploration_trials=2, explain="reasoning").unwrapped
    given = []
    for model in two_models(2.0):
        explanations = [env.reset(seed=0, options={"model": model, "goal": "B"})[1]["explanation"]]
        explanations += [env.step(action)[-1]["explanation"] for action in (2, 7)]  # C to +5, D to -5
        given.append(explanations)
    for first, second in zip(*given, strict=True):
        for name in (*FACTS_OF["belief"], *FACTS_OF["target"]):
            assert np.array_equal(first[name], second[name]), name
        assert first["intended_target"] == second["intended_target"] and first["reason"] == second["reason"]
    assert [explanations[-1]["intended_value"] for explanations in given] == [5, -5]
    assert given[0][-1]["text"] == (
        "The goal is B. B moved not at all when I set C to +5, and not at all when I set D to -5. I have not set A. "
        "I set A to +5: I have not set it yet. No experiment has shown what that does to B."
    )


def test_words_of_a_hand_made_model():
    """A -> B with weight -2: setting A to +5 moves B by -2 (a fifth of -10), so A is set to -5. The last trial that set A counts."""
    weights = np.zeros((3, 3))
    weights[0, 1] = -2.0
    model = StructuralCausalModels.from_weights(weights, noise_scale=0.0)
    env = gym.make("CausalDAG-v0", num_variables=3, num_exploration_trials=2, num_exploitation_trials=3, explain="reasoning").unwrapped
    words = env.task.explanations.vocabulary

    def stated(info):
        return info["explanation"]["text"], [words[token] for token in info["explanation"]["tokens"]]

    env.reset(seed=0, options={"model": model, "goal": "B"})
    env.step(0)
    text, tokens = stated(env.step(2)[-1])
    assert text == (
        "The goal is B. B moved by -2 when I set A to +5, and not at all when I set C to +5. "
        "I set A to -5: its experiment moved the goal most. By its experiment, that moves B by +2."
    )
    assert tokens == [
        *("reasoning", "+", "moved down", "by 2-4", "", "goal", "", "+", "did not move", ""),
        *("A", "-", "moved most", "B", "moved up", "by 2-4"),
    ]
    text, tokens = stated(env.step(3)[-1])
    assert "B moved by +10 when I set A to -5, and" in text and text.endswith("that moves B by +10.")
    assert tokens[1:4] == ["-", "moved up", "by >=8"] and tokens[-3:] == ["B", "moved up", "by >=8"]
    before = env.step(1)[-1]["explanation"]  # the goal itself: nothing is set, and nothing is learned
    assert before["text"] == text and before["tried_value"].tolist() == [-5, 0, 5]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_the_same_part_of_all(part):
    for env_id in ("CausalDAG-v0", "CausalDAGCued-v0"):
        states = zip(play(env_id, {}, 20), play(env_id, {}, 20, explain=part), strict=True)
        for (played, _, infos, actions), (_, _, partial, _) in states:
            given, alone = infos["explanation"], partial["explanation"]
            has_goal = played >= 5
            is_given = actions is not None and (has_goal or part != "target")
            assert set(alone["kind"]) == {part if is_given else "none"}
            assert ((alone["text"] != "") == is_given).all()
            for name, names in FACTS_OF.items():
                for fact in names:
                    stated = given[fact] if name == part else np.full_like(given[fact], NOT_STATED.get(fact, 0))
                    assert same(alone[fact], stated), fact
            first = alone["tokens"].shape[1]
            expected = given["tokens"][:, -first:].copy()
            columns = {"belief": slice(1, -6), "intention": slice(-6, -3), "target": slice(-3, None)}
            for name, place in columns.items():
                if name != part:
                    expected[:, place] = 0
            expected[:, 0] *= is_given
            assert np.array_equal(alone["tokens"], expected)
            assert all(text in whole for text, whole in zip(alone["text"], given["text"], strict=True))


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "CausalDAGCued-v0"])
@pytest.mark.parametrize("num_envs", [3, 20])
def test_all_is_full_followed_by_reasoning(env_id, num_envs):
    streams = (play(env_id, {}, num_envs, explain=mode) for mode in ("full", "reasoning", "all"))
    for states in zip(*streams, strict=True):
        full, reasoning, both = (infos["explanation"] for _, _, infos, _ in states)
        assert both.keys() == full.keys() | reasoning.keys()
        for name in both.keys() - {"kind", "text", "tokens"}:
            assert same(both[name], (full if name in full else reasoning)[name]), name
        assert np.array_equal(both["tokens"], np.concatenate([full["tokens"], reasoning["tokens"]], axis=1))
        for b in range(num_envs):
            said = [explanation["kind"][b] for explanation in (full, reasoning) if explanation["kind"][b] != "none"]
            assert both["kind"][b] == "+".join(said)
            assert both["text"][b] == " ".join(filter(None, (full["text"][b], reasoning["text"][b])))


def test_the_spec_of_each_mode():
    specs = {mode: gym_causal.make_task("CausalDAG-v0", 1, explain=mode).explanations for mode in ("full", "all", "reasoning", *PARTS)}
    full, both = specs["full"], specs["all"]
    assert dict(full.modes) == {
        **{"none": (), "properties": ("properties",), "reward": ("reward",)},
        **{"full": ("properties", "reward"), "outcome": ("properties", "reward")},
        **{"belief": ("belief",), "intention": ("intention",), "target": ("target",)},
        **{"reasoning": ("reasoning",), "all": ("properties", "reward", "reasoning")},
    }
    assert both.vocabulary[: len(full.vocabulary)] == full.vocabulary and both.vocabulary[len(full.vocabulary)] == "reasoning"
    assert both.starts == (0, full.num_tokens) and both.num_tokens == full.num_tokens + specs["reasoning"].num_tokens
    for mode in ("reasoning", *PARTS):
        assert specs[mode].starts == (0,) and specs[mode].num_tokens == 22 and specs[mode].vocabulary == both.vocabulary
    assert all(spec.modes == full.modes and spec.version == 1 for spec in specs.values())


@pytest.mark.parametrize("mode", ["all", "reasoning", *PARTS])
def test_groups_are_where_their_statements_are(mode):
    task = gym_causal.make_task("CausalDAG-v0", 1, explain=mode)
    words = np.array(task.explanations.vocabulary)
    for played, _, infos, actions in play("CausalDAG-v0", {}, 10, explain=mode):
        tokens = infos["explanation"]["tokens"]
        groups = task.explanation_groups(tokens)
        parts = PARTS if mode in ("all", "reasoning") else (mode,)
        assert set(groups) == {*parts, *(("properties", "reward") if mode == "all" else ())}
        for name in parts:
            mask, columns = groups[name]
            assert (mask == (actions is not None and (name != "target" or played >= 5))).all()
            said = words[tokens[mask][:, columns]]
            assert {"belief": 15, "intention": 3, "target": 3}[name] == said.shape[1] or not mask.any()
            assert "reasoning" not in said and tokens[:, columns].any(axis=1).tolist() == mask.tolist()
        for name in ("properties", "reward") if mode == "all" else ():
            assert (groups[name][0] == (0 < played <= 5 if name == "properties" else played > 5)).all()
            assert groups[name][1] == slice(28)


def test_an_episode_begins_without_the_experiments_of_the_last_one():
    env = gym.make("CausalDAG-v0", explain="belief").unwrapped
    model = StructuralCausalModels.from_weights(np.zeros((5, 5)))
    for options in (None, {"model": model, "goal": "C"}, None):
        _, info = env.reset(seed=0, options=options)
        assert not info["explanation"]["was_tried"].any()
        *_, info = env.step(3)
        assert info["explanation"]["was_tried"].tolist() == [False, False, False, True, False]


def test_the_trial_log_shows_the_reasoning():
    env = gym.make("CausalDAG-v0", explain="all", render_mode="ansi")
    env.reset(seed=0)
    *_, info = env.step(0)
    assert " ".join(env.render().split()).endswith(info["explanation"]["text"])


def test_a_sign_that_was_not_tried_reverses_the_evidence():
    """When signs are random, half of the experiments are with the other sign than the expert's action."""
    reversed_, kept = 0, 0
    for _, observations, infos, actions in play("CausalDAG-v0", {"exploration_sign": "random"}, 100, episodes=1, expert=1.0):
        if actions is None or not observations["phase"].any():
            continue
        facts, rows = infos["explanation"], np.arange(100)
        target = facts["intended_target"]
        change, value = facts["observed_change"][rows, target], facts["tried_value"][rows, target]
        flips = value * facts["intended_value"] < 0
        assert np.array_equal(facts["expected_change"], np.where(flips, -change, change))
        assert [direction(x) for x in facts["expected_change"]] == [FINDINGS[finding] for finding in facts["expected"]]
        reversed_, kept = reversed_ + flips.sum(), kept + (~flips).sum()
    assert reversed_ > 20 and kept > 20
