"""``python -m agents.ablate``: the variations of a study, several seeds each, as a table, CSVs, a JSON and figures."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tyro

from agents.sweeps.recipes import PUBLISHED, Recipe
from gym_causal.arguments import check_integer

if TYPE_CHECKING:
    from rich.console import Console

    from agents.sweeps.runs import Run


@dataclass(frozen=True)
class Args(Recipe):
    """Train and evaluate the variations of a study. Call it again to resume it after a kill, or to add seeds."""

    processes: int = os.cpu_count() or 1
    """Runs at a time, each on one thread."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ..."""
    published: bool = False
    """Make all runs that docs/results.md reports, in subfolders of --out (default: results). Takes only --out, --processes and --device."""


def sweeps_of(args: Args) -> list[Args]:
    """The arguments themselves, or with ``published`` those of each published recipe.

    Raises:
        ValueError: ``published`` together with arguments that the recipes decide.
    """
    if not args.published:
        return [args]
    decided = [field.name for field in dataclasses.fields(Recipe) if field.name != "out"]
    if changed := [name for name in decided if getattr(args, name) != getattr(Args(), name)]:
        raise ValueError(f"published: its recipes decide {', '.join(decided)}; got {', '.join(changed)}")
    sweeps = [Args(**dataclasses.asdict(recipe), processes=args.processes, device=args.device) for recipe in PUBLISHED]
    return sweeps if args.out is None else [dataclasses.replace(sweep, out=args.out / sweep.folder.name) for sweep in sweeps]


def run_sweep(args: Args, descriptions: dict[str, Any], runs: list[Run], console: Console) -> list[str]:
    """Execute the runs that are not finished, then write and print the results of the finished ones; returns a line for each failure."""
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    from agents.sweeps.figures import study_figures  # noqa: PLC0415
    from agents.sweeps.processes import execute_all  # noqa: PLC0415
    from agents.sweeps.studies import study  # noqa: PLC0415
    from agents.sweeps.tables import combine_results, summarize_seeds, summary_table  # noqa: PLC0415
    from baselines.plots import PALETTE  # noqa: PLC0415
    from baselines.results import save_results  # noqa: PLC0415

    failures = execute_all(runs, args.processes, console)
    finished = [run for run in runs if str(run) not in failures]
    if finished:
        results = combine_results(finished, list(descriptions))
        summary = summarize_seeds(results)
        save_results(
            args.folder,
            results,
            dataclasses.asdict(args),
            packages=("gymnasium", "numpy", "torch", "imitation"),
            figures=study_figures(study(args.study), finished, results, summary, PALETTE),
            variations=descriptions,
            summary=summary,
        )
        console.print(summary_table(summary, descriptions, study(args.study).columns))
        console.print(f"Wrote {args.folder / 'results.csv'}, summary.csv, results.json and figures")
    return [f"  {run}: {reason}" for run, reason in failures.items()]


def main(args: Args) -> None:
    from rich.console import Console  # noqa: PLC0415 - see run_sweep

    from agents.sweeps.runs import runs_of  # noqa: PLC0415
    from agents.sweeps.tables import describe_variations  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else 160)  # a log has no width of its own
    sweeps = []
    try:
        check_integer("processes", args.processes, 1, 10**9)
        for sweep in sweeps_of(args):
            sweep.check()
            sweeps.append((sweep, describe_variations(sweep), runs_of(sweep, sweep.device)))
        for run in (run for _, _, runs in sweeps for run in runs):
            run.check()
        for sweep, _, _ in sweeps:
            sweep.folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    failures: list[str] = []
    for sweep, descriptions, runs in sweeps:
        try:
            failures += run_sweep(sweep, descriptions, runs, console)
        except KeyboardInterrupt:
            raise SystemExit(f"interrupted: the same command resumes from the last checkpoints in {sweep.folder}") from None
    if failures:
        raise SystemExit("\n".join(["error: some runs failed; call again to resume them", *failures]))


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m agents.ablate"))
