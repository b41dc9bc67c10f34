"""The front end for a terminal, and for pipes: keys come from lines, or one by one where the terminal can do that."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from gym_causal.play.session import NEXT, Session

QUIT = "quit"
_WIDTH = 100
_CLEAR = "\x1b[H\x1b[2J"
_NAMED = {"\r": NEXT, "\n": NEXT, "\x1b": QUIT, "\x04": QUIT}
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_PRESSED = re.compile(r"\x1b[\[O][0-9;]*([A-Za-z~])|([\s\S])")  # an escape sequence by its last character, or a character


def play_in_terminal(session: Session, keys: Iterable[str], write: Callable[[str], None], *, clears: bool = False) -> None:
    """Play until the keys end, or one of them is :data:`QUIT`.

    Args:
        session: what is played.
        keys: of the player.
        write: called with each text to show.
        clears: clear the screen before each state.
    """
    show(session, write, clears=clears)
    for key in keys:
        if key == QUIT:
            return
        if session.press(key):
            show(session, write, clears=clears)


def show(session: Session, write: Callable[[str], None], *, clears: bool = False) -> None:
    """Write the present state, what the last key led to, and the keys."""
    if session.typed and not clears:
        return  # nothing has changed yet
    clear, controls = _CLEAR if clears else "", f"{wrapped(session.controls())} Ctrl-D or Escape: quit."
    state = "\n\n".join(filter(None, [session.heading, session.game.text(), wrapped(session.message)]))
    if session.is_over:
        write(f"{clear}{state}\n\n")
        write(f"{wrapped(str(session.scores()))}\n\n{controls}\n\n")  # takes seconds at first
    else:
        write(f"{clear}{state}\n\n{controls}\n> {session.typed}" + ("" if clears else "\n"))


def wrapped(text: str) -> str:
    """Each line of a text, wrapped."""
    return "\n".join(line if len(line) <= _WIDTH else textwrap.fill(line, _WIDTH) for line in text.splitlines())


def keys_of_lines(lines: Iterable[str]) -> Iterator[str]:
    """The keys in lines: their characters, or the name of an arrow; an empty line is Enter."""
    for line in lines:
        words = line.split()
        for word in words:
            yield from [word] if word in (QUIT, "up", "down", "left", "right") else word
        if not words:
            yield NEXT


@contextmanager
def keys_of_terminal(stream: IO[str]) -> Iterator[Iterator[str]]:
    """The keys of a terminal as they are pressed; on leaving, the terminal is as it was.

    Raises:
        ImportError: this system has no such terminals.
        OSError: the stream is none.
    """
    import termios  # noqa: PLC0415 - POSIX only
    import tty  # noqa: PLC0415

    descriptor = stream.fileno()
    before = termios.tcgetattr(descriptor)

    def keys() -> Iterator[str]:
        while text := os.read(descriptor, 1024).decode(errors="ignore"):
            for sequence, character in _PRESSED.findall(text):
                yield _ARROWS.get(sequence, "") if sequence else _NAMED.get(character, character)

    tty.setcbreak(descriptor)
    try:
        yield keys()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def run(session: Session) -> None:
    """Play in this process's terminal, or from its standard input."""

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):
        if sys.stdin.isatty() and sys.stdout.isatty():
            with suppress(ImportError), keys_of_terminal(sys.stdin) as keys:  # Windows has none: a line at a time
                return play_in_terminal(session, keys, write, clears=True)
        play_in_terminal(session, keys_of_lines(sys.stdin), write)
