"""Kills commands at random moments, starts them again, and compares what they write with that of an undisturbed run.

    python -m reliability.kills [--kills 17] [--commands bc ppo ...] [--out FILE]

A command runs in a process of its own, a fork of one that has imported everything. It is killed (SIGKILL, with the processes that it
started) up to three times in a folder, each time after a uniformly random part of an undisturbed run's duration, then it is left alone.
At the end every file that it promises to write must be the same as that of the undisturbed run, byte for byte (of safetensors: each
tensor and the metadata). A temporary file that a killed process left says that it was killed while it wrote.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from agents.algorithms.folder_lock import LOCK
from benchmarks.reports import save_report
from gym_causal.files import read_json
from reliability.commands import COMMANDS, Command

_MOST_IN_ONE_FOLDER = 3
_PATIENCE = 600
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Args:
    """Kill commands at random moments and resume them."""

    kills: int = 17
    """Of each command."""
    commands: tuple[str, ...] = tuple(COMMANDS)
    """Which ones."""
    seed: int = 0
    """Of the moments."""
    out: Path = Path("docs/data/reliability/kills.json")
    """A JSON file for the counts."""


def _run(target: Callable[[Path], object], folder: Path) -> None:
    os.setsid()  # so that its own processes are killed with it
    with open(folder.with_suffix(".log"), "a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        target(folder)


def start(command: Command, folder: Path) -> Any:
    """Begin a command, or go on with it, in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reliability.commands"])
    process = context.Process(target=_run, args=(command.run, folder))
    process.start()
    return process


def finish(command: Command, folder: Path) -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: it fails, or hangs.
    """
    process = start(command, folder)
    process.join(_PATIENCE)
    if process.exitcode != 0:
        log = folder.with_suffix(".log").read_text("utf-8").strip().splitlines()
        raise RuntimeError(f"exit code {process.exitcode}: {log[-1] if log else ''}")


def kill(process: Any) -> bool:
    """Kill a process and those that it started; returns whether it still ran."""
    if process.exitcode is not None:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def measure(command: Command, kills: int, rng: np.random.Generator, root: Path) -> dict[str, Any]:
    """Kill a command so many times.

    Returns:
        Counts of ``kills``, of those ``while_writing`` and of ``folders``, and the ``mismatches`` of files.
    """
    expected = root / "undisturbed"
    finish(command, expected)
    shutil.rmtree(expected)
    begun = time.monotonic()
    finish(command, expected)  # once more, now that everything is loaded
    duration = time.monotonic() - begun
    files = command.files(expected)
    counts, mismatches, folders = {"kills": 0, "while_writing": 0}, [], 0
    while counts["kills"] < kills:
        folder, folders, left = root / f"killed_{folders}", folders + 1, 0
        for _ in range(_MOST_IN_ONE_FOLDER):
            process = start(command, folder)
            process.join(rng.uniform(0, duration))
            if not kill(process):
                break  # it was faster
            counts["kills"] += 1
            found = sum(path.is_file() and path.name != LOCK for path in folder.rglob(".*")) if folder.exists() else 0
            counts["while_writing"] += found > left
            left = found
            if counts["kills"] == kills:
                break
        try:
            finish(command, folder)
        except RuntimeError as error:
            mismatches.append(f"{folder.name}: {error}")
            continue
        resumed = command.files(folder)
        mismatches += [f"{folder.name}/{name}" for name, content in files.items() if resumed.get(name) != content]
        shutil.rmtree(folder)
    return {"command": command.name, "seconds": round(duration, 2), **counts, "folders": folders, "files": sorted(files),
            "mismatches": mismatches}  # fmt: skip


def main(args: Args) -> None:
    # Results of other commands stay in the file.
    results = {each["name"]: each for each in read_json(args.out)["commands"]} if args.out.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.commands:
            root = Path(temporary) / name
            root.mkdir()
            rng = np.random.default_rng([args.seed, list(COMMANDS).index(name)])
            results[name] = {"name": name, **measure(COMMANDS[name], args.kills, rng, root)}
            print(results[name], flush=True)
            save_report(args.out, {"seed": args.seed, "commands": [results[each] for each in COMMANDS if each in results]})
    if any(result["mismatches"] for result in results.values()):
        raise SystemExit("error: some files differ from those of an undisturbed run")


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m reliability.kills"))
