"""``python -m agents.evaluate``: a trained agent beside the expert and all baselines, as tables, a CSV, a JSON and figures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.algorithms.behavioral_cloning import load
from agents.data.demonstrations import same_env, spaces
from agents.policies.checkpoints import load_config
from agents.policies.loading import SHIPPED, folder_of
from agents.policies.sb3 import Agent
from baselines.compare import EXPERT, show
from baselines.registry import suite


@dataclass(frozen=True)
class Args:
    """Compare a trained agent with the expert, random play and the baseline strategies."""

    agent: Annotated[str, tyro.conf.Positional]
    """Folder of a trained agent, or the id of an environment whose pretrained agent is meant."""
    episodes: int = 2_000
    """Episodes a split; every policy plays the same ones."""
    seed: int = 0
    """Of the episodes and of the baselines."""
    out: Path | None = None
    """Folder for the results; default: evaluation in the agent's own folder, or results/evaluate for a pretrained one."""
    env: str | None = None
    """Id of the environment; default: the one it was trained in."""
    splits: tuple[str, ...] = ()
    """Which splits; none named: all that the environment's results are reported on."""
    policies: tuple[str, ...] = ()
    """What to compare it with; none named: expert, random and the environment's strategies."""
    sample: bool = False
    """Draw the agent's actions instead of taking the likeliest one."""


def evaluate(agent: Agent, args: Args, env_id: str, env_kwargs: dict[str, Any], out: Path) -> None:
    """Compare an agent with the policies that are asked for, print the tables, write the results and figures to ``out``.

    Raises:
        ValueError: an unknown env, split or policy, or an env with other observations or actions than the agent's.
    """
    chosen = suite(env_id)
    if spaces(env_id, env_kwargs) != (agent.policy.observation_space, agent.policy.action_space):
        raise ValueError(f"env must have the observations and actions that the agent was trained with, got {env_id!r}, which has others")
    policies, splits = args.policies or (EXPERT, *chosen.compared), args.splits or chosen.splits
    show(
        out,
        dataclasses.asdict(args),
        env_id,
        (agent.name, *policies),
        splits,
        episodes=args.episodes,
        seed=args.seed,
        others={agent.name: agent},
        **env_kwargs,
    )


def main(args: Args) -> None:
    try:
        folder = folder_of(args.agent)
        config = load_config(folder)
        agent = load(folder, deterministic=not args.sample, seed=args.seed)
        out = args.out or (Path("results/evaluate") if folder.parent == SHIPPED else folder / "evaluation")
        env_id = args.env or config.env_id
        # Another environment has other arguments.
        env_kwargs = config.env_kwargs if same_env(env_id, config.env_id) else {}
        evaluate(agent, args, env_id, env_kwargs, out)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m agents.evaluate"))
