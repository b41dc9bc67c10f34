"""``python -m baselines.compare``: all strategies on all splits, as tables, a CSV, a JSON, two figures and an HTML report of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gym_causal.extras import needs_extra

with needs_extra("python -m baselines.compare", "baselines"):
    import tyro

    from baselines.command_line import env_kwargs_type, from_command_line
    from gym_causal.registry import task_spec


@dataclass(frozen=True)
class _Env:
    env: str = "CausalDAG-v0"
    """Id of the environment: one of ours, or any that Gymnasium knows."""


@dataclass(frozen=True)
class Args(_Env):
    """Compare the expert, random play and the baseline strategies of an environment."""

    episodes: int = 2_000
    """Episodes a split; every policy plays the same ones."""
    seed: int = 0
    """Of the episodes and of the policies."""
    out: Path = Path("results/compare")
    """Folder for results.csv, results.json, report.html, figure.png, figure.svg and strategy_match.png; it may exist."""
    splits: tuple[str, ...] = ()
    """Which splits; none named: all that the environment's results are reported on."""
    policies: tuple[str, ...] = ()
    """Which policies; none named: expert, random and the environment's strategies."""
    exploration_sign: Literal["positive", "random"] | None = None
    """In causal DAGs: the sign of the interventions with which the expert and the strategies explore; default: positive."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the environment."""


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line.

    Raises:
        SystemExit: an unknown env or option, or a value of another type.
    """
    # The options for the env's arguments depend on the env, which is read first.
    first, _ = tyro.cli(_Env, args=argv, return_unknown_args=True, add_help=False)
    try:
        kwargs_type = env_kwargs_type(first.env, without=("split", "explain", "expert_info"))
    except (ValueError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    options: list[Any] = [("env_kwargs", kwargs_type, field(default_factory=dict))]
    args_class = dataclasses.make_dataclass("Args", options, bases=(Args,), frozen=True)
    return tyro.cli(args_class, args=argv, prog="python -m baselines.compare", description=Args.__doc__)


def main(args: Args) -> None:
    # Late, so that --help answers at once: pandas, matplotlib and scipy take seconds.
    with needs_extra("python -m baselines.compare", "baselines"):
        from baselines.comparison import Comparison, run_comparison  # noqa: PLC0415

    try:
        env_kwargs = {**task_spec(args.env).compact_kwargs, **from_command_line(args.env, args.env_kwargs)}
        if args.exploration_sign is not None:
            env_kwargs["exploration_sign"] = args.exploration_sign
        comparison = Comparison(
            env_id=args.env, policies=args.policies, splits=args.splits, episodes=args.episodes, seed=args.seed, env_kwargs=env_kwargs
        )
        run_comparison(args.out, comparison, dataclasses.asdict(args), "python -m baselines.compare")
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main(parse())
