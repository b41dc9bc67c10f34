"""Write the table of language models that are trained on texts of several games, from their folders.

    python docs/make_language_in_context.py --results results/in_context

The models' folders are those of language_model_folders.py, but their games, which four example games precede, are in ``held_out_NAME``.
There NAME is rewarded in the held-out games, and the examples reward two other dimensions. The rows are put into
docs/data/language/in_context.csv, where they replace those of the same model and seed, and the table into docs/language_results.md.
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
DATA = DOCS / "data" / "language" / "in_context.csv"
PAGE = DOCS / "language_results.md"
INCLUDED_FROM = "texture"  # the examples of these games reward color and shape
COLUMNS = {"included": "as the examples: color, shape", **dict.fromkeys(("color", "shape", "texture")), "size": "size, in no text"}
"""The dimension that the game rewards -> the title of the column; None: its name."""
TEST = "test_correct_rate"


@dataclass(frozen=True)
class Args:
    """Write the table of language models that are trained on texts of several games."""

    results: Path
    """Folder of the models' folders."""


def rows_of(folder: ModelFolder) -> pd.DataFrame:
    """The rows of one model; the split "held_out" becomes the dimension."""
    tables = []
    for path in sorted(folder.path.glob("held_out_*/results.csv")):
        dimension = path.parent.name.removeprefix("held_out_")
        table = pd.read_csv(path)
        table = table if dimension == INCLUDED_FROM else table[table["split"] != "included"]
        tables.append(table.assign(split=table["split"].replace("held_out", dimension)))
    rows = pd.concat(tables)
    return rows[rows["policy"] == condition_of(folder.model)].assign(policy=folder.model, seed_of_training=folder.seed)


def table(rows: pd.DataFrame) -> str:
    """How often the test is right: a row for each model, with the 95% interval over games in brackets."""
    lines = []
    for (model, seed), each in rows[rows["metric"] == TEST].groupby(["policy", "seed_of_training"]):
        cells = {row.split: with_interval(row.mean, row.low, row.high) for row in each.itertuples()}
        lines.append([f"`{model}`", str(seed), *(cells.get(name, "") for name in COLUMNS)])
    return markdown(["Texts", "seed", *(title or name for name, title in COLUMNS.items())], lines)


def tables(rows: pd.DataFrame) -> Tables:
    """The table of the page."""
    return {"language_in_context": partial(table, rows)}


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, f"held_out_{INCLUDED_FROM}/results.csv")
    rows = with_new_runs(DATA, pd.concat(map(rows_of, folders), ignore_index=True))
    write_rows(DATA, rows)
    write_tables(PAGE, tables(rows))


if __name__ == "__main__":
    main(tyro.cli(Args))
