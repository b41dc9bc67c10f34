"""``python -m agents.language.train``: a small language model learns from texts of an expert's games: in its weights, not from a prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro

from agents.language.gpt import GPTConfig
from agents.language.training_config import PRESETS, TrainingConfig
from baselines.command_line import env_kwargs_type
from gym_causal.arguments import check_one_of
from gym_causal.extras import needs_extra


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The options that the defaults of others depend on; they are read first."""

    env: str = "OddOneOutText-v0"
    """Id of a text task."""
    preset: str = "quick"
    """quick: half an hour to an hour on a CPU core; full: hours on a GPU."""


@dataclass(frozen=True, kw_only=True)
class Args(Defaults):
    """Train a small language model on game texts. Whatever it then does without a prompt it has learned in its weights."""

    condition: str = "none"
    """Which explanations the texts hold: none, outcome, reasoning, both, or both_shuffled and the other controls."""
    texts: Literal["single", "in_context"] = "single"
    """single: one game a text. in_context: five games; the first four reward two of the dimensions, the last another one."""
    dimensions_drawn_from: int = 0
    """Each text has dimensions of its own, drawn from the first so many of the vocabulary, at most 12; 0: all have the env's. Evaluated
    games have the env's in either."""
    variables_drawn_from: int = 0
    """Each text, of a causal DAG, has variables of its own, drawn from the first so many letters; 0: all have the env's. The held-out link
    is in no text, and evaluated games have the env's variables in either."""
    names_drawn: bool = False
    """The names of drawn dimensions are drawn too: a name stands for the values of any dimension, and a text alone says of which."""
    instructions: bool = False
    """Texts begin with the description of the game; evaluate the model with --instructions then."""
    held_out: str | None = None
    """The dimension that is rewarded in no training text; default: the last, if the task has dimensions."""
    init: str | None = None
    """The folder of a trained model of the same size, with whose tokenizer and weights the training begins."""
    seed: int = 0
    """Of the weights and the texts."""
    out: Path = Path("results/language_model")
    """Folder for the model, its learning curve and its checkpoint."""
    resume: bool = False
    """Go on with the training in that folder, if there is one."""
    device: str = "cpu"
    """Where to train: cpu, cuda, ..."""
    num_updates: int = 0
    """Of the weights. The defaults of this option and of those below are the preset's."""
    first_updates: int = 0
    """So many of them come first and are on games with other arguments, --first-env-kwargs: easier ones, with shorter texts."""
    player_loss_only: bool = False
    """The loss is of the player's words, its reasoning, actions and explanations; those of the environment are read and not predicted."""
    batch_size: int = 0
    """Texts of an update."""
    learning_rate: float = 0.0
    """AdamW's peak. AdamW trains what is no matrix of the Transformer blocks."""
    muon_learning_rate_ratio: float = 0.0
    """The learning rate of Muon, which trains these matrices, as a multiple of AdamW's."""
    weight_decay: float = 0.0
    """Of both."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products in updates; bfloat16 takes three fifths of the time on CPUs with avx512_bf16, and longer on others."""
    evaluate_every: int = 0
    """Updates between two evaluations."""
    evaluation_games: int = 0
    """Games of each split in an evaluation."""
    checkpoint_every: int = 0
    """Updates between two checkpoints."""
    gpt: GPTConfig = field(default_factory=GPTConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, for example --env-kwargs.num-dimensions 6."""
    first_env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Those that differ in the games of the first updates, for example --first-env-kwargs.num-experiments 0."""

    def config(self) -> TrainingConfig:
        """Everything that the model depends on."""
        names = {each.name for each in dataclasses.fields(TrainingConfig)} & {each.name for each in dataclasses.fields(Args)}
        return TrainingConfig(env_id=self.env, **{name: getattr(self, name) for name in names})


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line; those not given have the preset's values.

    Raises:
        ValueError: an unknown env or preset.
        SystemExit: an unknown option or a value of another type; tyro says which.
    """
    first, _ = tyro.cli(Defaults, args=argv, return_unknown_args=True, add_help=False)
    check_one_of("preset", first.preset, tuple(PRESETS))
    kwargs_type = env_kwargs_type(first.env, without=("split", "explain", "expert_info", "observation", "rewarded_dimensions"))
    fields: list[Any] = [(name, kwargs_type, field(default_factory=dict)) for name in ("env_kwargs", "first_env_kwargs")]
    args_class: type[Args] = dataclasses.make_dataclass("Args", fields, bases=(Args,), frozen=True, kw_only=True)
    chosen = PRESETS[first.preset]
    names = {each.name for each in dataclasses.fields(Args)} & {each.name for each in dataclasses.fields(TrainingConfig)}
    default = args_class(env=first.env, preset=first.preset, **{name: getattr(chosen, name) for name in names})
    return tyro.cli(args_class, args=argv, default=default, prog="python -m agents.language.train", description=Args.__doc__)


def train(args: Args) -> None:
    """Train the model and draw its learning curve."""
    config = args.config()
    config.check()
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    with needs_extra("training a language model", "language"):
        import transformers  # noqa: F401, PLC0415

        from agents.language.training import Training  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from agents.algorithms.folder_lock import locked  # noqa: PLC0415
    from agents.algorithms.learning_curve import HISTORY, read_history  # noqa: PLC0415
    from agents.analysis import plots  # noqa: PLC0415
    from baselines.plots import PALETTE  # noqa: PLC0415
    from gym_causal.files import write_atomically  # noqa: PLC0415

    with locked(args.out):
        training = Training(config, args.out, resume=args.resume, device=args.device)
        training.run()
    figure = plots.learning_curves({config.condition: read_history(args.out / HISTORY)}, PALETTE, config.evaluation.selection_metric)
    for name in ("learning_curve.png", "learning_curve.svg"):
        write_atomically(args.out / name, figure.savefig)
    Console().print(f"Trained {training.num_parameters:,} parameters on {config.num_updates * config.batch_size:,} texts: {args.out}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line."""
    out = "--out"
    try:
        args = parse(argv)
        out = str(args.out)
        train(args)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: the same command with --resume goes on from the last checkpoint in {out}") from None


if __name__ == "__main__":
    main()
