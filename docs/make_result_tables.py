"""Write the tables of docs/results.md, docs/room_results.md and README.md from the numbers in docs/data.

    python -m agents.ablate --published                       # trains the agents: hours; called again, it resumes
    python docs/make_result_tables.py --results results       # takes over its numbers, then writes the tables

Seeds may come from several machines: rows of the same variation and seed are replaced, others are added.

docs/data/NAME.csv holds the tidy rows of the published recipe that writes to results/NAME. Of some of these files there are several tables
(``COLUMNS``). Without ``--results`` the tables are written from docs/data as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import tyro
from page_tables import Tables, write_tables

from agents.data.csv_rows import write_rows
from agents.sweeps.recipes import PUBLISHED, Recipe, StudyName
from agents.sweeps.studies import study
from agents.sweeps.study import Column
from agents.sweeps.tables import markdown_table, summarize_seeds, with_new_runs

DOCS = Path(__file__).parent
DATA, PAGES = DOCS / "data", (DOCS / "results.md", DOCS / "room_results.md", DOCS.parent / "README.md")

PROBED = tuple(
    Column(title=f"{title}, {split}", metric=metric, split=split)
    for title, metric in (("attribute", "decoded_attribute"), ("value of the target", "decoded_target"))
    for split in ("train", "eval")
)
EXPLAINED = tuple(
    Column(title=f"{title}, {split}", metric=metric, split=split)
    for title, metric in (("properties", "explained_properties"), ("touches", "explained_touches"), ("timed out", "timeout_rate"))
    for split in ("train", "eval")
)


def columns_of(name: StudyName, *titles: str) -> tuple[Column, ...]:
    """Some of the columns of a study, by their titles."""
    columns = {column.title: column for column in study(name).columns}
    return tuple(columns[title] for title in titles)


COLUMNS: dict[str, tuple[str, tuple[Column, ...]]] = {
    **{recipe.folder.name: (recipe.folder.name, study(recipe.study).columns) for recipe in PUBLISHED},
    "reasoning_probes": ("feature_set", PROBED),
    "confounded_explained": ("confounded", EXPLAINED),
    "confounded_in_short": ("confounded", columns_of("confounded", "eval: color", "eval: texture", "eval: shape")),
    "feature_set_in_short": ("feature_set", columns_of("feature_set", "eval: of expert's return", "eval: test trial")),
}
"""Name of a table -> which of docs/data it is of, and its columns."""


@dataclass(frozen=True)
class Args:
    """Write the tables of docs/results.md, docs/room_results.md and README.md from docs/data."""

    results: Path | None = None
    """Folder of the published recipes' results, whose numbers are put into docs/data first; those that it lacks stay as they are."""


def table(name: str) -> str:
    """One of the tables, as Markdown."""
    data, columns = COLUMNS[name]
    return markdown_table(summarize_seeds(pd.read_csv(DATA / f"{data}.csv")), columns)


TABLES: Tables = {name: partial(table, name) for name in COLUMNS}


def take_over(recipe: Recipe, results: Path) -> None:
    """Put the rows of a recipe's results into docs/data, in the order of the recipe's variations and seeds."""
    path = DATA / f"{recipe.folder.name}.csv"
    rows = with_new_runs(path, pd.read_csv(results))
    places = {(variation.name, config.seed): place for place, (variation, config) in enumerate(recipe.configs())}
    place = rows[["policy", "seed_of_training"]].apply(tuple, axis=1).map(places)  # NaN: no run of the recipe
    order = place.dropna().argsort(kind="stable")
    write_rows(path, rows.loc[place.notna().to_numpy()].iloc[order])


def main(args: Args) -> None:
    if args.results is not None:
        DATA.mkdir(exist_ok=True)
        for recipe in PUBLISHED:
            if (results := args.results / recipe.folder.name / "results.csv").exists():
                take_over(recipe, results)
    for page in PAGES:
        write_tables(page, TABLES)


if __name__ == "__main__":
    main(tyro.cli(Args))
