"""``python -m baselines.compare``: all strategies on all splits, as a table, a CSV, a JSON and two figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from gym_causal.registry import task_spec


@dataclass(frozen=True)
class Args:
    """Compare the expert, random play and the baseline strategies of an environment."""

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
    exploration_sign: Literal["positive", "random"] | None = None
    """In causal DAGs: the sign of the interventions with which the expert and the strategies explore; default: positive."""
    env_kwargs: tuple[str, ...] = ()
    """Arguments of the environment, each as NAME=VALUE with the value in JSON: num_variables=4 noise=null."""


def parse_env_kwargs(pairs: Sequence[str]) -> dict[str, Any]:
    """Arguments of an env from the command line.

    Args:
        pairs: NAME=VALUE each. A value that is not JSON is a string.

    Raises:
        ValueError: there is no "=".
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise ValueError(f"env_kwargs must be NAME=VALUE each, got {pair!r}")
        try:
            arguments[name] = json.loads(value)
        except json.JSONDecodeError:
            arguments[name] = value
    return arguments


def main(args: Args) -> None:
    # Late, so that --help answers at once: pandas, matplotlib and scipy take seconds.
    from baselines.comparison import Comparison, run_comparison  # noqa: PLC0415

    try:
        env_kwargs = {**task_spec(args.env).compact_kwargs, **parse_env_kwargs(args.env_kwargs)}
        if args.exploration_sign is not None:
            env_kwargs["exploration_sign"] = args.exploration_sign
        comparison = Comparison(
            env_id=args.env, policies=args.policies, splits=args.splits, episodes=args.episodes, seed=args.seed, env_kwargs=env_kwargs
        )
        run_comparison(args.out, comparison, dataclasses.asdict(args))
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m baselines.compare"))
