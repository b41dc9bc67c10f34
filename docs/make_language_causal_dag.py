"""Write the table of language models in causal DAGs, beside the suite's agent and strategies in the same episodes.

    python docs/make_language_causal_dag.py --results results/causal_dag_text --agent results/causal_dag_agent

The models' folders are those of language_model_folders.py; the agent's folder is one of ``agents.evaluate``. The rows are put into
docs/data/language/causal_dag.csv, where they replace those of the same policy and seed, and the table into docs/language_results.md. And of
the choices of models whose reasoning compares it counts how often they set what they say moved the goal most: causal_dag_choices.csv, where
the held-out link, of D on E, is counted by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from language_model_folders import ModelFolder, model_folders

from agents.language.pages import read_transcripts
from agents.sweeps.tables import with_new_runs
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "language" / "causal_dag.csv"
CHOICES = DATA.with_name("causal_dag_choices.csv")
PAGE = DOCS / "language_results.md"
TABLE = re.compile("(<!-- table language_causal_dag -->\n).*?(<!-- end of table -->)", re.DOTALL)
SPLITS = ("train", "eval_target", "eval_path")
REWARD, COVERAGE, OPTIMAL = "normalized_reward", "exploration_coverage", "match_optimum"
METRICS = (REWARD, COVERAGE, OPTIMAL)
CHOICE = re.compile(r"The goal is (\w+)\..*?So (\w+) moved \w+ most\..*\nI set (\w+) to ")
HELD_OUT = ("D", "E")
WITHOUT_SEED = -1  # of training: strategies and the expert


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
    """For each split, and for what is said to have moved the goal most: how many choices there were, and in which share that was set."""
    rows = []
    for (_, split), games in read_transcripts(folder.path / "evaluation").items():
        found = [CHOICE.findall(text) for text in games]
        said = pd.DataFrame([choice for each in found for choice in each], columns=["goal", "most", "target"])
        is_held_out = (said["most"] == HELD_OUT[0]) & (said["goal"] == HELD_OUT[1])
        for link, choices in (("held out", said[is_held_out]), ("other", said[~is_held_out])):
            if len(choices):
                share = (choices["target"] == choices["most"]).mean()
                about = {"policy": folder.model, "seed_of_training": folder.seed}
                rows.append({**about, "split": split, "link": link, "choices": len(choices), "sets_it": round(share, 4)})
    return rows


def markdown_table(rows: pd.DataFrame) -> str:
    """A row for each policy, with the 95% interval over games in brackets."""
    lines = ["| Policy | games of a split | train | eval_target | eval_path | coverage |", "|---|---|---|---|---|---|"]
    for (policy, seed), each in rows.groupby(["policy", "seed_of_training"], sort=False):
        table = each.set_index(["metric", "split"])
        cells = [_cell(table.loc[REWARD, split]) for split in SPLITS]
        coverage = table.loc[COVERAGE]["mean"].mean()
        name = f"`{policy}`" if seed == WITHOUT_SEED else f"language model, `{policy}`, seed {seed}"
        lines.append(f"| {name} | {each['episodes'].max():,} | {' | '.join(cells)} | {coverage:.2f} |")
    return "".join(f"{line}\n" for line in lines)


def _cell(row: pd.Series) -> str:
    return f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def with_table(page: str, rows: pd.DataFrame) -> str:
    """The page with its table written anew."""
    return TABLE.sub(lambda match: f"{match[1]}\n{markdown_table(rows)}\n{match[2]}", page)


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, "evaluation/results.csv")
    tables = [*map(rows_of_model, folders)]
    if args.agent is not None:
        tables.append(pd.read_csv(args.agent / "results.csv").assign(seed_of_training=WITHOUT_SEED))
    rows = pd.concat(tables, ignore_index=True)
    rows = with_new_runs(DATA, rows[rows["metric"].isin(METRICS)])
    rows = rows.sort_values("seed_of_training", key=lambda seed: seed == WITHOUT_SEED, kind="stable")
    write_atomically(DATA, lambda target: rows.to_csv(target, index=False))
    if choices := [row for folder in folders for row in choices_of_model(folder)]:
        counted = with_new_runs(CHOICES, pd.DataFrame(choices))
        write_atomically(CHOICES, lambda target: counted.to_csv(target, index=False))
    page = with_table(PAGE.read_text("utf-8"), rows)
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    main(tyro.cli(Args))
