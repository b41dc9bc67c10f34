"""The runs of a study: each trains one agent, evaluates and probes it in a folder of its own; many at a time, and resumable."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.analysis.explanation_accuracy import explanation_accuracy
from agents.analysis.probe import probe, with_experiments
from agents.config.agent import AgentConfig
from agents.policies.checkpoints import CONFIG, load_config, updates_made
from agents.policies.sb3 import Agent
from agents.sweeps.studies import FRACTION_OF_EXPERT, HELD_OUT_RATIO
from gym_causal.files import write_atomically

RESULTS, PROBE, ERROR = "results.csv", "probe.csv", "error.txt"
EPISODES_SEED = 0
"""Of the episodes of final evaluations: every agent plays the same ones, none of which were looked at while it was trained."""
_POLL = 2.0
"""Seconds between looks at how far the runs are."""


@dataclass(frozen=True)
class Run:
    """A seed of a variation."""

    variation: str
    config: AgentConfig
    folder: Path
    splits: tuple[str, ...]  # of the evaluation
    episodes: int  # a split
    device: str = "cpu"  # where it is trained

    def __str__(self) -> str:
        return f"{self.variation}, seed {self.config.seed}"

    def check(self) -> None:
        """Raise a ValueError if there is another agent in the folder."""
        if (self.folder / CONFIG).exists() and load_config(self.folder) != self.config:
            raise ValueError(f"out: {str(self.folder)!r} holds an agent of another configuration; sample_actions another folder")

    @property
    def finished(self) -> bool:
        if not (self.folder / RESULTS).exists():
            return False
        rows = self.results()
        rewards = rows[rows["metric"] == "reward"]
        return set(rewards["split"]) == set(self.splits) and bool((rewards["episodes"] == self.episodes).all())

    @property
    def updates(self) -> int:
        """How many were made so far, by the last checkpoint; none if it is damaged, which its own process will complain of."""
        return updates_made(self.folder)

    def results(self) -> pd.DataFrame:
        """Tidy rows, those of ``gym_causal.evaluate`` and the held-out ratio of the probe, with ``seed_of_training``."""
        return pd.read_csv(self.folder / RESULTS)

    def carry_out(self) -> None:
        """Train or go on training, evaluate, analyse. The results are written last: with them, a run is finished."""
        agent = train(self.config, self.folder, resume=True, splits=self.splits, progress=False, device=self.device)
        rows = [row for split in self.splits for row in self._evaluated(agent, split)] + self._probed(agent)
        table = pd.DataFrame(rows).assign(policy=self.variation, seed_of_training=self.config.seed)
        write_atomically(self.folder / RESULTS, lambda path: table.to_csv(path, index=False))

    def _evaluated(self, agent: Agent, split: str) -> list[dict[str, Any]]:
        """How it acts, and how well it predicts explanations if it does."""
        env_id, env_kwargs = self.config.env_id, self.config.env_kwargs
        played = [
            gym_causal.evaluate(policy, env_id, split=split, num_episodes=self.episodes, seed=EPISODES_SEED, **env_kwargs)
            for policy in (agent, "expert")
        ]
        rows, best = played[0].rows(), played[1].reward.mean
        share = {end: value / best for end, value in dataclasses.asdict(played[0].reward).items()}
        rows.append({**rows[0], "metric": FRACTION_OF_EXPERT, **share})
        if agent.policy.explainer is not None:
            watched = {**env_kwargs, **self.config.demonstration_kwargs}
            kind = self.config.training.explanations
            rows += explanation_accuracy(agent.policy, env_id, split=split, explanations=kind, **watched).rows()
        return rows

    def _probed(self, agent: Agent) -> list[dict[str, Any]]:
        """How it reacts to evidence, in a causal DAG; without experiments there is none."""
        env_id, env_kwargs = self.config.env_id, self.config.env_kwargs
        if with_experiments(env_id, **env_kwargs) is None:
            return []
        found = probe(agent.policy, env_id, **env_kwargs)
        curves = pd.DataFrame(found.rows())
        write_atomically(self.folder / PROBE, lambda path: curves.to_csv(path, index=False))
        about = {"env_id": env_id, "split": "train", "metric": HELD_OUT_RATIO, "episodes": found.episodes, "seed": found.seed}
        return [{**about, **dataclasses.asdict(found.held_out_ratio)}]


def carry_out_all(runs: Sequence[Run], processes: int, console: Console) -> dict[str, str]:
    """Carry out the runs that are not finished, each in a process of its own, and show how far they are.

    A run that fails, or is killed, does not touch the others; what it has done so far is gone on with the next time.

    Args:
        runs: in the order in which they begin.
        processes: how many at a time, >= 1.
        console: for the progress.

    Returns:
        What went wrong, by the name of the run that failed.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by the processes; their number is the parallelism
    context = multiprocessing.get_context("spawn")
    updates = {index: run.updates for index, run in enumerate(runs)}
    waiting = deque(index for index, run in enumerate(runs) if not run.finished)
    active: dict[SpawnProcess, int] = {}
    failures: dict[str, str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("updates"))
    times = (TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left"))
    # Checkpoints are minutes apart, so the speed is that of all the time so far.
    with Progress(*columns, *times, console=console, transient=True, speed_estimate_period=float("inf")) as progress:
        bar = progress.add_task("", total=sum(run.config.training.num_batches for run in runs), completed=sum(updates.values()))
        try:
            while waiting or active:
                while waiting and len(active) < processes:
                    index = waiting.popleft()
                    process = context.Process(target=_work, args=(runs[index],), daemon=True)
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
                            failures[str(run)] = _what_went_wrong(run, process.exitcode)
                        progress.console.print(f"{run}: {failures.get(str(run), 'done')}", highlight=False)
                progress.update(bar, completed=sum(updates.values()))
        finally:
            for process in active:
                process.terminate()
    return failures


def _work(run: Run) -> None:
    """What a process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; it is the parent's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    error = run.folder / ERROR
    error.unlink(missing_ok=True)
    try:
        run.carry_out()
    except Exception:
        run.folder.mkdir(parents=True, exist_ok=True)
        error.write_text(traceback.format_exc(), encoding="utf-8")
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """Nobody is to train on in a folder that the next call will train in too."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _what_went_wrong(run: Run, exit_code: int) -> str:
    path = run.folder / ERROR
    if not path.exists():
        return f"its process died with exit code {exit_code}"
    return f"{path.read_text(encoding='utf-8').strip().splitlines()[-1]} ({path})"
