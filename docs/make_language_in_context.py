"""Write the table of language models that are trained on texts of several games, from their folders.

    python docs/make_language_in_context.py --results results/in_context

The models' folders are those of language_model_folders.py, but their games, which four example games precede, are in ``held_out_NAME``.
There NAME is rewarded in the held-out games, and the examples reward two other dimensions. The rows are put into
docs/data/language/in_context.csv, where they replace those of the same model and seed, and the table into docs/language_results.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro
from language_model_folders import ModelFolder, condition_of, model_folders

from agents.sweeps.tables import with_new_runs
from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "language" / "in_context.csv"
PAGE = DOCS / "language_results.md"
TABLE = re.compile("(<!-- table language_in_context -->\n).*?(<!-- end of table -->)", re.DOTALL)
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


def markdown_table(rows: pd.DataFrame) -> str:
    """How often the test is right: a row for each model, with the 95% interval over games in brackets."""
    lines = [f"| Texts | seed | {' | '.join(title or name for name, title in COLUMNS.items())} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    for (model, seed), each in rows[rows["metric"] == TEST].groupby(["policy", "seed_of_training"]):
        cells = {row.split: f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in each.itertuples()}
        lines.append(f"| `{model}` | {seed} | {' | '.join(cells.get(name, '') for name in COLUMNS)} |")
    return "".join(f"{line}\n" for line in lines)


def with_table(page: str, rows: pd.DataFrame) -> str:
    """The page with its table written anew."""
    return TABLE.sub(lambda match: f"{match[1]}\n{markdown_table(rows)}\n{match[2]}", page)


def main(args: Args) -> None:
    """Run the command."""
    folders = model_folders(args.results, f"held_out_{INCLUDED_FROM}/results.csv")
    rows = with_new_runs(DATA, pd.concat(map(rows_of, folders), ignore_index=True))
    write_atomically(DATA, lambda path: rows.to_csv(path, index=False))
    page = with_table(PAGE.read_text("utf-8"), rows)
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    main(tyro.cli(Args))
