"""A small example of each kind of file that the package reads, and what reads it."""

from __future__ import annotations

import json
import operator
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

import gym_causal
from agents.algorithms.learning_curve import HISTORY, read_history
from agents.language.request_log import RequestLog
from agents.language.training import TRAINING, check_folder
from agents.language.training_config import TrainingConfig
from agents.policies.checkpoints import CHECKPOINT, CONFIG, load_checkpoint, load_config
from agents.policies.loading import SHIPPED, load
from agents.sweeps.runs import PROBE, RESULTS, Run
from agents.sweeps.tables import combine_file
from gym_causal.leaderboard import form
from tests.agents.small import CONFIG as AGENT_CONFIG

ROOT = Path(__file__).parents[1]
MODEL = {"model": "example", "model_args": {}}


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the file.
        write: writes an example, and what it needs beside it, into a folder.
        read: everything that is read of it, in a form that ``==`` compares; whatever the package raises is let through.
        protected: whether a changed number is noticed.
        same: whether what was read is as good as what was expected.
    """

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    protected: bool
    same: Callable[[Any, Any], bool] = operator.eq


def _agent(folder: Path) -> None:
    for name in (CONFIG, CHECKPOINT):
        shutil.copyfile(SHIPPED / "CausalDAG-v0" / name, folder / name)


@cache
def _episodes() -> gym_causal.Episodes:
    return gym_causal.collect("expert", "CausalDAG-v0", num_episodes=5, seed=0)


def contents(episodes: gym_causal.Episodes) -> dict[str, Any]:
    """Everything that recorded episodes hold, by name."""
    arrays = {name: getattr(episodes, name) for name in ("actions", "rewards", "lengths", "truncated")}
    arrays |= {f"{kind}/{key}": value for kind in ("observations", "explanations") for key, value in getattr(episodes, kind).items()}
    described = {name: (value.dtype.str, value.shape, value.tobytes()) for name, value in arrays.items()}
    return {**described, "metadata": episodes.metadata}


def _weights(folder: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(folder)
    load(folder)
    return {"batch": checkpoint.batch, **{name: value.numpy().tobytes() for name, value in checkpoint.weights.items()}}


def _write_log(folder: Path) -> None:
    log = RequestLog(folder / "requests.jsonl", MODEL)
    prompt = log.add_prompt("New game.\n")
    log.add_scores(prompt, {"There are three objects.": [(" A", -0.25), (" B", -1.5)], "Choosing": [(" C", -3.125)]})


def _log(folder: Path) -> dict[str, Any]:
    log = RequestLog(folder / "requests.jsonl", MODEL)
    return {str(key): value for key, value in log.scores.items()}


def _run(folder: Path) -> Run:
    return Run("none", AGENT_CONFIG, folder, ("train",), 2)


def _write_results(folder: Path) -> None:
    columns = {"env_id": "CausalDAG-v0", "split": "train", "policy": "none", "seed_of_training": 0}
    rows = [{**columns, "metric": name, "mean": value, "episodes": 2} for name, value in (("reward", 1.25), ("normalized_reward", 0.5))]
    pd.DataFrame(rows).to_csv(folder / RESULTS, index=False)


def _write_probe(folder: Path) -> None:
    rows = [{"held_out": False, "cause": "A", "goal": "B", "delta": delta, "response": 2 * delta, "slope": 2.0} for delta in (-1.0, 1.5)]
    pd.DataFrame(rows).to_csv(folder / PROBE, index=False)


def _write_training(folder: Path) -> None:
    (folder / TRAINING).write_text(json.dumps(TrainingConfig().to_json(), indent=1) + "\n", encoding="utf-8")


def _submission(folder: Path) -> Any:
    document = form.read(folder / "submission.json")
    if problems := form.problems_of(document):
        raise ValueError(f"submission.json: {problems[0]}")  # as its command says it
    return document


KINDS = (
    Kind(CONFIG, _agent, lambda folder: load_config(folder).to_json(), protected=False),
    Kind(CHECKPOINT, _agent, _weights, protected=True),
    Kind("episodes.npz", lambda folder: _episodes().save(folder / "episodes.npz"),
         lambda folder: contents(gym_causal.Episodes.load(folder / "episodes.npz")), protected=True),
    Kind("requests.jsonl", _write_log, _log, protected=True, same=lambda found, expected: found.items() <= expected.items()),
    Kind(TRAINING, _write_training, lambda folder: check_folder(TrainingConfig(), folder, resume=True), protected=True),
    Kind(HISTORY, lambda folder: shutil.copyfile(SHIPPED / "CausalDAGCued-v0" / HISTORY, folder / HISTORY),
         lambda folder: read_history(folder / HISTORY).to_csv(), protected=False),
    Kind(RESULTS, _write_results, lambda folder: _run(folder).results().to_csv(), protected=False),
    Kind(PROBE, _write_probe, lambda folder: combine_file([_run(folder)], PROBE)["none"].to_csv(), protected=False),
    Kind("submission.json", lambda folder: shutil.copyfile(_a_submission(), folder / "submission.json"), _submission, protected=False),
)  # fmt: skip


def _a_submission() -> Path:
    return min((ROOT / "docs" / "data" / "leaderboard").rglob("*.json"), key=lambda path: path.stat().st_size)
