"""Write the table of language models in causal DAGs, beside the suite's agent and strategies in the same episodes.

    python docs/make_language_causal_dag.py --results results/causal_dag_text --agent results/causal_dag_agent

The models' folders are those of language_model_folders.py; the agent's folder is one of ``agents.evaluate``. The rows are put into
docs/data/language/causal_dag.csv, where they replace those of the same policy and seed, and the table into docs/language_results.md. And of
the choices of models whose reasoning compares, and of the expert in games like those of their texts, it counts how often they set what they
say moved the goal most: causal_dag_choices.csv, where the held-out link, of D on E, is counted by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import tyro
from language_model_folders import ModelFolder, model_folders
from page_tables import Tables, markdown, with_interval, write_tables

from agents.data.csv_rows import write_rows
from agents.language.conditions import named_condition
from agents.language.games import game_text
from agents.language.pages import read_transcripts
from agents.sweeps.tables import with_new_runs
from gym_causal.core.streams import SeedDomain
from gym_causal.transcripts import play_games

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "language" / "causal_dag.csv"
CHOICES = DATA.with_name("causal_dag_choices.csv")
PAGE = DOCS / "language_results.md"
SPLITS = ("train", "eval_target", "eval_path")
REWARD, COVERAGE, OPTIMAL = "normalized_reward", "exploration_coverage", "match_optimum"
METRICS = (REWARD, COVERAGE, OPTIMAL)
CHOICE = re.compile(r"The goal is (\w+)\..*?So (\w+) moved \w+ most\..*\nI set (\w+) to ")
HELD_OUT = ("D", "E")
WITHOUT_SEED = -1  # of training: strategies and the expert
EXPERT_GAMES = 3_000


@dataclass(frozen=True)
class Args:
    """Write the table of language models in causal DAGs."""

    results: Path
    """Folder of the models' folders."""
    agent: Path | None = None
    """Folder of `python -m agents.evaluate`; its rows are those of the agent, the strategies and the expert. Default: the rows at hand."""


def rows_of_model(folder: ModelFolder) -> pd.DataFrame:
    """The rows of one language model."""
    rows = pd.read_csv(folder.path / "evaluation" / "results.csv")
    return rows[rows["policy"] == folder.model].assign(seed_of_training=folder.seed)


def choices_of_model(folder: ModelFolder) -> list[dict[str, object]]:
    """The choices of one model on each split."""
    transcripts = read_transcripts(folder.path / "evaluation")
    return [row for (_, split), games in transcripts.items() for row in choices(folder.model, folder.seed, split, games)]


def choices_of_expert() -> list[dict[str, object]]:
    """The choices of the expert in games of the split that texts are of."""
    condition = named_condition("reasoning_compared")
    kwargs = {"split": "train", "outcomes": "changes", **condition.env_kwargs}
    games = play_games("CausalDAGText-v0", num_episodes=EXPERT_GAMES, domain=SeedDomain.VALIDATION, **kwargs)
    return choices("expert", WITHOUT_SEED, "train", [game_text(game, condition) for game in games])


def choices(policy: str, seed: int, split: str, games: Iterable[str]) -> list[dict[str, object]]:
    """By what is said to have moved the goal most: how many choices there are in the texts of games, and in which share that is set."""
    rows = []
    said = pd.DataFrame([choice for text in games for choice in CHOICE.findall(text)], columns=["goal", "most", "target"])
    is_held_out = (said["most"] == HELD_OUT[0]) & (said["goal"] == HELD_OUT[1])
    for link, chosen in (("held out", said[is_held_out]), ("other", said[~is_held_out])):
        if len(chosen):
            counted = {"choices": len(chosen), "sets_it": round((chosen["target"] == chosen["most"]).mean(), 4)}
            rows.append({"policy": policy, "seed_of_training": seed, "split": split, "link": link, **counted})
    return rows


def table(rows: pd.DataFrame) -> str:
    """A row for each policy, with the 95% interval over games in brackets."""
    lines = []
    for (policy, seed), each in rows.groupby(["policy", "seed_of_training"], sort=False):
        numbers = each.set_index(["metric", "split"])
        cells = [with_interval(*numbers.loc[(REWARD, split), ["mean", "low", "high"]]) for split in SPLITS]
        coverage = numbers.loc[COVERAGE]["mean"].mean()
        name = f"`{policy}`" if seed == WITHOUT_SEED else f"language model, `{policy}`, seed {seed}"
        lines.append([name, f"{each['episodes'].max():,}", *cells, f"{coverage:.2f}"])
    return markdown(["Policy", "games of a split", *SPLITS, "coverage"], lines)


def tables(rows: pd.DataFrame) -> Tables:
    """The table of the page."""
    return {"language_causal_dag": partial(table, rows)}


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, "evaluation/results.csv")
    found = [*map(rows_of_model, folders)]
    if args.agent is not None:
        found.append(pd.read_csv(args.agent / "results.csv").assign(seed_of_training=WITHOUT_SEED))
    rows = pd.concat(found, ignore_index=True)
    rows = with_new_runs(DATA, rows[rows["metric"].isin(METRICS)])
    rows = rows.sort_values("seed_of_training", key=lambda seed: seed == WITHOUT_SEED, kind="stable")
    write_rows(DATA, rows)
    counted = with_new_runs(CHOICES, pd.DataFrame([row for folder in folders for row in choices_of_model(folder)] + choices_of_expert()))
    counted = counted.sort_values("seed_of_training", key=lambda seed: seed == WITHOUT_SEED, kind="stable")
    write_rows(CHOICES, counted)
    write_tables(PAGE, tables(rows))


if __name__ == "__main__":
    main(tyro.cli(Args))
