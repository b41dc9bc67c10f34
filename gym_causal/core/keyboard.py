"""Key codes as SDL and pygame number them, for ``gymnasium.utils.play``; pygame is not imported."""

from __future__ import annotations

_SCANCODE = 1 << 30  # SDL marks the codes of keys that write no character
UP, DOWN, LEFT, RIGHT = (_SCANCODE | code for code in (82, 81, 80, 79))


def keypad(digit: str) -> int:
    """The code of a digit "0" to "9" on the number pad."""
    return _SCANCODE | (98 if digit == "0" else 88 + int(digit))
