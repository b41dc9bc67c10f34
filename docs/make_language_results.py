"""Write the tables and the figure of models that are trained on game texts, from their folders.

    python docs/make_language_results.py --results results/language_models

The models' folders are those of language_model_folders.py; games whose reasoning the expert begins are in ``concluded``. The rows and the
learning curves are put into docs/data/language, where they replace those of the same condition and seed. The table goes into
docs/language_results.md and that of some models, in short, into README.md; the figure is docs/images/language_training.png.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import tyro
from language_model_folders import ModelFolder, condition_of, model_folders
from page_tables import Tables, write_tables

from agents.algorithms.learning_curve import HISTORY, read_history
from agents.analysis.plots import learning_curves
from agents.data.csv_rows import write_rows
from agents.language.conditions import CONDITIONS
from agents.sweeps.study import Column
from agents.sweeps.tables import markdown_table, summarize_seeds, with_new_runs
from baselines.plots import PALETTE
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "language" / "trained_on_games.csv"
CURVES = DATA.with_name("learning_curves.csv")
PAGES, PICTURE = (DOCS / "language_results.md", DOCS.parent / "README.md"), DOCS / "images" / "language_training.png"
TEST, EXPERIMENTS, CONCLUDED = "test_correct_rate", "informative_experiment_rate", "concluded"
COLUMNS = (
    Column(title="test, included", metric=TEST, split="included"),
    Column(title="test, held out", metric=TEST, split="held_out"),
    Column(title="concluded: test, included", metric=TEST, split=f"included, {CONCLUDED}"),
    Column(title="concluded: test, held out", metric=TEST, split=f"held_out, {CONCLUDED}"),
    Column(title="informative experiments, included", metric=EXPERIMENTS, split="included"),
    Column(title="informative experiments, held out", metric=EXPERIMENTS, split="held_out"),
)
IN_SHORT = (
    "none",
    "outcome",
    "reasoning_compared",
    "both_compared",
    "reasoning_compared_shuffled",
    "reasoning_described_12",
    "reasoning_judged_direct_names_12",
)
"""The models of the README's table, which has the first two columns."""


@dataclass(frozen=True)
class Args:
    """Write the tables and the figure of language models that are trained on game texts."""

    results: Path
    """Folder of the models' folders."""


def rows_of(folder: ModelFolder) -> pd.DataFrame:
    """The rows of one model, with its name as its policy."""
    tables = [pd.read_csv(folder.path / "evaluation" / "results.csv")]
    if (folder.path / CONCLUDED).exists():
        concluded = pd.read_csv(folder.path / CONCLUDED / "results.csv")
        tables.append(concluded.assign(split=concluded["split"] + f", {CONCLUDED}"))
    rows = pd.concat(tables)
    return rows[rows["policy"] == condition_of(folder.model)].assign(policy=folder.model, seed_of_training=folder.seed)


def curve_of(folder: ModelFolder) -> pd.DataFrame:
    """The learning curve of one model, with its name as its policy."""
    return read_history(folder.path / HISTORY).assign(policy=folder.model, seed_of_training=folder.seed)


def put_into(path: Path, tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the rows of models into a file of docs/data; returns all that it then holds, in the order of conditions and seeds."""
    rows = with_new_runs(path, pd.concat(tables, ignore_index=True))
    order = rows["policy"].map(condition_of).map(list(CONDITIONS).index)
    rows = rows.assign(order=order).sort_values(["order", "policy", "seed_of_training"], kind="stable").drop(columns="order")
    path.parent.mkdir(exist_ok=True)
    write_rows(path, rows)
    return rows


def table(rows: pd.DataFrame, columns: Sequence[Column] = COLUMNS) -> str:
    """A row for each model. Of a single seed, brackets hold the interval over games."""
    summary = summarize_seeds(rows)
    of_games = summary.merge(rows, on=["env_id", "split", "policy", "metric"], how="left", suffixes=("", "_of_games"))
    of_games = of_games.drop_duplicates(["split", "policy", "metric"]).reset_index(drop=True)
    for bound in ("low", "high"):
        summary[bound] = summary[bound].where(summary["seeds"] > 1, of_games[f"{bound}_of_games"])
    return markdown_table(summary, columns)


def tables(rows: pd.DataFrame) -> Tables:
    """The tables of the two pages."""
    short = rows[rows["policy"].isin(IN_SHORT)]
    return {"language_models": partial(table, rows), "language_models_in_short": partial(table, short, COLUMNS[:2])}


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, "evaluation/results.csv")
    rows = put_into(DATA, map(rows_of, folders))
    for page in PAGES:
        write_tables(page, tables(rows))
    histories = put_into(CURVES, map(curve_of, folders))
    if histories.groupby("policy")["seed_of_training"].nunique().max() == 1:
        histories = histories.drop(columns="seed_of_training")
    by_model = histories.groupby("policy", sort=False)
    curves = {str(model): history for model, history in by_model if history["batch"].nunique() > 1}
    write_atomically(PICTURE, learning_curves(curves, PALETTE, TEST).savefig)


if __name__ == "__main__":
    main(tyro.cli(Args))
