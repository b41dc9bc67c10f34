"""Every explanation is true: each is checked against a simulation of its own."""

import re

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.causal_dag.explanations import num_tokens, vocabulary
from gym_causal.scm import StructuralCausalModels
from tests.causal_dag.reference import ReferenceEpisodes
from tests.conftest import present_infos

CASES = [
    ("CausalDAG-v0", {}, 300),
    ("CausalDAG-v0", {"split": "eval_path"}, 300),
    ("CausalDAG-v0", {"num_variables": 30, "num_exploration_trials": 6}, 40),
    ("CausalDAG-v0", {"num_parents": (1, 4), "shared_noise": True}, 300),
    ("CausalDAG-v0", {}, 5),  # few enough rows to be read from a table
    ("CausalDAGCued-v0", {"split": "eval_target"}, 200),
    ("CausalDAG-v0", {"intervention_value": 0.7}, 200),
    ("CausalDAG-v0", {"intervention_value": 40}, 5),
]


@pytest.mark.parametrize(("env_id", "kwargs", "num_envs"), CASES)
def test_every_statement_is_true(env_id, kwargs, num_envs):
    venv = gym_causal.make_vec(env_id, num_envs, explanation_text=True, **kwargs)
    _, info = venv.reset(seed=3)
    assert set(info["explanation"]["kind"]) == {"none"} and set(info["explanation"]["text"]) == {""}
    task, rng = venv.task, np.random.default_rng(0)
    reference = ReferenceEpisodes(task)
    size = float(task.config.intervention_value)
    names, weights, ancestors = task.config.names, reference.models.weights, reference.models.ancestors
    for trial in range(task.config.trials):
        actions = rng.integers(venv.single_action_space.n, size=num_envs)
        *_, infos = venv.step(actions)
        facts = present_infos(infos)["explanation"]
        effects, outcomes = reference.check(trial, actions, facts)
        exploring = trial < task.config.exploration_trials
        assert set(facts["kind"]) == {"properties" if exploring else "reward"}
        for b, (text, action) in enumerate(zip(facts["text"], actions.tolist(), strict=True)):
            variable, value = action % len(names), size if action < len(names) else -size
            if exploring:
                moved = (effects[b] != 0) & (np.arange(len(names)) != variable)
                assert np.array_equal(moved, ancestors[b, variable])
                check_experiment(text, names, names[variable], value, effects[b], weights[b], ancestors[b])
            else:
                goal = reference.goals[b]
                check_choice(text, names, names[goal], variable != goal, outcomes[b, action], outcomes[b], weights[b], ancestors[b])


def check_experiment(text, names, target, value, effects, weights, ancestors):
    """Parse the sentence and check every clause."""
    number = {name: i for i, name in enumerate(names)}
    head = re.match(r"Setting (\w+) to ([+-][\d.]+) ", text)
    assert head and head[1] == target and float(head[2]) == value
    stated = set()
    for name, size, route in re.findall(r"moves (\w+) by ([+-][\d.e-]+)((?:, directly(?: and through \w+)?|, through \w+)?)", text):
        stated.add(name)
        assert float(size) == pytest.approx(effects[number[name]], rel=0.5, abs=0.051) and float(size) * effects[number[name]] > 0
        check_route(route, number[target], number[name], number, weights, ancestors)
    still = re.search(r"does not move ([\w, ]+)\.$", text)
    for name in re.findall(r"\w+", still[1].replace(" or ", " ")) if still else []:
        stated.add(name)
        assert effects[number[name]] == 0
    assert stated == set(names) - {target}


def check_route(route, cause, effect, number, weights, ancestors):
    assert ("directly" in route) == (weights[cause, effect] != 0)
    through = re.search(r"through (\w+)", route)
    if through:
        between = number[through[1]]
        assert ancestors[cause, between] and weights[between, effect] != 0
    assert "directly" in route or through


def check_choice(text, names, goal, legal, outcome, outcomes, weights, ancestors):
    number = {name: i for i, name in enumerate(names)}
    best = outcomes.max()
    expected = "Not allowed" if not legal else "Optimal" if outcome == best else "Not optimal"
    assert text.startswith(expected)
    if best <= 0:
        assert text.endswith(f"nothing that may be set raises {goal}.")
        return
    claim = re.search(r"setting (\w+) to ([+-])[\d.]+ moves (\w+) most, by ([+-][\d.]+)(.*)\.$", text)
    assert claim and claim[3] == goal
    action = number[claim[1]] + (len(names) if claim[2] == "-" else 0)
    assert outcomes[action] == best and float(claim[4]) == pytest.approx(best, rel=0.5, abs=0.051)
    check_route(claim[5], number[claim[1]], number[goal], number, weights, ancestors)


def test_words_of_a_hand_made_model():
    """A -> B -> D with a shortcut A -> D; C is alone."""
    weights = np.zeros((4, 4))
    weights[0, 1], weights[1, 3], weights[0, 3] = 1.0, 2.0, -0.5
    model = StructuralCausalModels.from_weights(weights, noise_scale=0.0)
    env = gym.make("CausalDAG-v0", num_variables=4, num_exploration_trials=3, num_exploitation_trials=3).unwrapped
    env.reset(seed=0, options={"model": model, "goal": "D"})
    stated = [env.step(action)[-1]["explanation"]["text"] for action in (0, 1, 6, 0, 5, 3)]
    assert stated == [
        "Setting A to +5 moves B by +5, directly, moves D by +7.5, directly and through B, and does not move C.",
        "Setting B to +5 moves D by +10, directly, and does not move A or C.",
        "Setting C to -5 does not move A, B or D.",
        "Not optimal: setting B to +5 moves D most, by +10, directly.",
        "Not optimal: setting B to +5 moves D most, by +10, directly.",
        "Not allowed: D is the goal itself, nothing was set; setting B to +5 moves D most, by +10, directly.",
    ]


def test_tokens_match_the_words():
    weights = np.zeros((3, 3))
    weights[0, 1], weights[1, 2] = 1.0, -0.1
    model = StructuralCausalModels.from_weights(weights, noise_scale=0.0)
    env = gym.make("CausalDAG-v0", num_variables=3, num_exploration_trials=2, num_exploitation_trials=1).unwrapped
    _, info = env.reset(seed=0, options={"model": model, "goal": "B"})
    words = vocabulary(3)

    def stated(info) -> list[str]:
        tokens = info["explanation"]["tokens"]
        assert tokens.dtype == np.int16 and tokens.shape == (num_tokens(3),) and tokens.max() < len(words)
        return [words[token] for token in tokens if token]

    assert stated(info) == []
    assert stated(env.step(0)[-1]) == ["set", "A", "+", "A", "B", "moves up", "by 4-8", "directly", "C", "moves down", "by <0.5", "B"]
    assert stated(env.step(4)[-1]) == ["set", "B", "-", "A", "does not move", "B", "C", "moves up", "by 0.5-1", "directly"]
    assert stated(env.step(2)[-1]) == ["not optimal", "B", "A", "+", "by 4-8", "directly"]


@pytest.mark.parametrize(("mode", "kinds"), [("none", (0, 0)), ("properties", (1, 0)), ("reward", (0, 1)), ("full", (1, 1))])
def test_modes(mode, kinds):
    env = gym.make("CausalDAG-v0", explain=mode).unwrapped
    env.reset(seed=0)
    seen = [env.step(0)[-1]["explanation"] for _ in range(7)]
    assert [e["kind"] for e in seen] == [("none", "properties")[kinds[0]]] * 5 + [("none", "reward")[kinds[1]]] * 2
    assert [bool(e["text"]) for e in seen] == [bool(kinds[0])] * 5 + [bool(kinds[1])] * 2
    if mode != "none":
        assert [bool(e["tokens"].any()) for e in seen] == [bool(kinds[0])] * 5 + [bool(kinds[1])] * 2


def test_the_spec_lists_words_and_length():
    env = gym.make("CausalDAG-v0", num_variables=3).unwrapped
    spec = env.task.explanations
    assert spec.modes["full"] == ("properties", "reward") and spec.starts == (0,)
    assert spec.vocabulary == tuple(vocabulary(3)) and spec.num_tokens == num_tokens(3) and spec.version == 1
    env.reset(seed=0)
    assert env.step(0)[-1]["explanation"]["tokens"].shape == (spec.num_tokens,)


def test_explanations_do_not_change_episodes():
    episodes = []
    for mode in ("none", "full"):
        venv = gym_causal.make_vec("CausalDAG-v0", 30, explain=mode)
        venv.reset(seed=0)
        episodes.append([venv.step(np.full(30, action))[:2] for action in range(7)])
    for (observation, reward), (observation2, reward2) in zip(*episodes, strict=True):
        assert np.array_equal(reward, reward2) and all(np.array_equal(observation[key], observation2[key]) for key in observation)
