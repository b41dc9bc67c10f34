"""Executes many runs on a Ray cluster, each as a task. A task whose machine is lost begins again, from the run's last checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ray
import torch
from ray.exceptions import RayError, RayTaskError
from rich.console import Console

from agents.algorithms.learning_curve import HISTORY
from agents.policies.checkpoints import CONFIG
from agents.sweeps.processes import progress_bar
from agents.sweeps.runs import PROBE, RESULTS, Run
from agents.sweeps.storage import working_folder
from gym_causal.files import write_atomically

_RETURNED = (CONFIG, HISTORY, PROBE, RESULTS)
"""What a task returns of its run. With the last, a run is finished."""
_POLL = 2.0
"""Seconds between updates of the progress bar."""


@dataclass(frozen=True)
class RayOptions:
    """Where and how runs are executed."""

    address: str | None  # of the cluster, as ray.init takes it; None: RAY_ADDRESS, or this machine alone
    cpus_per_run: float
    gpus_per_run: float
    retries: int  # how often a run is begun again after its process or machine was lost
    storage: str | None  # a folder that all machines see, or an fsspec URL; None: each run's own folder, as all machines see it

    def location(self, run: Run) -> str:
        """Where the files of a run are kept: STORAGE/STUDY/VARIATION/seed_SEED."""
        folder = run.folder.resolve()
        return str(folder) if self.storage is None else "/".join([self.storage.rstrip("/"), *folder.parts[-3:]])


def execute_all_on_ray(runs: Sequence[Run], options: RayOptions, console: Console) -> dict[str, str]:
    """Execute the runs that are not finished, with a progress bar; their results are returned, and written to each run's folder here.

    Args:
        runs: in the order in which they are started.
        options: of the cluster.
        console: for the progress bar.

    Returns:
        name of a failed run -> what went wrong.

    Raises:
        ConnectionError: there is no such cluster.
    """
    ray.init(options.address, logging_level="error", log_to_driver=False)
    failures: dict[str, str] = {}
    try:
        execute = ray.remote(_execute).options(
            num_cpus=options.cpus_per_run, num_gpus=options.gpus_per_run, max_retries=options.retries, retry_exceptions=False
        )
        threads = max(1, int(options.cpus_per_run))
        active: dict[Any, Run] = {execute.remote(run, options.location(run), threads): run for run in runs if not run.finished}
        with progress_bar(console, "runs") as progress:
            bar = progress.add_task("", total=len(runs), completed=len(runs) - len(active))
            while active:
                for task in ray.wait(list(active), timeout=_POLL)[0]:
                    run = active.pop(task)
                    try:
                        _write(run, ray.get(task))
                    except RayError as error:
                        failures[str(run)] = _reason(error)
                    progress.console.print(f"{run}: {failures.get(str(run), 'done')}", highlight=False)
                    progress.advance(bar)
    finally:
        ray.shutdown()  # which ends this command's tasks
    return failures


def _execute(run: Run, location: str, threads: int) -> dict[str, bytes]:
    """The task: it runs on some machine of the cluster. Where it ran before, it goes on; returns the contents of files by name."""
    torch.set_num_threads(threads)
    with working_folder(location) as folder:
        placed = dataclasses.replace(run, folder=folder)
        if not placed.finished:  # Ray also repeats a task whose result was lost with a machine
            placed.execute()
        return {name: (folder / name).read_bytes() for name in _RETURNED if (folder / name).exists()}


def _write(run: Run, contents: dict[str, bytes]) -> None:
    """Put what a task returned into the run's folder here."""
    run.folder.mkdir(parents=True, exist_ok=True)
    for name in _RETURNED:
        path, content = run.folder / name, contents.get(name)
        if content is not None and not (path.exists() and path.read_bytes() == content):
            write_atomically(path, partial(Path.write_bytes, data=content))


def _reason(error: RayError) -> str:
    """One line: what the run raised, or what Ray says of a lost machine."""
    if isinstance(error, RayTaskError) and error.cause is not None:
        return f"{type(error.cause).__name__}: {error.cause}"
    return str(error).strip().splitlines()[0]
