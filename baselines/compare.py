"""``python -m baselines.compare``: all strategies on all splits, as a table, a CSV, a JSON and two figures."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
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
from baselines.registry import make, suite
from gym_causal.files import write_atomically
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
    env_id: str,
    policies: Sequence[str],
    splits: Sequence[str],
    *,
    episodes: int,
    seed: int,
    others: Mapping[str, Policy] | None = None,
    **env_kwargs: Any,
) -> Iterator[pd.DataFrame]:
    """Evaluate each policy on each split, with how often it makes the choice that each compared strategy would make.

    Args:
        env_id: of an env that has a suite of strategies.
        policies: "expert", names that :func:`baselines.make` knows, or those of ``others``.
        splits: of the env.
        episodes: a split.
        seed: of episodes and policies.
        others: further policies by name: an agent, say.
        env_kwargs: further arguments of the env.

    Yields:
        The tidy rows of one policy on one split (``COLUMNS``), split by split.

    Raises:
        ValueError: an unknown id, policy or split; before anything is played.
    """
    references = [name for name in suite(env_id).compared if name != "random"]
    others = others or {}

    def policy(name: str, seed: int) -> Policy | str:
        if name in others:
            return others[name]
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
                name=name,
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


def show(
    out: Path,
    arguments: Mapping[str, Any],
    env_id: str,
    policies: Sequence[str],
    splits: Sequence[str],
    **comparison: Any,
) -> pd.DataFrame:
    """What a command does with a comparison: see it happen, print its tables, save its results and figures.

    Args:
        out: folder for results.csv, results.json, figure.png, figure.svg and strategy_match.png.
        arguments: of the command, for results.json.
        env_id: see :func:`compare`, as for all that follows.
        policies: likewise.
        splits: likewise.
        comparison: likewise.

    Returns:
        All rows.
    """
    console = Console(width=None if sys.stdout.isatty() else 120)  # a log has no width of its own
    parts = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(env_id, total=len(policies) * len(splits))
        for part in compare(env_id, policies, splits, **comparison):
            parts.append(part)
            progress.update(bar, advance=1, description=f"{part['policy'][0]} on {part['split'][0]}")
    results = pd.concat(parts, ignore_index=True)
    for metric in suite(env_id).headlines:
        if metric in set(results["metric"]):
            console.print(table(results, metric))
    save(results, out, arguments)
    console.print(f"Wrote {out / 'results.csv'}, results.json, figure.png, figure.svg, strategy_match.png")
    return results


def save(results: pd.DataFrame, out: Path, arguments: Mapping[str, Any]) -> None:
    """Write the results and the figures; a reader never finds half a file."""
    out.mkdir(parents=True, exist_ok=True)
    versions = {package: importlib.metadata.version(package) for package in ("gymnasium", "numpy", "scipy")}
    document = {
        "arguments": {key: str(value) if isinstance(value, Path) else value for key, value in arguments.items()},
        "versions": {"python": platform.python_version(), "gym_causal": gym_causal.__version__, **versions},
        "results": json.loads(results.to_json(orient="records", double_precision=15)),
    }
    write_atomically(out / "results.csv", lambda path: results.to_csv(path, index=False))
    write_atomically(out / "results.json", lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))
    for figure, names in (
        (plots.reward_figure(results), ("figure.png", "figure.svg")),
        (plots.match_figure(results), ("strategy_match.png",)),
    ):
        for name in names:
            write_atomically(out / name, figure.savefig)


def main(args: Args) -> None:
    try:
        chosen = suite(args.env)
        env_kwargs = dict(chosen.env_kwargs)
        if chosen.has_exploration_sign:
            env_kwargs["exploration_sign"] = args.exploration_sign
        policies, splits = args.policies or (EXPERT, *chosen.compared), args.splits or chosen.splits
        show(args.out, dataclasses.asdict(args), args.env, policies, splits, episodes=args.episodes, seed=args.seed, **env_kwargs)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m baselines.compare"))
