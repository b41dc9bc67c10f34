"""``python -m baselines.compare``: all strategies on all splits, as a table, a CSV, a JSON and two figures."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import gym_causal
from baselines import plots
from baselines.suites import make, suite
from gym_causal.policies import Policy

EXPERT = "expert"
COLUMNS = ["env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"]


@dataclass(frozen=True)
class Args:
    """Compare the expert, random play and the baseline strategies."""

    env: str = "CausalDAG-v0"
    """Id of the environment."""
    episodes: int = 2_000
    """Episodes a split; every policy plays the same ones."""
    seed: int = 0
    """Of the episodes and of the policies."""
    out: Path = Path("results/compare")
    """Folder for results.csv, results.json, figure.png, figure.svg and strategy_match.png; it may exist."""
    splits: tuple[str, ...] = ()
    """Which splits; none named: all that the environment's results are reported on."""
    policies: tuple[str, ...] = ()
    """Which policies; none named: expert, random and the environment's strategies."""
    exploration_sign: Literal["positive", "random"] = "positive"
    """The sign of the interventions with which all of them explore, in causal DAGs."""


def compare(
    env_id: str, policies: Sequence[str], splits: Sequence[str], *, episodes: int, seed: int, **env_kwargs: Any
) -> Iterator[pd.DataFrame]:
    """Evaluate each policy on each split, with how often it makes the choice that each compared strategy would make.

    Args:
        env_id: of an env that has a suite of strategies.
        policies: "expert" or names that :func:`baselines.make` knows.
        splits: of the env.
        episodes: a split.
        seed: of episodes and policies.
        env_kwargs: further arguments of the env.

    Yields:
        The tidy rows of one policy on one split (``COLUMNS``), split by split.

    Raises:
        ValueError: an unknown id, policy or split; before anything is played.
    """
    references = [name for name in suite(env_id).compared if name != "random"]

    def policy(name: str, seed: int) -> Policy | str:
        return EXPERT if name == EXPERT else make(name, env_id, seed, **env_kwargs)

    for name in policies:
        policy(name, seed)
    for split in splits:
        gym_causal.make_vec(env_id, 1, split=split, **env_kwargs)
    for split in splits:
        for name in policies:
            result = gym_causal.evaluate(
                policy(name, seed),
                env_id,
                split=split,
                num_episodes=episodes,
                seed=seed,
                # Ties are broken by numbers of their own: agreeing by the same seed would be no agreement.
                references={reference: policy(reference, seed + 1) for reference in references},
                **env_kwargs,
            )
            yield pd.DataFrame(result.rows(), columns=COLUMNS)


def table(results: pd.DataFrame, metric: str = "normalized_reward") -> Table:
    """Policies as rows, splits as columns, means with their 95% intervals."""
    results = results[results["metric"] == metric]
    cells = results.set_index(["policy", "split"])
    shown = Table(title=f"{metric} in {results['env_id'].iloc[0]} (mean, 95% interval)")
    shown.add_column("policy")
    splits = results["split"].unique()
    for split in splits:
        shown.add_column(split, justify="right")
    for policy in results["policy"].unique():
        found = [cells.loc[(policy, split)] if (policy, split) in cells.index else None for split in splits]
        shown.add_row(policy, *("" if cell is None else f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]" for cell in found))
    return shown


def save(results: pd.DataFrame, args: Args) -> None:
    """Write the results and the figures; a reader never finds half a file."""
    args.out.mkdir(parents=True, exist_ok=True)
    versions = {package: importlib.metadata.version(package) for package in ("gymnasium", "numpy", "scipy")}
    document = {
        "arguments": {**dataclasses.asdict(args), "out": str(args.out)},
        "versions": {"python": platform.python_version(), "gym_causal": gym_causal.__version__, **versions},
        "results": json.loads(results.to_json(orient="records", double_precision=15)),
    }
    _write(args.out / "results.csv", lambda path: results.to_csv(path, index=False))
    _write(args.out / "results.json", lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))
    for figure, names in (
        (plots.reward_figure(results), ("figure.png", "figure.svg")),
        (plots.match_figure(results), ("strategy_match.png",)),
    ):
        for name in names:
            _write(args.out / name, figure.savefig)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name in the same folder, then move it into place, which is atomic."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    try:
        write(Path(temporary))
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(args: Args) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)  # a log has no width of its own
    try:
        chosen = suite(args.env)
        policies, splits = args.policies or (EXPERT, *chosen.compared), args.splits or chosen.splits
        env_kwargs = dict(chosen.env_kwargs)
        if chosen.has_exploration_sign:
            env_kwargs["exploration_sign"] = args.exploration_sign
        parts = []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task(args.env, total=len(policies) * len(splits))
            for part in compare(args.env, policies, splits, episodes=args.episodes, seed=args.seed, **env_kwargs):
                parts.append(part)
                progress.update(bar, advance=1, description=f"{part['policy'][0]} on {part['split'][0]}")
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    results = pd.concat(parts, ignore_index=True)
    for metric in chosen.headlines:
        if metric in set(results["metric"]):
            console.print(table(results, metric))
    save(results, args)
    console.print(f"Wrote {args.out / 'results.csv'}, results.json, figure.png, figure.svg, strategy_match.png")


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m baselines.compare"))
