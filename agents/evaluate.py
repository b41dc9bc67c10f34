"""``python -m agents.evaluate``: a trained agent and all baselines in the same episodes, as tables, a CSV, a JSON, figures and a report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gym_causal.extras import needs_extra

with needs_extra("python -m agents.evaluate", "agents"):
    import tyro

    from gym_causal.registry import make_task, task_spec

if TYPE_CHECKING:
    from agents.policies.agent import Agent


@dataclass(frozen=True)
class Args:
    """Compare a trained agent with the expert, random play and the baseline strategies."""

    agent: Annotated[str, tyro.conf.Positional]
    """Folder of a trained agent, the id of an environment with a pretrained agent, or hf://user/name of the Hugging Face Hub."""
    episodes: int = 2_000
    """Episodes a split; every policy plays the same ones."""
    seed: int = 0
    """Of the episodes and of the baselines."""
    out: Path | None = None
    """Folder for the results; default: evaluation in the agent's own folder, or results/evaluate for one that ships or was downloaded."""
    env: str | None = None
    """Id of the environment; default: the one it was trained in."""
    splits: tuple[str, ...] = ()
    """Which splits; none named: all that the environment's results are reported on."""
    policies: tuple[str, ...] = ()
    """Which policies to compare it with; none named: expert, random and the environment's strategies."""
    sample: bool = False
    """Sample the agent's actions instead of taking the likeliest one."""


def evaluate(agent: Agent, args: Args, env_id: str, env_kwargs: dict[str, Any], out: Path) -> None:
    """Compare an agent with other policies, print the tables, and write results and figures.

    Args:
        agent: to compare.
        args: which splits and policies, how many episodes; ``args.agent``, ``args.env`` and ``args.out`` are only recorded.
        env_id: the env.
        env_kwargs: its arguments.
        out: folder for the results.

    Raises:
        ValueError: an unknown env, split or policy, or an env with other observations or actions than the agent's.
    """
    # Late, so that --help answers at once: pandas, matplotlib and scipy take seconds.
    with needs_extra("python -m agents.evaluate", "agents"):
        from baselines.comparison import Comparison, run_comparison  # noqa: PLC0415

    task = make_task(env_id, 1, **env_kwargs)
    if (task.observation_space, task.action_space) != (agent.policy.observation_space, agent.policy.action_space):
        raise ValueError(f"env must have the observations and actions that the agent was trained with, got {env_id!r}, which has others")
    comparison = Comparison(
        env_id=env_id,
        policies=args.policies,
        splits=args.splits,
        episodes=args.episodes,
        seed=args.seed,
        env_kwargs=env_kwargs,
        agents={agent.name: agent},
    )
    run_comparison(out, comparison, dataclasses.asdict(args), "python -m agents.evaluate")


def main(args: Args) -> None:
    # Late, because they bring torch; see evaluate().
    with needs_extra("python -m agents.evaluate", "agents"):
        from agents.policies.checkpoints import load_config  # noqa: PLC0415
        from agents.policies.hub import PREFIX  # noqa: PLC0415
        from agents.policies.loading import SHIPPED, folder_of, load  # noqa: PLC0415

    try:
        folder = folder_of(args.agent)
        config = load_config(folder)
        agent = load(folder, deterministic=not args.sample, seed=args.seed)
        not_ours = folder.parent == SHIPPED or args.agent.startswith(PREFIX)
        out = args.out or (Path("results/evaluate") if not_ours else folder / "evaluation")
        env_id = args.env or config.env_id
        # Another environment has other arguments.
        env_kwargs = config.env_kwargs if task_spec(env_id).env_id == task_spec(config.env_id).env_id else {}
        evaluate(agent, args, env_id, env_kwargs, out)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m agents.evaluate"))
