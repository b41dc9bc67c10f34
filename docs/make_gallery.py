"""Draw the pictures of the gallery with the commands that stand on its page: ``python docs/make_gallery.py``.

Needs the extras ``agents`` and ``render``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"^python (examples/thinking_aloud\.py .*)$", re.MULTILINE)


def commands() -> list[list[str]]:
    """The arguments of Python in each command of the page."""
    text = (ROOT / "docs" / "gallery.md").read_text("utf-8").replace("\\\n", " ")
    return [shlex.split(arguments) for arguments in COMMAND.findall(text)]


if __name__ == "__main__":
    for arguments in commands():
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
