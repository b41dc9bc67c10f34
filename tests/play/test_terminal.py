"""The front end for terminals and pipes, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gym_causal.play import scores
from gym_causal.play.session import HINT, NEXT, Session
from gym_causal.play.terminal import QUIT, keys_of_lines, keys_of_terminal, play_in_terminal

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def without_agent(monkeypatch):
    def none(env_id):
        raise ValueError("none in this test")

    monkeypatch.setattr(scores, "pretrained_agent", none)


def shown(env_id: str, *lines: str, clears: bool = False) -> list[str]:
    """What is written, state by state."""
    written: list[str] = []
    play_in_terminal(Session(env_id, seed=0), keys_of_lines(lines), written.append, clears=clears)
    return written


def test_lines_are_read_as_keys():
    assert list(keys_of_lines(["89 up\n", "d+ ?", "\n", "quit"])) == ["8", "9", "up", "d", "+", HINT, NEXT, QUIT]


def test_an_episode_is_shown_to_its_end_and_the_next_one_begins():
    written = shown("CausalDAG-v0", "? a+ b+ c+ d+ e+", "a+ b+ c+ d+", "")
    assert "Expert" not in written[0] and "> " in written[0]
    assert "Expert: set " in written[1] and "Its reasoning: I have not set A, B, C, D or E." in written[1]
    assert "Setting A to +5 " in written[2] and "You: set A to +5." in written[2]
    assert any("Not possible now: set " in text for text in written)  # one of the four was the goal
    (end,) = (index for index, text in enumerate(written) if "Reward of this episode:" in text)
    assert "The graph was: " in written[end - 1] and "Enter: next episode." in written[end]
    assert "episode 2" in written[end + 1] or "episode 2" in written[-1]


def test_nothing_follows_quit():
    assert len(shown("OddOneOut-v0", "8 quit 8")) == 2


def test_half_a_command_is_shown_only_where_the_screen_is_cleared():
    assert len(shown("CausalDAG-v0", "d")) == 1
    assert shown("CausalDAG-v0", "d", clears=True)[-1].endswith("> d")


def test_lines_fit_the_terminal():
    for env_id in ("CausalDAG-v0", "OddOneOutIntervention-v0", "OddOneOutText-v0"):
        for text in shown(env_id, "?", "8" if env_id.startswith("OddOneOutI") else "1"):
            assert max(map(len, text.splitlines())) <= 100, env_id


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX terminal")
def test_keys_of_a_terminal_come_as_they_are_pressed_and_it_is_left_as_it_was():
    import termios  # noqa: PLC0415

    keyboard, terminal = os.openpty()
    before = termios.tcgetattr(terminal)
    with os.fdopen(terminal) as stream:
        with keys_of_terminal(stream) as keys:
            pressed = []
            for sequence, count in ((b"\x1b[A\x1bOB8", 3), (b"\x1b[D", 1), (b"\x1b[1;5C\x1b[5~", 2), (b"\n", 1), (b"d+", 2), (b"\x1b", 1)):
                os.write(keyboard, sequence)
                pressed += [next(keys) for _ in range(count)]
        assert termios.tcgetattr(terminal) == before
    os.close(keyboard)
    assert pressed == ["up", "down", "8", "left", "right", "", NEXT, "d", "+", QUIT]


def command(*arguments: str, keys: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "gym_causal.play", *arguments], input=keys, capture_output=True, text=True, check=False, env=environment
    )


def test_the_command_plays_from_its_input():
    result = command("OddOneOutIntervention-v0", "--terminal", "--seed", "5", "--split", "eval", keys="8 ?\n")
    assert result.returncode == 0, result.stderr
    assert "OddOneOutIntervention-v0, split eval, seed 5, episode 1" in result.stdout and "Expert: change the color " in result.stdout


def test_games_in_words_are_played_in_the_terminal_without_being_asked():
    result = command("OddOneOutText-v0", "--seed", "5", keys="1\n")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("No window: OddOneOutText-v0 is played in words.") and "I transform object A" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["CausalDag-v0"], "env_id must be one of CausalDAG-v0"),
        (["CausalDAG-v0", "--split", "test"], "split must be one of train"),
        (["CausalDAG-v0", "--seed", "-1"], "--seed: must be >= 0, got -1"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said_in_one_line(arguments, named):
    result = command(*arguments)
    assert result.returncode != 0 and named in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_help_imports_no_extra():
    modules = "print([name for name in ('torch', 'pygame', 'matplotlib', 'gym_causal.play.session') if name in sys.modules])"
    code = f"import sys\nfrom gym_causal.play.__main__ import parse\ntry:\n    parse(['--help'])\nexcept SystemExit:\n    {modules}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "OddOneOutText-v0" in result.stdout and result.stdout.splitlines()[-1] == "[]"
