"""``python -m agents.train``: train an agent by behavioral cloning, then compare it with the expert and all baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from gym_causal.extras import needs_extra

with needs_extra("python -m agents.train", "agents"):
    import tyro

    from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig, named_architecture, preset
    from baselines.command_line import env_kwargs_type, from_command_line
    from gym_causal.arguments import check_integer


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The options that the defaults of all others depend on; they are read first."""

    env: str = "CausalDAG-v0"
    """Id of the environment: one of ours, or any that Gymnasium knows."""
    preset: str = "quick"
    """How long to train: quick, a few minutes on two CPU cores, or full, until it no longer helps."""
    architecture_name: Annotated[str | None, tyro.conf.arg(name="architecture")] = None
    """Which network (agents.config.presets); default: variable in causal DAGs, object in odd-one-out rooms, generic elsewhere."""
    explanations: str = "none"
    """Which of the env's explanations it also learns to predict, full say."""
    batches: int | None = None
    """Updates of the weights, with as many evaluations as the preset has; default: as many as the preset says."""


@dataclass(frozen=True, kw_only=True)
class Args(Defaults):
    """Train an agent on recorded episodes of the expert, then compare it with the expert and the baseline strategies."""

    seed: int = 0
    """Of the initial weights and of the demonstrations."""
    out: Path = Path("results/agent")
    """Folder for the agent, its learning curve and its evaluation."""
    resume: bool = False
    """Go on with the training in that folder, if there is one."""
    expert: str | None = None
    """Whose actions are cloned, as module:name of a policy; default: the env's own expert."""
    demonstrations: str | None = None
    """Recorded episodes to learn from, over and over: a file that gym_causal.collect saved, a folder of imitation's trajectories or the id
    of a Minari dataset; default: the expert plays fresh ones."""
    splits: tuple[str, ...] = ()
    """Which splits it is evaluated on, while it is trained and after; none named: all that the env's results are reported on."""
    episodes: int = 2_000
    """Episodes a split in the comparison after training; 0: none."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ..."""
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the env in demonstrations alone."""

    def config(self) -> AgentConfig:
        """Everything that the agent depends on."""
        return AgentConfig(
            env_id=self.env,
            env_kwargs=from_command_line(self.env, self.env_kwargs),
            demonstration_kwargs=from_command_line(self.env, self.demonstration_kwargs),
            seed=self.seed,
            expert=self.expert,
            architecture=self.architecture,
            training=self.training,
        )


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line; those not given have the defaults of the env's preset.

    Raises:
        ValueError: an unknown env or preset.
        SystemExit: an unknown option or a value out of range; tyro says which.
    """
    first, _ = tyro.cli(Defaults, args=argv, return_unknown_args=True, add_help=False)
    chosen = preset(first.env, first.preset).lasting(first.batches)
    training = dataclasses.replace(chosen.training, explanations=first.explanations)
    given = {each.name: getattr(first, each.name) for each in dataclasses.fields(first)}
    types = {
        "env_kwargs": env_kwargs_type(first.env, without=("split", "explain", "expert_info")),
        "demonstration_kwargs": env_kwargs_type(first.env, without=("explain", "expert_info")),
    }
    fields: list[Any] = [(name, type_, field(default_factory=dict)) for name, type_ in types.items()]
    args_class: type[Args] = dataclasses.make_dataclass("Args", fields, bases=(Args,), frozen=True, kw_only=True)
    default = args_class(
        **given,
        architecture=chosen.architecture if first.architecture_name is None else named_architecture(first.architecture_name),
        training=training,
        env_kwargs=chosen.env_kwargs,
        demonstration_kwargs=chosen.demonstration_kwargs,
    )
    return tyro.cli(args_class, args=argv, default=default, prog="python -m agents.train", description=Args.__doc__)


def train_and_compare(args: Args) -> None:
    """Train the agent, draw its learning curve, and compare it with the expert and the baselines."""
    check_integer("episodes", args.episodes, 0, 10**9)
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    with needs_extra("python -m agents.train", "agents"):
        from rich.console import Console  # noqa: PLC0415

        from agents.algorithms.behavioral_cloning import train  # noqa: PLC0415
        from agents.algorithms.learning_curve import HISTORY, read_history  # noqa: PLC0415
        from agents.analysis import plots  # noqa: PLC0415
        from agents.data.recorded import load_recorded  # noqa: PLC0415
        from agents.evaluate import Args as EvaluationArgs  # noqa: PLC0415
        from agents.evaluate import evaluate  # noqa: PLC0415
        from baselines.plots import PALETTE  # noqa: PLC0415
        from gym_causal.files import write_atomically  # noqa: PLC0415
        from gym_causal.registry import task_spec  # noqa: PLC0415

    config = args.config()
    episodes = None if args.demonstrations is None else load_recorded(args.demonstrations)
    splits = args.splits or None
    agent = train(config, args.out, resume=args.resume, splits=splits, demonstrations=episodes, device=args.device)
    figure = plots.learning_curves({"agent": read_history(args.out / HISTORY)}, PALETTE, task_spec(config.env_id).metrics[0])
    for name in ("learning_curve.png", "learning_curve.svg"):
        write_atomically(args.out / name, figure.savefig)
    parameters = sum(parameter.numel() for parameter in agent.policy.parameters())
    num_episodes = config.training.num_batches * config.training.batch_size
    Console().print(f"Trained {parameters:,} parameters on {num_episodes:,} episodes: {args.out}")
    if args.episodes:
        arguments = EvaluationArgs(str(args.out), episodes=args.episodes, splits=args.splits)
        evaluate(agent, arguments, config.env_id, config.env_kwargs, args.out / "evaluation")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line."""
    try:
        args = parse(argv)
    except (ValueError, TypeError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    try:
        train_and_compare(args)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: the same command with --resume goes on from the last checkpoint in {args.out}") from None


if __name__ == "__main__":
    main()
