"""The keys of a player: digits as they lie on a number pad, arrows, and a letter for each attribute that can be changed."""

from __future__ import annotations

from gym_causal.core.keyboard import DOWN, LEFT, RIGHT, UP, keypad
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_MOVES, NUM_VISIBLE

_DIGITS = "89632147"  # of the moves, clockwise from north
_ARROWS = {"up": (0, UP), "right": (2, RIGHT), "down": (4, DOWN), "left": (6, LEFT)}  # name -> (action, key code)
_DIRECTIONS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
ACTION_NAMES = (
    *(f"move {direction}" for direction in _DIRECTIONS),
    *(f"change the {attribute} of the adjacent object" for attribute in ATTRIBUTES[:NUM_VISIBLE]),
)
"""What each action does, in words."""


def commands(num_actions: int) -> dict[str, int]:
    """What is typed -> the action: a digit, the name of an arrow key, or the first letter of an attribute."""
    letters = [attribute[0] for attribute in ATTRIBUTES[:NUM_VISIBLE]]
    by_character = {character: action for action, character in enumerate([*_DIGITS, *letters][:num_actions])}
    return by_character | {name: action for name, (action, _) in _ARROWS.items()}


def keys_to_action(num_actions: int) -> dict[tuple[int, ...], int]:
    """The same as ``gymnasium.utils.play`` reads it: key codes -> the action."""
    by_character = {key: action for key, action in commands(num_actions).items() if key not in _ARROWS}
    return {
        **{(ord(character),): action for character, action in by_character.items()},
        **{(keypad(character),): action for character, action in by_character.items() if action < NUM_MOVES},
        **{(code,): action for action, code in _ARROWS.values()},
    }
