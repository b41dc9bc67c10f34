"""``gymnasium.utils.play.play`` finds the keys of every env that has pictures."""

from __future__ import annotations

import gymnasium as gym
import pytest

import gym_causal  # noqa: F401 - registers the ids
from gym_causal.core import keyboard

IDS = ("CausalDAG-v0", "CausalDAGCued-v0", "CausalDAGText-v0", "OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0")


@pytest.mark.parametrize("env_id", IDS)
def test_every_action_has_a_key_of_its_own(env_id):
    env = gym.make(env_id)
    keys = env.unwrapped.get_keys_to_action()
    assert set(keys.values()) == set(range(env.action_space.n))
    assert all(type(code) is int for combination in keys for code in combination)
    assert all(len(combination) == 1 for combination in keys)  # play acts as soon as the first of two keys is down


def test_many_variables_have_keys_as_far_as_the_keyboard_reaches():
    keys = gym.make("CausalDAG-v0", num_variables=28).unwrapped.get_keys_to_action()
    assert keys[(ord("z"),)] == 25 and keys[(ord("0"),)] == 28 + 9
    assert len(keys) == 26 + 10


def test_key_codes_are_pygame_s():
    pygame = pytest.importorskip("pygame")
    assert (keyboard.UP, keyboard.DOWN, keyboard.LEFT, keyboard.RIGHT) == (pygame.K_UP, pygame.K_DOWN, pygame.K_LEFT, pygame.K_RIGHT)
    assert [keyboard.keypad(digit) for digit in "0123456789"] == [getattr(pygame, f"K_KP{digit}") for digit in "0123456789"]


@pytest.mark.parametrize(("env_id", "key", "expected"), [("CausalDAG-v0", "K_d", 3), ("OddOneOut-v0", "K_KP1", 5)])
def test_gymnasium_plays(env_id, key, expected, monkeypatch):
    pygame = pytest.importorskip("pygame")
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    from gymnasium.utils.play import play  # noqa: PLC0415 - it imports pygame

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    played = []

    def callback(before, after, action, *rest):
        played.append(action)
        event = {1: (pygame.KEYDOWN, {"key": getattr(pygame, key)}), 3: (pygame.QUIT, {})}.get(len(played))
        if event is not None:
            pygame.event.post(pygame.event.Event(event[0], **event[1]))

    play(gym.make(env_id, render_mode="rgb_array"), fps=100, callback=callback, seed=0)
    assert played == [0, expected, expected]  # it acts in every frame, without a key too
