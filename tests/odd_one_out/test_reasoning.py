"""Reasoning explanations: every statement follows from what was seen, done and paid in the episode, and says what the expert does."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.odd_one_out.features import ATTRIBUTES, VALUES
from gym_causal.odd_one_out.reasoning import Belief, Intention, Reason
from tests.odd_one_out.reference import MOVES
from tests.odd_one_out.rooms import begin, episode

BASIC, CONFOUNDED, INTERVENTION = "OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
CASES = [
    (BASIC, {}),
    (BASIC, {"mistake_rate": 0.5, "odd_attributes": ("color", "shape"), "feedback_steps": 2}),
    (CONFOUNDED, {"explained_attribute": "texture", "mistake_rate": 0.3}),
    (CONFOUNDED, {"split": "eval", "explained_attribute": "shape"}),
    (CONFOUNDED, {"split": "eval", "explained_attribute": "shape", "rewarded_attribute": "random"}),
    (INTERVENTION, {}),
    (INTERVENTION, {"difficulties": (0,), "feedback_steps": 0}),
    (INTERVENTION, {"split": "eval", "generalization": "hard_dimension", "num_experiments": 1}),
]
every_case = pytest.mark.parametrize(("env_id", "kwargs"), CASES)
OBJECT, WALL = 2, 1


class Observer:
    """What follows from the symbolic observations and the actions of one episode, without attributes that are hidden from a player.

    It knows the attributes that may pay and the rules. Cells are relative to where the agent stood at the start of the trial.
    """

    def __init__(self, candidates, named, observation):
        self.possible, self.named, self.paid, self.follows = set(candidates), set(named), False, True
        self.begin_trial(observation)

    def begin_trial(self, observation):
        self.trial, self.agent, self.objects = int(observation["trial"]), (0, 0), {}
        self.touched, self.transforms = False, bool(observation["may_transform"])
        self.look(observation)

    def look(self, observation):
        self.view = observation["view"]
        for row, column in np.argwhere(self.view[..., 0] == OBJECT):
            self.objects[self.agent[0] + row - 5, self.agent[1] + column - 5] = (self.view[row, column, 1:].astype(int) - 1).tolist()

    @property
    def knows_room(self):
        return len(self.objects) == 4

    def odd_in(self, cell):
        others = [values for other, values in self.objects.items() if other != cell]
        return {a for a in range(3) if all(values[a] != self.objects[cell][a] for values in others)}

    def odd_object(self, attribute):
        return next((cell for cell in self.objects if attribute in self.odd_in(cell)), None)

    def step(self, action, observation):
        """What it learns from an action and the observation after it."""
        if not self.touched and action < 8:
            self.walk(action, observation)
        if observation["trial"] != self.trial:
            self.begin_trial(observation)
        else:
            self.transforms = bool(observation["may_transform"])
            self.look(observation)

    def walk(self, action, observation):
        down, right = MOVES[action]
        kind = self.view[5 + down, 5 + right, 0]
        if kind == WALL:
            return
        self.agent = (self.agent[0] + down, self.agent[1] + right)
        if kind == OBJECT:
            self.touched = True
            self.follows = self.follows and self.knows_room
            if self.knows_room:
                odd, correct = self.odd_in(self.agent), observation["last_reward"][0] > 0
                self.paid = self.paid or bool(correct)
                self.possible = {a for a in self.possible if a == 3 or (a in odd) == correct}


def check(facts, observer, *, basic):
    """Assert that reasoning, a dict of facts, follows from what was observed."""
    given = {name: int(facts[name]) for name in facts}
    if not observer.follows:
        assert set(given.values()) == {-1}
        return
    possible = observer.possible
    if basic and observer.knows_room:  # one object is odd, in one attribute; if in none that is visible, then in its position
        possible = {a for a in possible if a < 3 and observer.odd_object(a) is not None} or {3}
    states = {a: Belief.MUST_BE if possible == {a} else Belief.MAY_BE if a in possible else Belief.RULED_OUT for a in range(4)}
    for a, name in enumerate(ATTRIBUTES):
        assert given[f"belief_{name}"] == (states[a] if a in observer.named else -1)
    intention, attribute, reason = given["intention"], given["intended_attribute"], given["reason"]
    if observer.touched:
        assert {intention, attribute, reason, given["target_value"]} == {-1}
    elif not observer.knows_room:
        assert (intention, attribute, reason) == (Intention.LOOK_AROUND, -1, Reason.NOT_ALL_SEEN)
    else:
        assert intention == (Intention.MAKE_ODD if observer.transforms else Intention.TOUCH)
    if attribute >= 0:
        assert attribute in possible
        must_be = Reason.WAS_REWARDED if observer.paid else Reason.ONLY_ONE_LEFT
        assert reason == (must_be if possible == {attribute} else Reason.NOT_RULED_OUT)
    if intention == Intention.TOUCH and 0 <= attribute < 3:
        target = observer.odd_object(attribute)
        assert (given["target_attribute"], given["target_value"]) == (attribute, observer.objects[target][attribute])
    elif attribute != 3:
        assert given["target_attribute"] == given["target_value"] == given["target_object"] == -1


def reasoning_of(explanation, row):
    """The facts of the reasoning of one row."""
    names = [*(f"belief_{name}" for name in ATTRIBUTES), "intention", "intended_attribute", "reason"]
    return {name: explanation[name][row] for name in [*names, "target_object", "target_attribute", "target_value"]}


def test_after_a_transform_it_says_that_it_looks_again():
    found = 0
    venv = gym_causal.make_vec(INTERVENTION, 16, observation="symbolic", explain="reasoning", expert_sight="review")
    _, infos = venv.reset(seed=0)
    for _ in range(60):
        actions = venv.expert_actions()
        transformed = np.flatnonzero(actions >= 8)
        *_, infos = venv.step(actions)
        explanation = infos["explanation"]
        for row in transformed:
            at_center = explanation["intention"][row] == Intention.TOUCH
            assert at_center or (explanation["intention"][row], explanation["reason"][row]) == (
                Intention.LOOK_AROUND,
                Reason.OBJECT_CHANGED,
            )
            found += not at_center
    assert found > 10


def watched(env_id, kwargs, *, num_envs=24, num_steps=120, erring=0.0, seed=0, sight="view"):
    """(facts, observer, expert's action) of states of one episode a row, played by the expert, or by a random player at times."""
    venv = gym_causal.make_vec(env_id, num_envs, observation="symbolic", explain="all", expert_sight=sight, **kwargs)
    observations, infos = venv.reset(seed=seed)
    config, rng = venv.task.config, np.random.default_rng(seed)
    candidates, named = np.flatnonzero(config.candidates), np.flatnonzero(config.considered)
    observers = [Observer(candidates, named, {k: v[row] for k, v in observations.items()}) for row in range(num_envs)]
    active = np.ones(num_envs, bool)
    for _ in range(num_steps):
        expert = venv.expert_actions()
        for row in np.flatnonzero(active):
            yield reasoning_of(infos["explanation"], row), observers[row], int(expert[row])
        actions = np.where(rng.random(num_envs) < erring, rng.integers(venv.single_action_space.n, size=num_envs), expert)
        observations, _, terminated, truncated, infos = venv.step(actions)
        active &= ~(terminated | truncated)
        for row in np.flatnonzero(active):
            observers[row].step(int(actions[row]), {k: v[row] for k, v in observations.items()})


@pytest.mark.parametrize("erring", [0.0, 0.5])
@every_case
def test_every_statement_follows_from_the_history(env_id, kwargs, erring):
    checked = 0
    for facts, observer, _ in watched(env_id, kwargs, erring=erring):
        check(facts, observer, basic=env_id == BASIC)
        checked += facts["intention"] >= 0
    assert checked > 100


@every_case
def test_statements_that_do_not_follow_are_refused(env_id, kwargs):
    rng, refused = np.random.default_rng(0), {}
    names = [f"belief_{ATTRIBUTES[a]}" for a in range(4)]
    sizes = {**dict.fromkeys(names, len(Belief)), "intention": len(Intention), "reason": len(Reason), "target_value": 6}
    for facts, observer, _ in watched(env_id, kwargs, num_envs=8):
        for name, size in sizes.items():
            if facts[name] >= 0 and not (name == "target_value" and facts["target_attribute"] == 3):
                wrong = {**facts, name: (facts[name] + rng.integers(1, size)) % size}
                with pytest.raises(AssertionError):
                    check(wrong, observer, basic=env_id == BASIC)
                refused[name] = refused.get(name, 0) + 1
    assert refused.keys() >= {"intention", "reason", "target_value"}


def test_the_expert_does_what_it_says():
    """It transforms in the attribute that it means to make odd, and touches the object that alone has the value it names."""
    did = {"transforms": 0, "touches": 0}
    for facts, observer, action in watched(INTERVENTION, {}):
        if action >= 8:
            assert (facts["intention"], facts["intended_attribute"]) == (Intention.MAKE_ODD, action - 8)
            did["transforms"] += 1
        elif not observer.touched:
            down, right = MOVES[action]
            cell = (observer.agent[0] + down, observer.agent[1] + right)
            if cell in observer.objects:
                assert facts["intention"] == Intention.TOUCH
                assert observer.objects[cell][facts["target_attribute"]] == facts["target_value"]
                did["touches"] += 1
    assert min(did.values()) > 50


def test_what_pays_changes_no_reasoning_before_a_touch_shows_it():
    """The same actions in rooms that differ in the rewarded attribute alone."""
    reasoning = {}
    for rewarded in range(3):
        venv = begin(INTERVENTION, episode(4, rewarded=rewarded, color=3, order=(2, 0, 1)), explain="reasoning")
        said = []
        for action in (1, 1, 10, 1, 1, 1):  # northeast to the object in the corner, transform its shape, touch it
            said.append(venv.task.infos(text=True)["explanation"]["text"][0])
            _, _, _, _, infos = venv.step(np.array([action]))
        said.append(infos["explanation"]["text"][0])
        reasoning[rewarded] = said
    assert reasoning[0][:5] == reasoning[1][:5] == reasoning[2][:5]


def test_words_of_an_episode():
    venv = begin(INTERVENTION, episode(4, agent=(2, 8), rewarded=0, order=(2, 0, 1)), explain="reasoning")
    words = [venv.task.infos(text=True)["explanation"]["text"][0]]
    for action in (10, 1, 0):  # transform the shape of the object northeast, touch it, feedback
        *_, infos = venv.step(np.array([action]))
        words.append(infos["explanation"]["text"][0])
    assert words == [
        "The attribute that pays may be color, texture or shape. I make an object odd in shape and touch it: it is not ruled out.",
        "The attribute that pays may be color, texture or shape. I go by shape: it is not ruled out. Only my target is a circle.",
        "The attribute that pays may be color or texture, but not shape.",
        "The attribute that pays may be color or texture, but not shape. I make an object odd in color and touch it: it is not ruled out.",
    ]


@every_case
def test_tokens_are_the_facts_in_words(env_id, kwargs):
    venv = gym_causal.make_vec(env_id, 32, observation="symbolic", explain="all", **kwargs)
    vocabulary, start = venv.task.explanations.vocabulary, venv.task.explanations.starts[1]
    _, infos = venv.reset(seed=0)
    for _ in range(40):
        explanation = infos["explanation"]
        for row, tokens in enumerate(explanation["tokens"][:, start:]):
            facts, words = reasoning_of(explanation, row), [vocabulary[token] for token in tokens]
            assert (words[0] == "reasoning") == any(value >= 0 for value in facts.values()) == ("reasoning" in explanation["kind"][row])
            belief = [("ruled out", "may be", "must be")[facts[f"belief_{a}"]] if facts[f"belief_{a}"] >= 0 else "" for a in ATTRIBUTES]
            assert words[1:5] == belief
            assert words[6] == (ATTRIBUTES[facts["intended_attribute"]] if facts["intended_attribute"] >= 0 else "")
            assert words[8] == (VALUES[facts["target_attribute"]][facts["target_value"]] if facts["target_value"] >= 0 else "")
        *_, infos = venv.step(venv.expert_actions())


@pytest.mark.parametrize("part", ["belief", "intention", "target"])
def test_a_part_is_that_part_of_the_reasoning(part):
    whole, alone = (
        gym_causal.make_vec(INTERVENTION, 16, observation="symbolic", explain=mode, expert_sight="view") for mode in ("reasoning", part)
    )
    (_, infos), (_, some) = whole.reset(seed=0), alone.reset(seed=0)
    for _ in range(60):
        groups = whole.task.explanation_groups(infos["explanation"]["tokens"])
        mask, columns = groups[part]
        assert np.array_equal(some["explanation"]["tokens"][:, columns], infos["explanation"]["tokens"][:, columns])
        others = np.ones(9, bool)
        others[0], others[columns] = False, False
        assert not some["explanation"]["tokens"][:, others].any()
        assert np.array_equal(some["explanation"]["kind"] == part, mask)
        actions = whole.expert_actions()
        (*_, infos), (*_, some) = whole.step(actions), alone.step(actions)


@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_reasoning_adds_to_the_other_explanations(env_id):
    """With "all" the statements are those of "full", and the reasoning is that of "reasoning"."""
    modes = ("all", "full", "reasoning")
    venvs = [gym_causal.make_vec(env_id, 16, observation="symbolic", explain=mode, expert_sight="view") for mode in modes]
    infos = [venv.reset(seed=3)[1]["explanation"] for venv in venvs]
    both = 0
    for _ in range(60):
        tokens = [explanation["tokens"] for explanation in infos]
        assert np.array_equal(tokens[0], np.concatenate(tokens[1:], axis=1))
        for every, full, reasoning in zip(*(explanation["kind"] for explanation in infos), strict=True):
            assert every == "+".join(kind for kind in (full, reasoning) if kind != "none") or (every == full == reasoning == "none")
            both += "+" in every
        actions = venvs[0].expert_actions()
        infos = [venv.step(actions)[4]["explanation"] for venv in venvs]
    assert both > 50


def test_after_the_end_there_is_no_reasoning():
    env = gym.make(CONFOUNDED, observation="symbolic", explain="all")
    _, info = env.reset(seed=0)
    over = False
    while not over:
        assert info["explanation"]["kind"].endswith("reasoning")
        _, _, over, _, info = env.step(env.unwrapped.expert_action())
    assert info["explanation"]["kind"] == "reward"


def test_an_expert_that_knows_what_pays_does_not_reason():
    with pytest.raises(ValueError, match=r"explain must be without reasoning for expert='oracle'.*got 'all'"):
        gym_causal.make_vec(INTERVENTION, 2, expert="oracle", explain="all")


def test_without_named_attributes_there_is_no_reasoning():
    venv = gym_causal.make_vec(CONFOUNDED, 8, explained_attribute=None, explain="all", explanation_text=True)
    _, infos = venv.reset(seed=0)
    for _ in range(20):
        explanation = infos["explanation"]
        assert not explanation["tokens"].any() and set(explanation["kind"]) == {"none"} and not any(explanation["text"])
        *_, infos = venv.step(venv.expert_actions())


@pytest.mark.parametrize("mode", ["full", "outcome", "reasoning", "all", "target"])
@pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
def test_tokens_in_words_are_the_explanation_in_words(env_id, mode):
    venv = gym_causal.make_vec(env_id, 32, observation="symbolic", explain=mode, explanation_text=True)
    _, infos = venv.reset(seed=1)
    for _ in range(40):
        explanation = infos["explanation"]
        words = venv.task.describe_tokens(explanation["tokens"])
        for found, text in zip(words, explanation["text"], strict=True):
            assert found == text.replace(", although", ",")  # whether a touch paid against the odds is no token's
        *_, infos = venv.step(venv.expert_actions())


def test_tokens_that_make_no_sense_have_words_too():
    task = gym_causal.make_task(INTERVENTION, 1, explain="all")
    tokens = np.random.default_rng(0).integers(len(task.explanations.vocabulary), size=(2_000, task.explanations.num_tokens))
    assert all(isinstance(words, str) for words in task.describe_tokens(tokens))
