"""``python -m agents.train``: train an agent by behavioral cloning, then compare it with the expert and all baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
import tyro
from rich.console import Console

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.algorithms.learning_curve import HISTORY
from agents.analysis import plots
from agents.config.agent import ARCHITECTURES, AgentConfig, preset
from agents.evaluate import Args as EvaluationArgs
from agents.evaluate import evaluate
from baselines.plots import PALETTE
from baselines.registry import suite
from gym_causal.files import write_atomically


@dataclass(frozen=True)
class Args:
    """Train an agent on recorded episodes of the expert, then compare it with the expert and the baseline strategies."""

    env: str = "CausalDAG-v0"
    """Id of the environment."""
    preset: Literal["quick", "full"] = "quick"
    """How long to train: a few minutes on two CPU cores, or until it no longer helps."""
    architecture: Literal["variable", "equivariant", "trial", "trial_linear", "object", "convolutional"] | None = None
    """What the agent reads as a token (agents.config.agent); default: variable in causal DAGs, object in odd-one-out rooms."""
    explanations: Literal["none", "properties", "reward", "outcome", "full"] = "none"
    """Which explanations it also learns to predict, in odd-one-out rooms."""
    seed: int = 0
    """Of the first weights and of the demonstrations."""
    out: Path = Path("results/agent")
    """Folder for the agent, its learning curve and its evaluation."""
    resume: bool = False
    """Go on with the training in that folder, if there is one."""
    batches: int | None = None
    """Updates of the weights; default: as many as the preset says."""
    demonstrations: Path | None = None
    """A file of recorded episodes to learn from, over and over; default: fresh ones in every batch."""
    episodes: int = 2_000
    """Episodes a split in the comparison after training; 0: none."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ..."""


def config_of(args: Args) -> AgentConfig:
    """The configuration that the arguments ask for."""
    chosen = preset(args.env, args.preset).lasting(args.batches)
    architecture = chosen.architecture if args.architecture is None else ARCHITECTURES[args.architecture]
    training = replace(chosen.training, explanations=args.explanations)
    return AgentConfig(
        env_id=args.env,
        env_kwargs=chosen.env_kwargs,
        demonstration_kwargs=chosen.demonstration_kwargs,
        seed=args.seed,
        architecture=architecture,
        training=training,
    )


def main(args: Args) -> None:
    console = Console()
    try:
        config, splits = config_of(args), suite(args.env).splits
        episodes = None if args.demonstrations is None else gym_causal.Episodes.load(args.demonstrations)
        agent = train(config, args.out, resume=args.resume, splits=splits, demonstrations=episodes, device=args.device)
        figure = plots.learning_curves({"agent": pd.read_csv(args.out / HISTORY)}, PALETTE)
        for name in ("learning_curve.png", "learning_curve.svg"):
            write_atomically(args.out / name, figure.savefig)
        parameters = sum(parameter.numel() for parameter in agent.policy.parameters())
        console.print(
            f"Trained {parameters:,} parameters on {config.training.num_batches * config.training.batch_size:,} episodes: {args.out}"
        )
        if args.episodes:
            arguments = EvaluationArgs(str(args.out), episodes=args.episodes)
            evaluate(agent, arguments, config.env_id, config.env_kwargs, args.out / "evaluation")
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: the same command with --resume goes on from the last checkpoint in {args.out}") from None


if __name__ == "__main__":
    torch.set_num_interop_threads(1)
    main(tyro.cli(Args, prog="python -m agents.train"))
