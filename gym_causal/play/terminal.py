"""The front end for a terminal, and for pipes: keys come from lines, or one by one where the terminal can do that."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from gym_causal.play.session import NEXT, Session

QUIT = "quit"
_WIDTH = 100
_CLEAR = "\x1b[H\x1b[2J"
_SEQUENCES = {"\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "\r": NEXT, "\n": NEXT, "\x1b": QUIT, "\x04": QUIT}


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
    parts = [session.heading, session.game.text(), wrapped(session.message), wrapped(session.controls())]
    if session.is_over:
        write((_CLEAR if clears else "") + "\n\n".join(filter(None, parts[:-1])) + "\n\n")
        write(f"{wrapped(str(session.scores()))}\n\n{parts[-1]} Ctrl-D or Escape: quit.\n\n")
    else:
        write((_CLEAR if clears else "") + "\n\n".join(filter(None, parts)) + f" Ctrl-D or Escape: quit.\n> {session.typed}" + "\n" * (not clears))


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
        while pressed := os.read(descriptor, 8).decode(errors="ignore"):  # an arrow key is three characters
            yield from [_SEQUENCES[pressed]] if pressed in _SEQUENCES else pressed

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

    if sys.stdin.isatty() and sys.stdout.isatty():
        try:
            with keys_of_terminal(sys.stdin) as keys:
                return play_in_terminal(session, keys, write, clears=True)
        except ImportError:
            pass  # as on Windows: a line at a time
    play_in_terminal(session, keys_of_lines(sys.stdin), write)
