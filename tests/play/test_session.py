"""A person's episodes are those of ``gym.make``, hints are the expert's, and the scores are of the same episode."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from gym_causal.play import scores
from gym_causal.play.scores import episode_reward, pretrained_agent, reference_scores
from gym_causal.play.session import HINT, NEXT, Session
from gym_causal.registry import task_spec

SPLITS = {
    "CausalDAG-v0": "eval_target",
    "CausalDAGCued-v0": "eval_path",
    "CausalDAGText-v0": "eval_target",
    "OddOneOut-v0": "train",
    "OddOneOutConfounded-v0": "eval",
    "OddOneOutIntervention-v0": "eval",
    "OddOneOutText-v0": "train",
}
every_env = pytest.mark.parametrize("env_id", SPLITS)


def session_of(env_id: str, seed: int = 3) -> Session:
    return Session(env_id, seed=seed, split=SPLITS[env_id])


def env_of(env_id: str, **arguments) -> gym.Env:
    arguments = {**task_spec(env_id).compact_kwargs, **arguments, "split": SPLITS[env_id]}
    return gym.make(f"gym_causal:{env_id}", disable_env_checker=True, **arguments)


def typed(session: Session, action: int) -> str:
    return next(text for text, named in session.game.commands().items() if named == action)


def press_all(session: Session, keys: str) -> None:
    for key in keys:
        session.press(key)


def play_as_the_expert(session: Session) -> None:
    while not session.is_over:
        press_all(session, typed(session, int(session.game.task.expert_actions()[0])))


@pytest.fixture
def without_agent(monkeypatch):
    """No agent is loaded: that takes seconds."""

    def none(env_id):
        raise ValueError("none in this test")

    monkeypatch.setattr(scores, "pretrained_agent", none)


@every_env
def test_episodes_rewards_and_explanations_are_those_of_gym_make(env_id, without_agent):
    session, env = session_of(env_id), env_of(env_id)
    env.reset(seed=3)
    for episode in range(2):
        assert session.episode == episode
        while not session.is_over:
            action = env.unwrapped.expert_action()
            _, reward, terminated, truncated, info = env.step(action)
            press_all(session, typed(session, action))
            turn = session.transcript[-1]
            assert (turn.action, turn.reward, session.is_over) == (action, reward, terminated or truncated)
            assert turn.explanation == info["explanation"]["text"]
        session.press(NEXT)
        env.reset()


@every_env
def test_whoever_follows_the_hints_gets_what_the_expert_gets(env_id, without_agent):
    session = session_of(env_id)
    for _ in range(2):
        while not session.is_over:
            session.press(HINT)
            named = session.message.removeprefix("Expert: ")
            matching = [action for action in session.game.legal_actions() if named.startswith(f"{session.game.name(action)}.")]
            session.act(matching[0])
        shown = session.scores()
        assert shown.rewards["you"] == shown.rewards["expert"] == session.reward
        assert f"{len(session.transcript)} hints" in str(shown)
        session.press(NEXT)


@every_env
def test_a_hint_is_the_reasoning_and_changes_nothing(env_id):
    session, other, env = session_of(env_id), session_of(env_id), env_of(env_id, explain="reasoning")
    _, info = env.reset(seed=3)
    for _ in range(3):
        session.press(HINT)
        reasoning = info["explanation"]["text"]
        assert reasoning and session.message.endswith(reasoning)
        assert other.game.text() == session.game.text()
        action = env.unwrapped.expert_action()
        assert session.message.startswith(f"Expert: {session.game.name(action)}.")
        session.act(action)
        other.act(action)
        *_, info = env.step(action)
    assert [turn.hinted for turn in session.transcript] == [True] * 3 and not any(turn.hinted for turn in other.transcript)
    assert reasoning not in other.game.text() + other.message


@every_env
def test_no_command_begins_with_another_and_each_legal_action_has_one(env_id):
    session = session_of(env_id)
    while not session.is_over:
        commands = session.game.commands()
        assert not [(a, b) for a in commands for b in commands if a != b and a.startswith(b) and "up" not in (a, b)]
        assert set(session.game.legal_actions()) <= set(commands.values())
        session.act(int(session.game.task.expert_actions()[0]))


def test_a_variable_and_a_sign_are_typed():
    session = session_of("CausalDAG-v0")
    press_all(session, "d")
    assert session.typed == "d" and not session.transcript
    press_all(session, "x")
    assert session.typed == ""
    press_all(session, "+dE-")  # a sign alone is nothing, and E begins anew
    assert [turn.name for turn in session.transcript] == ["set E to -5"]
    assert [turn.action for turn in session.transcript] == [9]


def test_names_of_two_letters_are_typed_too():
    session = Session("CausalDAG-v0", seed=0, num_variables=28)
    press_all(session, "a+ab-")
    assert [turn.name for turn in session.transcript] == ["set A to +5", "set AB to -5"]


def test_an_action_that_is_not_legal_is_refused_and_costs_nothing():
    session = session_of("CausalDAG-v0")
    press_all(session, "a+b+c+d+e+")
    goal = session.game.task.snapshot(0).names[session.game.task.snapshot(0).goal]
    before = session.game.text()
    press_all(session, f"{goal}+")
    assert session.message == f"Not possible now: set {goal} to +5."
    assert session.game.text() == before and len(session.transcript) == 5


def test_keys_move_the_agent_where_they_lie():
    session = session_of("OddOneOutIntervention-v0")
    where = {"8": (-1, 0), "9": (-1, 1), "6": (0, 1), "3": (1, 1), "2": (1, 0), "1": (1, -1), "4": (0, -1), "7": (-1, -1)}
    where |= {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
    for key, move in where.items():
        fresh = session_of("OddOneOutIntervention-v0")
        fresh.game.task.rooms.agent[0] = 60  # the center, (5, 5)
        fresh.press(key)
        assert np.array_equal(divmod(int(fresh.game.task.rooms.agent[0]), 11), np.array([5, 5]) + move), key
    assert [session.game.name(session.game.commands()[key]).split()[2] for key in "cts"] == ["color", "texture", "shape"]


def test_the_graph_is_hidden_until_the_episode_is_over():
    session = session_of("CausalDAG-v0")
    while not session.is_over:
        assert "->" not in session.game.text()
        session.act(int(session.game.task.expert_actions()[0]))
    weights = session.game.task.snapshot(0).weights
    assert session.game.text().count("->") == (weights != 0).sum() > 0


def test_the_picture_depends_on_no_link_until_the_episode_is_over():
    pytest.importorskip("matplotlib")
    session = session_of("CausalDAG-v0")

    def depends_on_links() -> bool:
        before, snapshot = session.game.picture(), session.game.task.snapshot(0)
        session.game.task.snapshot = lambda row: dataclasses.replace(snapshot, weights=np.triu(np.ones((5, 5)), 1))
        after = session.game.picture()
        del session.game.task.snapshot
        return not np.array_equal(before, after)

    assert not depends_on_links()
    play_as_the_expert(session)
    assert depends_on_links()


def test_scores_and_the_next_episode_come_at_the_end(without_agent):
    session = session_of("OddOneOutText-v0")
    session.press(NEXT)
    assert session.episode == 0
    with pytest.raises(ValueError, match="not over"):
        session.scores()
    play_as_the_expert(session)
    press_all(session, f"1{HINT}")  # nothing any more
    assert len(session.transcript) == 4
    lines = str(session.scores()).splitlines()
    assert lines[:3] == ["Reward of this episode:", f"{session.reward:+8.2f}  you", f"{session.reward:+8.2f}  expert"]
    assert lines[-1] == "Without the pretrained agent: none in this test"
    session.press(NEXT)
    assert (session.episode, session.transcript, session.message, session.is_over) == (1, [], "", False)


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "OddOneOutConfounded-v0"])
def test_the_pretrained_agent_plays_the_same_episode(env_id):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    agent, observed = pretrained_agent(env_id)
    env = env_of(env_id, **observed)
    observation, _ = env.reset(seed=3)
    expected, state, starts, over = 0.0, None, True, False
    observation, _ = env.reset()  # the second episode
    while not over:
        batch = {key: np.asarray(value)[None] for key, value in observation.items()}
        actions, state = agent(batch, state, np.array([starts]))
        observation, reward, terminated, truncated, _ = env.step(actions[0])
        expected, starts, over = expected + reward, False, terminated or truncated
    assert reference_scores(env_id, 3, 1, split=SPLITS[env_id]).rewards["pretrained agent"] == expected


def test_no_agent_ships_for_games_in_words():
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    assert "none ships with the package for OddOneOutText-v0" in reference_scores("OddOneOutText-v0", 0, 0).notes[0]


def test_a_random_player_gets_less_than_the_expert():
    totals = {policy: sum(episode_reward(policy, "CausalDAG-v0", 0, episode) for episode in range(20)) for policy in ("expert", "random")}
    assert totals["expert"] > 3 * totals["random"]


def test_a_task_of_one_s_own_is_played_by_number(hint_id):
    session = Session(hint_id, seed=0)
    assert len(session.game.commands()) == len(session.game.legal_actions())
    session.press("1")
    assert len(session.transcript) == 1
