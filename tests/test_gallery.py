"""The gallery shows what its commands make."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_scripts import load_script

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
IMAGE = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")


def commands() -> list[list[str]]:
    return load_script("make_gallery").commands()


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_each_picture_has_its_command_and_each_env_both_players():
    images = [f"docs/{path}" for path in IMAGE.findall(PAGE.read_text("utf-8"))]
    assert [option(arguments, "--out") for arguments in commands()] == images
    players = [(option(arguments, "--agent"), option(arguments, "--player")) for arguments in commands()]
    shipped = sorted(path.name for path in (ROOT / "agents" / "pretrained_agents").iterdir())
    assert sorted(players) == [(env_id, player) for env_id in shipped for player in ("agent", "expert")]


def test_pictures_are_small():
    assert sum((ROOT / option(arguments, "--out")).stat().st_size for arguments in commands()) < 1_500_000


def test_a_command_makes_its_picture_again(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for library in ("torch", "safetensors", "tyro"):
        pytest.importorskip(library)
    (arguments,) = (some for some in commands() if some[-1].endswith("odd_one_out_confounded_agent.gif"))
    subprocess.run([sys.executable, *arguments[:-1], str(tmp_path / "again.gif")], cwd=ROOT, check=True, capture_output=True)
    with image.open(ROOT / arguments[-1]) as shown, image.open(tmp_path / "again.gif") as again:
        assert (again.n_frames, again.size) == (shown.n_frames, shown.size)
        for frame in range(shown.n_frames):
            shown.seek(frame)
            again.seek(frame)
            room = (10, 42, 505, 537)  # without words: their font comes with Pillow
            assert again.convert("RGB").crop(room).tobytes() == shown.convert("RGB").crop(room).tobytes()


def test_games_in_words_are_what_is_printed():
    text, namespace = PAGE.read_text("utf-8"), {}
    blocks = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, namespace)
        assert printed.getvalue().strip() == shown.strip()
