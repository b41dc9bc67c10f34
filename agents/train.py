"""``python -m agents.train``: train an agent by behavioral cloning or PPO, then compare it with the expert and all baselines."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from gym_causal.extras import needs_extra

with needs_extra("python -m agents.train", "agents"):
    import tyro

    from agents.config import AgentConfig, Algorithm, ArchitectureConfig, PPOConfig, TrainingConfig, named_architecture, preset
    from baselines.command_line import env_kwargs_type, from_command_line
    from gym_causal.arguments import check_integer

if TYPE_CHECKING:
    from agents.policies.agent import Agent


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The options that the defaults of all others depend on; they are read first."""

    env: str = "CausalDAG-v0"
    """Id of the environment: one of ours, or any that Gymnasium knows."""
    algorithm: Algorithm = "bc"
    """How it learns: bc, by cloning recorded actions of the expert, or ppo, by acting itself, from reward."""
    preset: str = "quick"
    """How long to train: quick, a few minutes on two CPU cores, or full, until it no longer helps."""
    architecture_name: Annotated[str | None, tyro.conf.arg(name="architecture")] = None
    """Which network (agents.config.presets); default: variable in causal DAGs, object in odd-one-out rooms, generic elsewhere."""
    explanations: str = "none"
    """Which of the env's explanations it also learns to predict, full say."""
    batches: int | None = None
    """Updates of the weights, or iterations of PPO, with as many evaluations as the preset has; default: as many as the preset says."""


@dataclass(frozen=True, kw_only=True)
class Args(Defaults):
    """Train an agent on recorded episodes of the expert, or from reward, then compare it with the expert and the baseline strategies."""

    seed: int = 0
    """Of the initial weights and of what is demonstrated or played."""
    out: Path = Path("results/agent")
    """Folder for the agent, its learning curve and its evaluation."""
    resume: bool = False
    """Go on with the training in that folder, if there is one."""
    expert: str | None = None
    """Whose actions are cloned, as module:name of a policy; default: the env's own expert."""
    demonstrations: str | None = None
    """Recorded episodes to learn from, over and over: a file that gym_causal.collect saved, a folder of imitation's trajectories or the id
    of a Minari dataset; default: the expert plays fresh ones."""
    init: Path | None = None
    """Folder of an agent whose network's weights PPO starts from: it has watched, now it acts. Default: freshly drawn weights."""
    splits: tuple[str, ...] = ()
    """Which splits it is evaluated on, while it is trained and after; none named: all that the env's results are reported on."""
    episodes: int = 2_000
    """Episodes a split in the comparison after training; 0: none."""
    device: str = "cpu"
    """Where to train: cpu, cuda, cuda:1, ...; under torchrun cpu or cuda."""
    track: Literal["tensorboard", "wandb"] = "tensorboard"
    """Where to log: TensorBoard's files in the folder, or Weights & Biases too, online or not as WANDB_MODE says."""
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in training and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the env in training alone: in demonstrations, or in what PPO plays."""

    def config(self) -> AgentConfig:
        """Everything that the agent depends on.

        Raises:
            ValueError: options of another algorithm, or values out of range.
        """
        if self.algorithm == "ppo" and self.demonstrations is not None:
            raise ValueError(f"demonstrations must be left out with algorithm ppo, which plays itself, got {self.demonstrations!r}")
        if self.algorithm != "ppo" and self.init is not None:
            raise ValueError(f"init must be left out with algorithm {self.algorithm}, got {str(self.init)!r}")
        if self.algorithm != "ppo" and self.ppo != PPOConfig():
            raise ValueError(f"ppo must be left as it is with algorithm {self.algorithm}, got {self.ppo}")
        return AgentConfig(
            env_id=self.env,
            env_kwargs=from_command_line(self.env, self.env_kwargs),
            demonstration_kwargs=from_command_line(self.env, self.demonstration_kwargs),
            seed=self.seed,
            expert=self.expert,
            architecture=self.architecture,
            training=self.training,
            ppo=self.ppo if self.algorithm == "ppo" else None,
        )


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line; those not given have the defaults of the env's preset.

    Raises:
        ValueError: an unknown env or preset.
        SystemExit: an unknown option or a value out of range; tyro says which.
    """
    first, _ = tyro.cli(Defaults, args=argv, return_unknown_args=True, add_help=False)
    chosen = preset(first.env, first.preset, first.algorithm).lasting(first.batches)
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
        ppo=chosen.ppo or PPOConfig(),
        env_kwargs=chosen.env_kwargs,
        demonstration_kwargs=chosen.demonstration_kwargs,
    )
    return tyro.cli(args_class, args=argv, default=default, prog="python -m agents.train", description=Args.__doc__)


def train_and_compare(args: Args, command: str) -> None:
    """Train the agent, draw its learning curve, and compare it with the expert and the baselines.

    Args:
        args: of the command.
        command: itself, for the model card of an agent that is shared.
    """
    check_integer("episodes", args.episodes, 0, 10**9)
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    with needs_extra("python -m agents.train", "agents"):
        from rich.console import Console  # noqa: PLC0415

        from agents.algorithms.learning_curve import HISTORY, read_history  # noqa: PLC0415
        from agents.algorithms.ranks import Ranks, process_group  # noqa: PLC0415
        from agents.analysis import plots  # noqa: PLC0415
        from agents.evaluate import Args as EvaluationArgs  # noqa: PLC0415
        from agents.evaluate import evaluate  # noqa: PLC0415
        from agents.policies.model_card import COMMAND  # noqa: PLC0415
        from baselines.plots import PALETTE  # noqa: PLC0415
        from gym_causal.files import write_atomically  # noqa: PLC0415
        from gym_causal.registry import task_spec  # noqa: PLC0415

    config = args.config()
    with process_group(args.device) as device:
        agent = train(config, args, device)
        if not Ranks.current().writes:
            return
    if not (args.out / COMMAND).exists():
        write_atomically(args.out / COMMAND, lambda path: path.write_text(f"{command}\n", encoding="utf-8"))
    figure = plots.learning_curves({"agent": read_history(args.out / HISTORY)}, PALETTE, task_spec(config.env_id).metrics[0])
    for name in ("learning_curve.png", "learning_curve.svg"):
        write_atomically(args.out / name, figure.savefig)
    parameters = sum(parameter.numel() for parameter in agent.policy.parameters())
    Console().print(f"Trained {parameters:,} parameters on {config.num_episodes:,} episodes: {args.out}")
    if args.episodes:
        arguments = EvaluationArgs(str(args.out), episodes=args.episodes, splits=args.splits)
        evaluate(agent, arguments, config.env_id, config.env_kwargs, args.out / "evaluation")


def train(config: AgentConfig, args: Args, device: str) -> Agent:
    """Train the agent with the algorithm of its config on a device, torch's name."""
    options: dict[str, Any] = {"resume": args.resume, "splits": args.splits or None, "device": device, "track": args.track}
    with needs_extra("python -m agents.train", "agents"):  # late, as above
        if config.ppo is not None:
            from agents.algorithms import reinforcement_learning  # noqa: PLC0415

            return reinforcement_learning.train(config, args.out, init=args.init, **options)
        from agents.algorithms import behavioral_cloning  # noqa: PLC0415
        from agents.data.recorded import load_recorded  # noqa: PLC0415

    episodes = None if args.demonstrations is None else load_recorded(args.demonstrations)
    return behavioral_cloning.train(config, args.out, demonstrations=episodes, **options)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line."""
    words = sys.argv[1:] if argv is None else argv
    try:
        args = parse(words)
    except (ValueError, TypeError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    try:
        train_and_compare(args, f"python -m agents.train {shlex.join(words)}")
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: the same command with --resume goes on from the last checkpoint in {args.out}") from None


if __name__ == "__main__":
    main()
