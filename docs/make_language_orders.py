"""Does it matter for a language model in which order a game names its dimensions? Write the table of right choices by order.

    python docs/make_language_orders.py --results results/language_models      # after the commands of docs/language_results.md

The models' folders are those of language_model_folders.py; games whose dimensions are named in an order are in ``order_NAME_NAME_NAME``,
those with a rewarded dimension in the folder of its name within. The rows are put into docs/data/language/orders.csv, where they replace
those of the same model and seed, and the table into docs/language_analysis.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import tyro
from language_model_folders import ModelFolder, condition_of, model_folders
from page_tables import Tables, markdown, with_interval, write_tables

from agents.data.csv_rows import write_rows
from agents.sweeps.tables import with_new_runs

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "language" / "orders.csv", DOCS / "language_analysis.md"
DIMENSIONS, HELD_OUT = ("color", "shape", "texture"), "texture"
TEST = "test_correct_rate"


@dataclass(frozen=True)
class Args:
    """Write the table of right choices by the order in which dimensions are named."""

    results: Path
    """Folder of the models' folders."""


def rows_of(folder: ModelFolder) -> pd.DataFrame:
    """The rows of one model, with the columns ``order`` and ``rewarded``. (Held-out games are there twice.)"""
    found = []
    for path in sorted(folder.path.glob("order_*_*_*/*/results.csv")):
        table = pd.read_csv(path)
        table = table[table["policy"] == condition_of(folder.model)]
        rewarded = table["split"].replace({"included": path.parent.name, "held_out": HELD_OUT})
        order = path.parents[1].name.removeprefix("order_").replace("_", ", ")
        found.append(table.assign(order=order, rewarded=rewarded, policy=folder.model, seed_of_training=folder.seed))
    return pd.concat(found, ignore_index=True).drop_duplicates(["order", "rewarded", "metric"])


def table(rows: pd.DataFrame) -> str:
    """How often the test is right: a row for each model and order, with the 95% interval over games in brackets."""
    lines = []
    for (model, seed, order), each in rows[rows["metric"] == TEST].groupby(["policy", "seed_of_training", "order"], sort=False):
        cells = {row.rewarded: with_interval(row.mean, row.low, row.high) for row in each.itertuples()}
        lines.append([f"`{model}`, seed {seed}", order, *(cells[name] for name in DIMENSIONS)])
    return markdown(["Texts", "order", "color", "shape", "texture (held out)"], lines)


def tables(rows: pd.DataFrame) -> Tables:
    """The table of the page."""
    return {"language_orders": partial(table, rows)}


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, f"order_{'_'.join(DIMENSIONS)}/{DIMENSIONS[0]}/results.csv")
    rows = with_new_runs(DATA, pd.concat(map(rows_of, folders), ignore_index=True))
    write_rows(DATA, rows)
    write_tables(PAGE, tables(rows))


if __name__ == "__main__":
    main(tyro.cli(Args))
