"""``python -m agents.language``: a language model plays a text task under several conditions; tables, files, figures, transcripts."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from agents.language.conditions import FOUR_CONDITIONS, named_condition
from agents.language.games import game_text
from baselines.command_line import env_kwargs_type

if TYPE_CHECKING:
    from agents.language.experiment import Experiment, SelectedPrompt
    from agents.language.models import LanguageModel
    from gym_causal.evaluation import EvaluationResult
    from gym_causal.transcripts import Game

LOG, PROMPTS = "requests.jsonl", "prompts.json"
REFERENCE_GAMES = 2_000
"""Games of each split that chance, the expert and strategies play; the evaluated ones are the first of them."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """A language model plays a text task, prompted with example games. The same command goes on where a killed one stopped."""

    model: str = "hf-cached"
    """hf-cached (a local model of transformers), or a backend of lm_eval: hf, vllm, local-completions, openai-completions, ..."""
    model_args: str = ""
    """The backend's arguments in lm_eval's form: pretrained=FOLDER,dtype=float32. Keys come from the environment: OPENAI_API_KEY."""
    env: str = "OddOneOutText-v0"
    """Id of a text task."""
    conditions: tuple[str, ...] = FOUR_CONDITIONS
    """Which explanations prompts hold and the model writes (agents.language.conditions): none, outcome, reasoning, both, or controls."""
    games: int = 100
    """Evaluated games of each split."""
    prompts: int = 10
    """Candidates for the prompt; the one that scores best in new games of the included dimensions is kept."""
    selection_games: int = 20
    """Games in which each candidate is scored."""
    shots: int = 4
    """Example games in a prompt."""
    held_out: str | None = None
    """The dimension that is rewarded in held-out games alone; default: the task's last."""
    seed: int = 0
    """Of all games."""
    out: Path = Path("results/language")
    """Folder for requests.jsonl, prompts.json, results.csv, results.json, report.html, figure.png, figure.svg and
    transcripts.html."""
    answers: Literal["loglikelihood", "generate"] | None = None
    """Score the admissible answers, or let the model write one; default: score, but with chat models, which score nothing, write."""
    normalize_length: bool = False
    """Divide scores by the answers' lengths in bytes."""
    environment_explains: bool = False
    """The environment writes the explanations of outcomes; default: the model does."""
    expert_concludes: bool = False
    """Where the expert knows which dimension is rewarded, its words begin the reasoning, up to that dimension; the model goes on."""
    max_tokens: int = 200
    """Of a line that the model writes."""
    instructions: bool = False
    """Begin each prompt with a description of the game."""
    dry_run: bool = False
    """Only print how many games, requests and tokens it would take, and the first prompt."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env."""

    def experiment(self) -> Experiment:
        """What the model is asked to do."""
        from agents.language.experiment import Experiment  # noqa: PLC0415 - see main
        from agents.language.player import PlayOptions  # noqa: PLC0415 - see main

        answers = self.answers or ("generate" if "chat" in self.model else "loglikelihood")
        options = PlayOptions(answers, self.normalize_length, self.environment_explains, self.max_tokens, self.expert_concludes)
        names = ("conditions", "held_out", "games", "shots", "prompts", "selection_games", "seed", "instructions")
        same: dict[str, Any] = {name: getattr(self, name) for name in names}
        return Experiment(env_id=self.env, env_kwargs=self.env_kwargs, options=options, **same)


def parse(argv: Sequence[str] | None = None) -> Args:
    """The arguments of a command line.

    Raises:
        ValueError: an unknown env.
        SystemExit: an unknown option or a value of another type; tyro says which.
    """
    first, _ = tyro.cli(Args, args=argv, return_unknown_args=True, add_help=False)  # the env decides which arguments it has
    kwargs_type = env_kwargs_type(first.env, without=("split", "explain", "expert_info", "observation"))
    fields: list[Any] = [("env_kwargs", kwargs_type, field(default_factory=dict))]
    args_class: type[Args] = dataclasses.make_dataclass("Args", fields, bases=(Args,), frozen=True, kw_only=True)
    return tyro.cli(args_class, args=argv, prog="python -m agents.language", description=Args.__doc__)


def run(args: Args) -> None:
    """Select prompts, play and write the results."""
    # Late, so that --help answers at once: torch, pandas and matplotlib take seconds.
    from agents.algorithms.folder_lock import locked  # noqa: PLC0415
    from agents.language.dry_run import describe  # noqa: PLC0415
    from agents.language.models import fingerprint, load_model, parse_model_args  # noqa: PLC0415
    from agents.language.request_log import RequestLog  # noqa: PLC0415

    experiment, arguments = args.experiment(), parse_model_args(args.model_args)
    experiment.check()
    if args.dry_run:
        print(describe(experiment, args.model, arguments))
        return
    model = load_model(args.model, arguments)
    check_context(experiment, model)
    if note := unlike_training(experiment, arguments):
        print(f"note: {note}", file=sys.stderr)
    with locked(args.out):
        log = RequestLog(args.out / LOG, fingerprint(args.model, arguments))
        selected, results, games = play(experiment, model, log)
        write(args, experiment, selected, results, games)


def check_context(experiment: Experiment, model: LanguageModel) -> None:
    """Raise a ValueError if a prompt and a game are longer than a model reads, before any file is written.

    While it plays the model checks again: it may write longer explanations.
    """
    limit, count = getattr(model, "max_length", None), getattr(model, "count_tokens", None)
    if limit is None or count is None:
        return
    for condition in map(named_condition, experiment.conditions):
        game = game_text(experiment.example_games(condition)[0], condition)
        needed = max(count(prompt + game) for prompt in experiment.candidate_prompts(condition))
        if needed > limit:
            raise ValueError(
                f"prompt: {needed} tokens with a game under the condition {condition.name!r}, and the model reads at most {limit}; "
                "take fewer --shots or another model, or say max_length=TOKENS in --model_args if it reads more"
            )


def unlike_training(experiment: Experiment, arguments: dict[str, Any]) -> str | None:
    """How a model that agents.language.train made has to be prompted to read texts like those that it was trained on; None if it is."""
    from agents.language.models import shipped_folder  # noqa: PLC0415
    from agents.language.training_config import GAMES_PER_TEXT, TRAINING, read_config  # noqa: PLC0415

    path = Path(shipped_folder(arguments.get("pretrained", ""))) / TRAINING
    if "pretrained" not in arguments or not path.is_file():
        return None
    try:
        found = read_config(path)
    except ValueError:  # a file of somebody else
        return None
    shots = GAMES_PER_TEXT - 1 if found["texts"] == "in_context" else 0
    condition, instructions = found["condition"], bool(found["instructions"])
    if (experiment.conditions, experiment.shots, experiment.instructions) == ((condition,), shots, instructions):
        return None
    options = f"--shots {shots} --conditions {condition}{' --instructions' * instructions}"
    return f"{path.parent} was trained on texts like those of {options}; with others it may be at chance"


def play(
    experiment: Experiment, model: LanguageModel, log: Any
) -> tuple[list[SelectedPrompt], list[EvaluationResult], dict[tuple[str, str], dict[int, Game]]]:
    """Select a prompt for each condition and evaluate it, with a progress bar.

    Returns:
        The selected prompts, the results of each condition on each split, and (condition, split) -> number -> game.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415

    from agents.language.experiment import effort  # noqa: PLC0415
    from agents.language.request_log import LoggedModel  # noqa: PLC0415

    selected, results = [], []
    games: dict[tuple[str, str], dict[int, Game]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("answers"))
    times = (TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left"))
    console = Console(width=None if sys.stdout.isatty() else 120)
    with Progress(*columns, *times, console=console, transient=True, speed_estimate_period=120) as progress:
        bar = progress.add_task("", total=effort(experiment).answers)

        def ask(prompt: str) -> LoggedModel:
            return LoggedModel(model, log, prompt, lambda count: progress.advance(bar, count))

        for condition in map(named_condition, experiment.conditions):
            progress.update(bar, description=f"{condition.name}: selecting")
            chosen = experiment.select_prompt(condition, ask)
            progress.update(bar, description=f"{condition.name}: playing")
            results += experiment.evaluate(
                condition, chosen.text, ask, lambda name, split, i, game: games.setdefault((name, split), {}).__setitem__(i, game)
            )
            selected.append(chosen)
    return selected, results, games


def write(args: Args, experiment: Experiment, selected: list[SelectedPrompt], results: list[EvaluationResult], games: Any) -> None:
    """Compare with chance, the expert and the task's strategies; print the tables and write all files."""
    import pandas as pd  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from agents.language.pages import TRANSCRIPTS, write_transcripts  # noqa: PLC0415
    from baselines import plots  # noqa: PLC0415
    from baselines.comparison import results_table  # noqa: PLC0415
    from baselines.report import REPORT  # noqa: PLC0415
    from baselines.results import COLUMNS, save_results  # noqa: PLC0415
    from gym_causal.files import write_atomically  # noqa: PLC0415

    rows = [row for result in [*results, *reference_results(experiment)] for row in result.rows()]
    table = pd.DataFrame(rows, columns=COLUMNS)
    metric = experiment.selection_metric
    played = table[table["policy"].isin(experiment.conditions)]
    figure = plots.reward_figure(played, metric)
    chance = table[(table["policy"] == "random") & (table["metric"] == metric)]["mean"].mean()
    axes = figure.axes[0]
    axes.axhline(chance, color="0.4", linewidth=0.8, linestyle="--")
    axes.annotate("chance", (1, chance), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8, color="0.3")
    axes.set_ylim(0, 1)
    prompts = {each.condition: {**dataclasses.asdict(each), "metric": metric} for each in selected}
    write_atomically(args.out / PROMPTS, lambda path: path.write_text(json.dumps(prompts, indent=1) + "\n", encoding="utf-8"))
    in_order = {key: [game for _, game in sorted(numbered.items())] for key, numbered in games.items()}
    texts = {each.condition: each.text for each in selected}
    explains = args.environment_explains
    write_transcripts(args.out, f"{args.model} in {args.env}", texts, in_order, environment_explains=explains)
    figures = {"figure.png": figure, "figure.svg": figure}
    metrics = dict.fromkeys((metric, "informative_experiment_rate", "invalid_answer_rate"))
    printed = [results_table(table, each) for each in metrics if (table["metric"] == each).any()]
    save_results(
        args.out,
        table,
        dataclasses.asdict(args),
        command="python -m agents.language",
        packages=("gymnasium", "numpy"),
        figures=figures,
        printed=printed,
        prompts=prompts,
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(*printed, sep="\n")
    written = ("results.json", REPORT, *figures, TRANSCRIPTS, PROMPTS, LOG)
    console.print(f"Wrote {', '.join((str(args.out / 'results.csv'), *written))}")


def reference_results(experiment: Experiment) -> list[EvaluationResult]:
    """Random play, the expert and the task's strategies in the same games and more, so that chance is known well."""
    import gym_causal  # noqa: PLC0415
    from baselines.registry import compared_strategies, make  # noqa: PLC0415
    from gym_causal.registry import task_spec  # noqa: PLC0415

    results = []
    for split, kwargs in experiment.splits.items():
        symbolic = {**kwargs, **task_spec(experiment.env_id).compact_kwargs}
        strategies = [name for name in compared_strategies(experiment.env_id) if name not in ("random", "expert")]
        for name in ("random", "expert", *strategies):
            policy: Any = make(name, experiment.env_id, experiment.seed, **symbolic) if name in strategies else name
            count = max(experiment.games, REFERENCE_GAMES)
            result = gym_causal.evaluate(policy, experiment.env_id, num_episodes=count, seed=experiment.seed, name=name, **symbolic)
            results.append(dataclasses.replace(result, split=split))
    return results


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line."""
    args: Args | None = None
    try:
        args = parse(argv)
        run(args)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted: the same command goes on from the answers in requests.jsonl") from None


if __name__ == "__main__":
    main()
