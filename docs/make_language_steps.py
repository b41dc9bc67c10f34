"""Which step of the reasoning models that are trained on game texts get right, where the expert has written all that comes before.

    python docs/make_language_steps.py --results results/language_models      # after the commands of docs/language_results.md

For each model and each rewarded dimension, in 200 games of the expert that were not trained on: how often the likeliest next word is the
expert's at each step (STEPS). Prints the table and writes it to docs/data/language/steps.csv, where the rows of these models replace
earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import tyro
from language_predictions import Predictions, trained_models

from agents.language.conditions import Condition
from agents.language.games import description, game_text
from agents.sweeps.tables import with_new_runs
from gym_causal.core.streams import SeedDomain
from gym_causal.files import write_atomically
from gym_causal.transcripts import play_games

DATA = Path(__file__).parent / "data" / "language" / "steps.csv"
STEPS = {
    "left": r"(?:So far,|,| and) \w+ (is left|is ruled out|was rewarded)",
    "belief": r"must be (\w+), because",
    "action": r"into a different (\w+)",
    "conclusion": r"I am rewarded for unique (\w+)",
    "values": r"(?:(?:unique \w+\.|,) A|, B|, C)\) (\w+)",
    "comparison": r", [BC]\) \w+ (like|unlike) A",
    "unique": r"like A, so (\w+) has a unique",
    "object": r"Object (\w) is the only",
    "counts": r"has a unique \w+, and \w+ (counts|does not count)",
    "choice": r"so I go for (\w)",
}
"""Step -> where its word stands. Not all are in the texts of all conditions. "left" (what is left or ruled out) is said under
"reasoning_explicit", "reasoning_searched" and "reasoning_judged", and with what was rewarded under "reasoning_evidence". Values are listed
under conditions such as "reasoning_listed", and compared under "reasoning_compared"; under "reasoning_described" and the four first named
this is done in several dimensions, with what is unique in each. "counts" (whether a dimension does) is said under "reasoning_searched" and
"reasoning_judged", and "choice" under the latter and "reasoning_evidence"."""
DIMENSIONS = ("color", "shape", "texture")
GAMES = 200


@dataclass(frozen=True)
class Args:
    """Count which steps of the reasoning language models get right."""

    results: Path
    """Folder of the models' folders."""
    out: Path = DATA
    """The CSV."""


def right_words(model: Any, tokenizer: Any, text: str) -> Iterator[tuple[str, bool]]:
    """Each step of a text, and whether the model's likeliest tokens are those of its word."""
    predictions = Predictions(model, tokenizer, text)
    for step, pattern in STEPS.items():
        for found in re.finditer(pattern, text):
            yield step, predictions.are_right(found.start(1) - 1, found.end(1))  # with the space, which may be a token of its own


def shares(model: Any, tokenizer: Any, condition: Condition, about: str = "") -> pd.DataFrame:
    """A row for each rewarded dimension, a column for each step. ``about`` stands before each game."""
    rows = []
    for dimension in DIMENSIONS:
        kwargs = {"rewarded_dimensions": (dimension,), **condition.env_kwargs}
        games = play_games("OddOneOutText-v0", num_episodes=GAMES, domain=SeedDomain.EVALUATION, **kwargs)
        found = pd.DataFrame([pair for game in games for pair in right_words(model, tokenizer, about + game_text(game, condition))])
        rows.append({"rewarded": dimension, **found.groupby(0, sort=False)[1].mean()})
    return pd.DataFrame(rows)


def main(args: Args) -> None:
    """Run the command."""
    tables = []
    for folder, training, condition, model, tokenizer in trained_models(args.results):
        table = shares(model, tokenizer, condition, description("OddOneOutText-v0") if training.get("instructions") else "")
        tables.append(table.assign(model=folder.model, seed=folder.seed))
    if not tables:
        raise SystemExit(f"error: --results: {str(args.results)!r} holds no model of texts with reasoning")
    made = with_new_runs(args.out, pd.concat(tables, ignore_index=True), run=("model", "seed"))
    made = made.sort_values(["model", "seed"], kind="stable").reindex(columns=["model", "seed", "rewarded", *STEPS])
    print(made.to_string(index=False, float_format="%.2f"))
    write_atomically(args.out, lambda path: made.to_csv(path, index=False))


if __name__ == "__main__":
    main(tyro.cli(Args))
