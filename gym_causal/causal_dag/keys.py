"""The keys of a player."""

from __future__ import annotations

from gym_causal.scm import variable_names

_SIGNS = "+-"
_DIGITS = "1234567890"


def commands(num_variables: int) -> dict[str, int]:
    """What is typed -> the action: a variable's name and the sign of the value that it is set to, "d+"."""
    names = variable_names(num_variables)
    return {f"{name.lower()}{sign}": k * num_variables + variable for k, sign in enumerate(_SIGNS) for variable, name in enumerate(names)}


def keys_to_action(num_variables: int) -> dict[tuple[int, ...], int]:
    """Key codes -> the action, for ``gymnasium.utils.play``, in which each action needs a key of its own.

    A letter sets its variable to the positive value, and the digits 1 to 9 and 0 set the first ten to the negative one. What comes
    after Z, and the negative values after the tenth variable, have no key.
    """
    letters = [name.lower() for name in variable_names(num_variables) if len(name) == 1]
    digits = _DIGITS[:num_variables]
    return {
        **{(ord(letter),): variable for variable, letter in enumerate(letters)},
        **{(ord(digit),): num_variables + variable for variable, digit in enumerate(digits)},
    }
