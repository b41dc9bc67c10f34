"""``python -m agents.ablate``: the variations of a study, several seeds each, as a table, CSVs, a JSON, figures and a report."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gym_causal.extras import needs_extra

with needs_extra("python -m agents.ablate", "agents"):
    import tyro

    from agents.sweeps.recipes import PLANNED, PUBLISHED, Recipe
    from baselines.command_line import env_kwargs_type
    from gym_causal.arguments import check_integer, check_number

if TYPE_CHECKING:
    from rich.console import Console

    from agents.sweeps.runs import Run

RAY_ONLY = ("address", "cpus_per_run", "gpus_per_run", "storage", "retries")


@dataclass(frozen=True)
class Args(Recipe):
    """Train and evaluate the variations of a study. Call it again to resume it after a kill, or to add seeds."""

    processes: int = os.cpu_count() or 1
    """Runs at a time, each on one thread."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ..."""
    backend: Literal["processes", "ray"] = "processes"
    """What executes the runs: processes of this machine, or a Ray cluster (docs/many_machines.md). The options below are for ray alone."""
    address: str | None = None
    """Of the Ray cluster, for example auto; default: the environment variable RAY_ADDRESS, or a cluster of this machine alone."""
    cpus_per_run: float = 1
    """CPUs that Ray reserves for each run, which trains on as many threads."""
    gpus_per_run: float = 0
    """GPUs that Ray reserves for each run; a run sees no others, so --device cuda is right for all."""
    storage: str | None = None
    """Where runs keep their checkpoints: a folder that all machines see, or an fsspec URL; default: --out, which all machines must see."""
    retries: int = 3
    """How often a run goes on from its last checkpoint after its process or machine was lost."""
    published: bool = False
    """Make all runs that the pages of results report, in subfolders of --out (default: results). Takes only --out and where to run."""
    planned: bool = False
    """Make all runs that the pages of results do not report yet; the same otherwise."""


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line.

    Raises:
        ValueError: an unknown env.
        SystemExit: an unknown option or a value out of range; tyro says which.
    """
    first, _ = tyro.cli(Args, args=argv, return_unknown_args=True, add_help=False)  # the env decides which arguments it has
    env_kwargs = env_kwargs_type(first.env_id, without=("split", "explain", "expert_info"))
    fields: list[Any] = [("env_kwargs", env_kwargs, field(default_factory=dict))]
    args_class: type[Args] = dataclasses.make_dataclass("Args", fields, bases=(Args,), frozen=True)
    return tyro.cli(args_class, args=argv, prog="python -m agents.ablate", description=Args.__doc__)


def sweeps_of(args: Args) -> list[Args]:
    """The arguments themselves, or with ``published`` or ``planned`` those of each such recipe.

    Raises:
        ValueError: ``published`` or ``planned`` together with arguments that the recipes decide.
    """
    if not args.published and not args.planned:
        return [args]
    recipes = (PUBLISHED if args.published else ()) + (PLANNED if args.planned else ())
    decided = [each.name for each in dataclasses.fields(Recipe) if each.name != "out"]
    if changed := [name for name in decided if getattr(args, name) != getattr(Args(), name)]:
        which = "published" if args.published else "planned"
        raise ValueError(f"{which}: its recipes decide {', '.join(decided)}; got {', '.join(changed)}")
    where = {name: getattr(args, name) for name in ("processes", "device", "backend", *RAY_ONLY)}
    sweeps = [Args(**dataclasses.asdict(recipe), **where) for recipe in recipes]
    return sweeps if args.out is None else [dataclasses.replace(sweep, out=args.out / sweep.folder.name) for sweep in sweeps]


def executor(args: Args) -> Callable[[list[Run], Console], dict[str, str]]:
    """The backend: a function that executes the runs that are not finished, and returns what went wrong with each failed run.

    Raises:
        ExtraNotInstalled: Ray is missing.
        ValueError: an option of Ray for another backend, or out of range.
    """
    if args.backend == "processes":
        if changed := [name for name in RAY_ONLY if getattr(args, name) != getattr(Args(), name)]:
            raise ValueError(f"{', '.join(changed)} must be left out with backend processes")
        from agents.sweeps.processes import execute_all  # noqa: PLC0415 - see write_results

        return lambda runs, console: execute_all(runs, args.processes, console)
    check_number("cpus_per_run", args.cpus_per_run, 0, 10_000, low_included=False)
    check_number("gpus_per_run", args.gpus_per_run, 0, 10_000)
    check_integer("retries", args.retries, -1, 10**9)
    with needs_extra("--backend ray", "ray"):
        from agents.sweeps.ray_cluster import RayOptions, execute_all_on_ray  # noqa: PLC0415 - see write_results

    options = RayOptions(**{name: getattr(args, name) for name in RAY_ONLY})
    return lambda runs, console: execute_all_on_ray(runs, options, console)


def run_sweep(args: Args, descriptions: dict[str, Any], runs: list[Run], console: Console) -> list[str]:
    """Execute the runs that are not finished, then write and print the results of the finished ones; returns a line for each failure."""
    from agents.algorithms.folder_lock import locked  # noqa: PLC0415 - see write_results

    with locked(args.folder):
        failures = executor(args)(runs, console)
        if finished := [run for run in runs if str(run) not in failures]:
            write_results(args, descriptions, finished, console)
    return [f"  {run}: {reason}" for run, reason in failures.items()]


def write_results(args: Args, descriptions: dict[str, Any], runs: list[Run], console: Console) -> None:
    """Write and print the results of finished runs."""
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    from agents.data.csv_rows import write_rows  # noqa: PLC0415
    from agents.sweeps import tables  # noqa: PLC0415
    from agents.sweeps.figures import study_figures  # noqa: PLC0415
    from agents.sweeps.studies import study  # noqa: PLC0415
    from baselines.plots import PALETTE  # noqa: PLC0415
    from baselines.results import save_results  # noqa: PLC0415
    from gym_causal.files import write_atomically  # noqa: PLC0415

    chosen = study(args.study)
    results, curves = tables.combine_results(runs, list(descriptions)), tables.learning_curves(runs)
    summary = tables.summarize_seeds(results)
    printed = tables.summary_table(summary, descriptions, chosen.columns)
    levels = tables.at_levels(summary, chosen.variations)
    write_rows(args.folder / "learning_curves.csv", curves)  # too long for the JSON
    write_atomically(
        args.folder / "summary.md", lambda path: path.write_text(tables.markdown_table(summary, chosen.columns), encoding="utf-8")
    )
    save_results(
        args.folder,
        results,
        dataclasses.asdict(args),
        command="python -m agents.ablate",
        packages=("gymnasium", "numpy", "torch", "imitation"),
        figures=study_figures(chosen, runs, results, curves, summary, PALETTE),
        printed=[printed, tables.description_table(descriptions)],
        variations=descriptions,
        summary=summary,
        **({"levels": levels} if len(levels) else {}),
    )
    console.print(printed)
    console.print(
        f"Wrote {args.folder / 'results.csv'}, summary.csv, summary.md, learning_curves.csv, results.json, report.html and figures"
    )


def main(args: Args) -> None:
    with needs_extra("python -m agents.ablate", "agents"):
        from rich.console import Console  # noqa: PLC0415 - see write_results

        from agents.sweeps.runs import runs_of  # noqa: PLC0415
        from agents.sweeps.tables import describe_variations  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else 160)  # a log has no width of its own
    sweeps = []
    try:
        check_integer("processes", args.processes, 1, 10**9)
        for sweep in sweeps_of(args):
            sweep.check()
            executor(sweep)
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
        except ConnectionError as error:
            raise SystemExit(f"error: address: no Ray cluster at {sweep.address!r}: {error}") from error
        except (ValueError, OSError) as error:
            raise SystemExit(f"error: {error}") from error
        except KeyboardInterrupt:
            raise SystemExit(f"interrupted: the same command resumes from the last checkpoints in {sweep.folder}") from None
    if failures:
        raise SystemExit("\n".join(["error: some runs failed; call again to resume them", *failures]))


if __name__ == "__main__":
    main(parse())
