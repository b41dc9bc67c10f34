"""``python -m agents.ablate``: the variations of a study, several seeds each, as a table, CSVs, a JSON and figures."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import tyro
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy import stats

import gym_causal
from agents.algorithms.learning_curve import HISTORY
from agents.analysis import plots
from agents.config import AgentConfig, preset
from agents.policies.sb3 import build_policy
from agents.sweeps.runs import PROBE, Run, carry_out_all
from agents.sweeps.studies import Column, Variation, study
from baselines.compare import COLUMNS
from baselines.plots import PALETTE
from gym_causal.arguments import check_integer, check_one_of
from gym_causal.files import write_atomically

SUMMARY_COLUMNS = ["env_id", "split", "policy", "metric", "mean", "low", "high", "lowest", "highest", "seeds"]


@dataclass(frozen=True)
class Args:
    """Train and evaluate the variations of a study. Call it again to go on after a kill, or with more seeds."""

    study: Literal["architectures", "trial", "confounded", "demonstrations", "feature_set", "hard_dimension"] = "architectures"
    """Which one (agents.sweeps.studies)."""
    env: str | None = None
    """Id of the environment, where a study can be made in several."""
    seeds: int = 5
    """Trainings of each variation: seeds 0, 1, ..."""
    preset: Literal["quick", "full"] = "quick"
    """How long to train: a few minutes on two CPU cores, or until it no longer helps."""
    batches: int | None = None
    """Updates of the weights; default: as many as the preset says."""
    variations: tuple[str, ...] = ()
    """Which of the study's variations; none named: all."""
    processes: int = os.cpu_count() or 1
    """Runs at a time, each on one thread."""
    episodes: int = 2_000
    """Episodes a split in the final evaluations; every agent plays the same ones."""
    out: Path | None = None
    """Folder for the runs and the results; default: results/ablate/ENV/STUDY."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ..."""


def runs_of(args: Args, env_id: str, variations: Sequence[Variation], out: Path) -> list[Run]:
    """All seeds of each variation. Seed by seed, so that there is something of everything early."""
    made, common = study(args.study), preset(env_id, args.preset).lasting(args.batches)
    if args.preset == "quick":
        common = dataclasses.replace(common, env_kwargs={**common.env_kwargs, **made.quick_env_kwargs})
    return [
        Run(v.name, v.config(env_id, seed, common), out / v.name / f"seed_{seed}", made.splits, args.episodes, args.device)
        for seed in range(args.seeds)
        for v in variations
    ]


def encode(results: pd.DataFrame) -> pd.DataFrame:
    """Over training seeds: the mean, its 95% interval by Student's t (NaN with one seed), and the lowest and highest seed.

    Args:
        results: tidy rows with ``seed_of_training``.

    Returns:
        A row (``SUMMARY_COLUMNS``) for each policy, split and metric.
    """
    groups = results.groupby(["env_id", "split", "policy", "metric"], sort=False)["mean"]
    summary = groups.agg(mean="mean", spread="std", lowest="min", highest="max", seeds="count").reset_index()
    # The interval is that of the mean of all seeds there could be; that of one seed's episodes is in the results.
    half = stats.t.ppf(0.975, summary["seeds"] - 1) * summary["spread"] / np.sqrt(summary["seeds"])
    return summary.assign(low=summary["mean"] - half, high=summary["mean"] + half)[SUMMARY_COLUMNS]


def table(summary: pd.DataFrame, about: Mapping[str, Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    """Variations as rows, means over seeds with their intervals; and how large the agents are."""
    cells = summary.set_index(["metric", "policy", "split"])
    title = f"{summary['env_id'].iloc[0]} (mean of {summary['seeds'].max()} training seeds, 95% interval)"
    shown = Table("variation", title=title)
    for heading in ("parameters", "updates", *(column.title for column in columns)):
        shown.add_column(heading, justify="right")

    def cell(column: Column, variation: str) -> str:
        place = column.metric, variation, column.split
        if place not in cells.index:
            return ""
        row = cells.loc[place]
        return f"{row['mean']:.3f}" + ("" if np.isnan(row["low"]) else f" [{row['low']:.3f}, {row['high']:.3f}]")

    for variation in summary["policy"].unique():
        numbers = (f"{about[variation][name]:,}" for name in ("parameters", "updates"))
        shown.add_row(variation, *numbers, *(cell(column, variation) for column in columns))
    return shown


def combine(runs: Sequence[Run], file: str) -> dict[str, pd.DataFrame]:
    """Variation -> the rows of one file of all its runs, with ``seed_of_training``."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for run in runs:
        if (run.folder / file).exists():
            parts.setdefault(run.variation, []).append(pd.read_csv(run.folder / file).assign(seed_of_training=run.config.seed))
    return {variation: pd.concat(rows, ignore_index=True) for variation, rows in parts.items()}


def save(out: Path, args: Args, runs: Sequence[Run], results: pd.DataFrame, about: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what the finished runs found, in tables and figures; a reader never finds half a file."""
    summary = encode(results)
    versions = {package: importlib.metadata.version(package) for package in ("gymnasium", "numpy", "torch", "imitation")}
    document = {
        "arguments": {key: str(value) if isinstance(value, Path) else value for key, value in dataclasses.asdict(args).items()},
        "versions": {"python": platform.python_version(), "gym_causal": gym_causal.__version__, **versions},
        "variations": about,
        **{
            name: json.loads(rows.to_json(orient="records", double_precision=15))
            for name, rows in (("summary", summary), ("results", results))
        },
    }
    write_atomically(out / "results.csv", lambda path: results.to_csv(path, index=False))
    write_atomically(out / "summary.csv", lambda path: summary.to_csv(path, index=False))
    write_atomically(out / "results.json", lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))
    figures: dict[str, Figure] = {
        "learning_curves": plots.learning_curves(combine(runs, HISTORY), PALETTE),
        "rewards": plots.final_rewards(results, summary, PALETTE, study(args.study).metric),
    }
    if results["metric"].str.startswith("choice_").any():
        figures["choices"] = plots.choices(results, summary, PALETTE)
    if results["metric"].str.startswith("explained_").any():
        figures["explained"] = plots.explained(results, summary, PALETTE)
    numbers = {run.variation: run.config.training.num_demonstrations or 0 for run in runs}
    if len(set(numbers.values())) > 1 and all(numbers.values()):
        shown = [(column.metric, column.split) for column in study(args.study).columns]
        figures["demonstrations"] = plots.by_demonstrations(results, numbers, PALETTE, shown)
    if probes := combine(runs, PROBE):
        figures["probe"] = plots.probe_curves(probes, PALETTE[5])
        figures["probe_slopes"] = plots.probe_slopes(probes)
    for name, figure in figures.items():
        for suffix in (".png", ".svg"):
            write_atomically(out / f"{name}{suffix}", figure.savefig)


def main(args: Args) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)  # a log has no width of its own
    try:
        for name in ("seeds", "processes", "episodes"):
            check_integer(name, getattr(args, name), 1, 10**9)
        chosen = study(args.study)
        env_id, variations = args.env or chosen.env_ids[0], chosen.chosen(args.variations)
        check_one_of("env", env_id.removeprefix("gym_causal:"), chosen.env_ids)
        out = args.out or Path("results/ablate") / env_id.removeprefix("gym_causal:") / args.study
        runs = runs_of(args, env_id, variations, out)
        about = {variation.name: _about(variation, run.config) for variation, run in zip(variations, runs, strict=False)}
        for run in runs:
            run.check()
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    try:
        failures = carry_out_all(runs, args.processes, console)
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: the same command goes on from the last checkpoints in {out}") from None
    finished = [run for run in runs if str(run) not in failures]
    if finished:
        finished.sort(key=lambda run: list(about).index(run.variation))
        results = pd.concat([run.results() for run in finished], ignore_index=True)[[*COLUMNS, "seed_of_training"]]
        save(out, args, finished, results, about)
        console.print(table(encode(results), about, chosen.columns))
        console.print(f"Wrote {out / 'results.csv'}, summary.csv, results.json and figures")
    if failures:
        raise SystemExit("\n".join(["error: some runs failed; call again to go on", *(f"  {run}: {why}" for run, why in failures.items())]))


def _about(variation: Variation, config: AgentConfig) -> dict[str, Any]:
    """What a variation is, and how large."""
    return {
        "description": variation.description,
        "parameters": sum(parameter.numel() for parameter in build_policy(config).parameters()),
        "updates": config.training.num_batches,
        "config": {key: value for key, value in config.to_json().items() if key != "seed"},
    }


if __name__ == "__main__":
    torch.set_num_interop_threads(1)
    main(tyro.cli(Args, prog="python -m agents.ablate"))
