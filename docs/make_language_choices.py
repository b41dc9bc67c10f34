"""What models that are trained on game texts go by in the test trial, counted in their games.

    python docs/make_language_choices.py --results results/language_models      # after the commands of docs/language_models.md

For each model and each rewarded dimension: in which share of games the chosen object is unique in each dimension. Prints a table and writes
docs/data/language/choices.csv.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from agents.language.conditions import CONDITIONS
from agents.language.pages import TRANSCRIPTS
from gym_causal.files import write_atomically
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, LETTERS

DATA = Path(__file__).parent / "data" / "language" / "choices.csv"
GAMES = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)
OBJECT = re.compile(r"^[A-Z]\) (.*)$", re.MULTILINE)
CHOICE = re.compile(r"I choose object ([A-Z])")
REWARDED = re.compile(r"into a different (\w+): \w+\.\nChoosing object [A-Z] was rewarded!")


@dataclass(frozen=True)
class Args:
    """Count what language models go by in the test trial."""

    results: Path
    """Folder of the models' folders."""
    out: Path = DATA
    """The CSV."""


def choices(page: str) -> Iterator[tuple[str, str, str]]:
    """Split, rewarded dimension and the dimension that the chosen object is unique in, of each game in which the former was found out.

    Args:
        page: the text of a page of transcripts.
    """
    found = GAMES.search(page)
    assert found is not None, "a page of transcripts has its games"
    for name, games in json.loads(found[1])["games"].items():
        for game in games:
            text = "".join(part for _, part in game)
            rewarded, choice = REWARDED.search(text), CHOICE.search(text)
            if rewarded and choice:
                objects = [line.split() for line in OBJECT.findall(text[: choice.start()])]
                last = objects[-3:]
                chosen = last[LETTERS.index(choice[1])]
                unique = [list(DIMENSIONS)[d] for d, word in enumerate(chosen) if [other[d] for other in last].count(word) == 1]
                yield name.rpartition(", ")[2], rewarded[1], unique[0]


def main(args: Args) -> None:
    """Run the command."""
    rows = []
    for condition in CONDITIONS:
        for folder in sorted((args.results / condition).glob("seed_*")):
            for kind in ("evaluation", "concluded"):
                path = folder / kind / TRANSCRIPTS
                if path.exists():
                    counted = pd.DataFrame(choices(path.read_text("utf-8")), columns=["split", "rewarded", "chosen"]).value_counts()
                    rows.append(counted.reset_index().assign(condition=condition, seed=folder.name.removeprefix("seed_"), games=kind))
    if not rows:
        raise SystemExit(f"error: --results: {str(args.results)!r} holds no CONDITION/seed_S/evaluation/{TRANSCRIPTS}")
    table = pd.concat(rows, ignore_index=True)
    shares = table.pivot_table(index=["condition", "games", "seed", "split", "rewarded"], columns="chosen", values="count", fill_value=0)
    shares = shares.div(shares.sum(axis=1), axis=0)
    print(shares.to_string(float_format="%.2f"))
    args.out.parent.mkdir(exist_ok=True)
    write_atomically(args.out, shares.to_csv)


if __name__ == "__main__":
    main(tyro.cli(Args))
