"""Executes many runs in parallel, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.sweeps.runs import Run
from gym_causal.processes import exit_when_closed

ERROR = "error.txt"
_POLL = 2.0
"""Seconds between updates of the progress bar."""


def execute_all(runs: Sequence[Run], processes: int, console: Console) -> dict[str, str]:
    """Execute the runs that are not finished, with a progress bar.

    A run that fails or is killed does not affect the others. Its last checkpoint stays: the next call resumes it.

    Args:
        runs: in the order in which they are started.
        processes: how many at a time, >= 1.
        console: for the progress bar.

    Returns:
        name of a failed run -> what went wrong.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by the processes; their number is the parallelism
    context: Any = _context()  # its two classes of processes have no common one
    updates = {index: run.updates for index, run in enumerate(runs)}
    waiting = deque(index for index, run in enumerate(runs) if not run.finished)
    active: dict[BaseProcess, int] = {}
    failures: dict[str, str] = {}
    with progress_bar(console, "updates") as progress:
        bar = progress.add_task("", total=sum(run.config.training.num_batches for run in runs), completed=sum(updates.values()))
        try:
            while waiting or active:
                while waiting and len(active) < processes:
                    index = waiting.popleft()
                    process = context.Process(target=_execute, args=(runs[index],), daemon=True)
                    process.start()
                    active[process] = index
                progress.update(bar, description=f"{len(runs) - len(waiting) - len(active)} of {len(runs)} runs")
                wait([process.sentinel for process in active], timeout=_POLL)
                for process, index in list(active.items()):
                    run = runs[index]
                    updates[index] = run.updates
                    if not process.is_alive():
                        del active[process]
                        if process.exitcode:
                            failures[str(run)] = _failure(run, process.exitcode)
                        progress.console.print(f"{run}: {failures.get(str(run), 'done')}", highlight=False)
                progress.update(bar, completed=sum(updates.values()))
        finally:
            for process in active:
                process.terminate()
    return failures


def _context() -> Any:
    """How processes are started.

    On Linux they are forks of a server that has imported everything: importing takes ten seconds. Elsewhere forking is not safe.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["agents.sweeps.preload"])
    return context


def progress_bar(console: Console, counted: str) -> Progress:
    """A bar with the remaining time; ``counted`` is the name of what it counts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(counted))
    times = (TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left"))
    # Checkpoints are minutes apart, so the speed is that of the whole time so far.
    return Progress(*columns, *times, console=console, transient=True, speed_estimate_period=float("inf"))


def _execute(run: Run) -> None:
    """The target of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches this process; the parent answers it
    parent = multiprocessing.parent_process()
    assert parent is not None
    exit_when_closed(parent.sentinel)  # else two processes would train in one folder once the command is called again
    torch.set_num_threads(1)
    error = run.folder / ERROR
    error.unlink(missing_ok=True)
    try:
        run.execute()
    except Exception:
        run.folder.mkdir(parents=True, exist_ok=True)
        error.write_text(traceback.format_exc(), encoding="utf-8")
        raise SystemExit(1) from None


def _failure(run: Run, exit_code: int) -> str:
    """The last line of the error that a run left behind."""
    path = run.folder / ERROR
    if not path.exists():
        return f"its process died with exit code {exit_code} ({run.folder})"
    return f"{path.read_text(encoding='utf-8').strip().splitlines()[-1]} ({path})"
