"""Truncates and changes each kind of file that is read, and looks at what reading it then does.

    python -m reliability.damage [--flips 300] [--seed 0] [--out FILE]

A file is cut off at every tenth of its bytes, and single bytes of it are changed. What is read must then be the same, or be refused by a
one-line ValueError or OSError that names the file or its folder. Other content that is read is counted, and anything else is a failure.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.reports import save_report
from reliability.files import KINDS, Kind

OUTCOMES = ("refused", "same", "changed", "failed")
_PATIENCE = 20
"""Seconds after which reading a file counts as hanging."""


@dataclass(frozen=True)
class Args:
    """Damage each kind of file that is read."""

    flips: int = 300
    """Changed bytes of each kind, one at a time."""
    seed: int = 0
    """Of their places and values."""
    out: Path = Path("docs/data/reliability/damage.json")
    """A JSON file for the counts."""


def outcome(kind: Kind, folder: Path, expected: Any) -> str:
    """What reading does: "refused", "same", "changed", or what went wrong."""
    try:
        with _alarm():
            found = kind.read(folder)
    except (ValueError, OSError) as error:
        message = str(error)
        named = kind.name in message or str(folder) in message
        return "refused" if named and "\n" not in message else f"message: {type(error).__name__}: {message!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "same" if kind.same(found, expected) else "changed"


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    """A RuntimeError inside after a while."""

    def ring(*_: Any) -> None:
        raise RuntimeError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def damaged(content: bytes, flips: int, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Contents of damaged files, each with what was done to it: "truncated" or "flipped"."""
    for tenth in range(10):
        yield "truncated", content[: len(content) * tenth // 10]
    half = min(flips // 2, len(content))
    # Heads of files are short and hold what readers trust, so half of the changes are there.
    places = [*rng.integers(min(len(content), 4_096), size=half), *rng.integers(len(content), size=flips - half)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= int(rng.integers(1, 256)) if rng.random() < 0.5 else 1 << int(rng.integers(8))
        yield "flipped", bytes(changed)


def measure(kind: Kind, flips: int, seed: int) -> dict[str, Any]:
    """Counts of outcomes of a kind, and the distinct failures."""
    rng, counts, failures = np.random.default_rng(seed), Counter[tuple[str, str]](), Counter[str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        kind.write(folder)
        path = folder / kind.name
        content, expected = path.read_bytes(), kind.read(folder)
        for done, changed in damaged(content, flips, rng):
            path.write_bytes(changed)
            found = outcome(kind, folder, expected)
            counts[done, found if found in OUTCOMES else "failed"] += 1
            if found not in OUTCOMES:
                failures[found] += 1
    about = {"file": kind.name, "bytes": len(content), "protected": kind.protected}
    table = {done: {name: counts[done, name] for name in OUTCOMES} for done in ("truncated", "flipped")}
    return {**about, **table, "failures": dict(failures.most_common(20))}


def main(args: Args) -> None:
    results = []
    for kind in KINDS:
        results.append(measure(kind, args.flips, args.seed))
        print(results[-1], flush=True)
    save_report(args.out, {"flips": args.flips, "seed": args.seed, "kinds": results})
    if any(result[done]["failed"] for result in results for done in ("truncated", "flipped")):
        raise SystemExit("error: some damaged files are not refused in one line")


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m reliability.damage"))
