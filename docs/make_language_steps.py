"""Which step of the reasoning models that are trained on game texts get right, where the expert has written all that comes before.

    python docs/make_language_steps.py --results results/language_models      # after the commands of docs/language_results.md

For each model and each rewarded dimension, in 200 games of the expert that were not trained on: how often the likeliest next word is the
expert's at each step (STEPS). Of what the reasoning says of each dimension after an experiment ("color is ruled out"), also by its place
in the sentence and whether it was tried last. Prints the tables and writes them to steps.csv and states.csv in docs/data/language, where
the rows of these models replace earlier ones; the table of steps in docs/language_analysis.md is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import tyro
from language_predictions import Predictions, TrainedModel, trained_models
from page_tables import Tables, markdown, write_tables

from agents.data.csv_rows import write_rows
from agents.language.games import description, game_text
from agents.sweeps.tables import with_new_runs
from gym_causal.core.streams import SeedDomain
from gym_causal.transcripts import play_games

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "data" / "language" / "steps.csv", DOCS / "language_analysis.md"
STATES_DATA = DATA.with_name("states.csv")
STATE = re.compile(r"(?P<dimension>\w+) (?P<state>is left|is ruled out|was rewarded)")
TRIED = re.compile(r"into a different (\w+)")
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
"""Step -> where its word stands.

Not all are in the texts of all conditions. "left" (what is left or ruled out) is said under "reasoning_explicit", "reasoning_searched" and
"reasoning_judged", and with what was rewarded under "reasoning_evidence". Values are listed under conditions such as "reasoning_listed",
and compared under "reasoning_compared"; under "reasoning_described" and the four first named this is done in several dimensions, with what
is unique in each. "counts" (whether a dimension does) is said under "reasoning_searched" and "reasoning_judged", and "choice" under the
latter (with or without "_direct") and "reasoning_evidence"."""
SHOWN = ("belief", "action", "conclusion", "values", "comparison", "object")
"""Steps that the table of the page has."""
DIMENSIONS, HELD_OUT = ("color", "shape", "texture"), "texture"
GAMES, GAMES_OF_ORDER = 200, 60  # of each rewarded dimension
MODEL = ("model", "seed")


@dataclass(frozen=True)
class Args:
    """Count which steps of the reasoning language models get right."""

    results: Path
    """Folder of the models' folders."""


class State(NamedTuple):
    """What the reasoning says of a dimension after an experiment: that it is left, ruled out or was rewarded."""

    place: int  # in the sentence, from 1
    dimension: str
    state: str
    tried_last: bool
    is_right: bool


def right_words(predictions: Predictions, text: str) -> Iterator[tuple[str, bool]]:
    """Each step of a text, and whether the model's likeliest tokens are those of its word."""
    for step, pattern in STEPS.items():
        for found in re.finditer(pattern, text):
            yield step, _is_right(predictions, *found.span(1))


def states_of(predictions: Predictions, text: str) -> Iterator[State]:
    """What is said of each dimension after an experiment."""
    for sentence in re.finditer(r"So far, [^.]*\.", text):
        for place, found in enumerate(STATE.finditer(text, *sentence.span()), start=1):
            if tried := TRIED.findall(text[: sentence.start()]):
                is_right = _is_right(predictions, *found.span("state"))
                yield State(place, found["dimension"], found["state"], found["dimension"] == tried[-1], is_right)


def _is_right(predictions: Predictions, start: int, end: int) -> bool:
    return predictions.are_right(start - 1, end)  # with the space, which may be a token of its own


def predicted(model: TrainedModel, names: Sequence[str], rewarded: str, count: int) -> Iterator[tuple[Predictions, str]]:
    """A model's predictions in games of the expert, and the texts of these."""
    kwargs = {"dimension_names": names, "rewarded_dimensions": (rewarded,), **model.condition.env_kwargs}
    about = description("OddOneOutText-v0", dimension_names=names) if model.training.get("instructions") else ""
    for game in play_games("OddOneOutText-v0", num_episodes=count, domain=SeedDomain.EVALUATION, **kwargs):
        text = about + game_text(game, model.condition)
        yield Predictions(model.model, model.tokenizer, text), text


def steps(model: TrainedModel) -> pd.DataFrame:
    """A row for each rewarded dimension, a column for each step: the share of right words."""
    rows = []
    for rewarded in DIMENSIONS:
        found = pd.DataFrame([pair for game in predicted(model, DIMENSIONS, rewarded, GAMES) for pair in right_words(*game)])
        rows.append({"rewarded": rewarded, **found.groupby(0, sort=False)[1].mean()})
    return pd.DataFrame(rows).reindex(columns=["rewarded", *STEPS])


def states(model: TrainedModel) -> pd.DataFrame:
    """Of what is said of a dimension after an experiment: how often it is said and the share of right words.

    The dimensions of these games stand in each of three orders, so that each stands in each place.
    """
    orders = [[*DIMENSIONS[first:], *DIMENSIONS[:first]] for first in range(len(DIMENSIONS))]
    games = (game for names in orders for rewarded in DIMENSIONS for game in predicted(model, names, rewarded, GAMES_OF_ORDER))
    found = pd.DataFrame([state for game in games for state in states_of(*game)], columns=list(State._fields))
    return found.groupby(list(State._fields[:-1]))["is_right"].agg(said="size", right="mean").reset_index()


def table(rows: pd.DataFrame) -> str:
    """The share of right words at the steps that are shown: two rows for each model, of included and of held-out dimensions."""
    lines = []
    for (model, seed), each in rows.groupby([*MODEL], sort=False):
        held_out = each["rewarded"] == HELD_OUT
        included = ", ".join(name for name in DIMENSIONS if name != HELD_OUT)
        for title, part in ((included, each[~held_out]), (f"{HELD_OUT} (held out)", each[held_out])):
            shares = ("" if pd.isna(share) else f"{share:.2f}" for share in part[list(SHOWN)].mean())
            lines.append([f"`{model}`, seed {seed}", title, *shares])
    return markdown(["Texts", "Rewarded", *SHOWN], lines)


def tables(rows: pd.DataFrame) -> Tables:
    """The table of the page."""
    return {"language_steps": partial(table, rows)}


def main(args: Args) -> None:
    """Run the command."""
    counted: dict[Path, list[pd.DataFrame]] = {DATA: [], STATES_DATA: []}
    for model in trained_models(args.results):
        counts = {DATA: steps(model)}
        if counts[DATA]["left"].notna().any():
            counts[STATES_DATA] = states(model)
        for path, found in counts.items():
            counted[path].append(found.assign(model=model.folder.model, seed=model.folder.seed))
    if not counted[DATA]:
        raise SystemExit(f"error: --results: {str(args.results)!r} holds no model of texts with reasoning")
    for path, made in counted.items():
        if made:
            rows = with_new_runs(path, pd.concat(made, ignore_index=True), run=MODEL).sort_values([*MODEL], kind="stable")
            rows = rows[[*MODEL, *rows.columns.difference(MODEL, sort=False)]]
            print(rows.to_string(index=False, float_format="%.2f"), end="\n\n")
            write_rows(path, rows)
            if path == DATA:
                write_tables(PAGE, tables(rows))


if __name__ == "__main__":
    main(tyro.cli(Args))
