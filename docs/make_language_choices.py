"""What models that are trained on game texts go by in the test trial, counted in their games.

    python docs/make_language_choices.py --results results/language_models      # after the commands of docs/language_results.md

In the games in which an experiment was rewarded, for each model: in which share the chosen object is unique in each dimension, by the
rewarded dimension (choices.csv); in which share each object is chosen, by the one that would have been right (places.csv). And of games of
each split (conclusions.csv): in which share an experiment was rewarded, in which share the reasoning about the test trial then names the
rewarded dimension (or goes by it), and how many of the latter end with the right choice. Of what the reasoning says about objects in each
dimension (descriptions.csv): which shares are true. Prints the tables and writes them to docs/data/language, where the rows of these models
replace earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import tyro
from language_model_folders import model_folders

from agents.data.csv_rows import write_rows
from agents.language.pages import TRANSCRIPTS, read_transcripts
from agents.sweeps.tables import with_new_runs
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, LETTERS

DATA = Path(__file__).parent / "data" / "language"
OBJECT = re.compile(r"^[A-Z]\) (.*)$", re.MULTILINE)
CHOICE = re.compile(r"I choose object ([A-Z])")
CONCLUSION = re.compile(r"I am rewarded for unique (\w+)|(\w+) (?:was rewarded|is left), so I go for")
DESCRIPTION = re.compile(
    r"(?:In (?P<dimension>\w+),|I am rewarded for unique (?P<concluded>\w+)\.) "
    r"A\) (?P<A>\w+), B\) (?P<B>\w+)(?P<B_is> like A| unlike A|), C\) (?P<C>\w+)(?P<C_is> like A| unlike A|)"
    r"(?:, so \w has a unique \w+, and \w+ (?P<counts>counts|does not count))?"
)
REWARDED = re.compile(r"into a different (\w+): \w+\.\nChoosing object [A-Z] was rewarded!")


@dataclass(frozen=True)
class Args:
    """Count what language models go by in the test trial."""

    results: Path
    """Folder of the models' folders."""
    out: Path = DATA
    """Folder of the CSVs."""


class Choice(NamedTuple):
    """In the test trial of a game. If no experiment was rewarded, it is not known which dimension is: ``rewarded`` and ``right`` are ""."""

    split: str
    rewarded: str  # the dimension
    said: str  # the dimension that the reasoning says is rewarded, or goes by; "" if it says none
    unique_in: str  # the dimension in which the chosen object is unique
    right: str  # letter of the object that is unique in the rewarded dimension
    chosen: str  # letter of the chosen object


class Description(NamedTuple):
    """What the reasoning about the test trial says of the objects in a dimension: which shares are true. NaN: nothing is said of it."""

    split: str
    dimension: str
    values: float  # of A, B and C
    compared: float  # that B is like A or unlike A, and the same of C
    counts: float  # that the dimension counts or does not; NaN if no experiment was rewarded


class TestTrial(NamedTuple):
    """The test trial of a game, and what is known by then."""

    split: str
    rewarded: str  # the dimension; "" if no experiment was rewarded
    values: dict[str, tuple[str, ...]]  # dimension -> the values of A, B, C
    reasoning: str
    chosen: str


def read_trials(folder: Path) -> Iterator[TestTrial]:
    """The test trials in the games of a folder."""
    for (_, split), games in read_transcripts(folder).items():
        for text in games:
            if choice := CHOICE.search(text):
                text = text[: choice.start()]
                *_, a, b, c = OBJECT.finditer(text)
                values = dict(zip(DIMENSIONS, zip(*(each[1].split() for each in (a, b, c)), strict=True), strict=False))
                yield TestTrial(split, _first(REWARDED, text), values, text[c.end() :], choice[1])


def choice_of(trial: TestTrial) -> Choice:
    """What is chosen in a test trial."""
    unique = {  # dimension -> letter of the object that is unique in it
        dimension: LETTERS[next(place for place, word in enumerate(words) if words.count(word) == 1)]
        for dimension, words in trial.values.items()
    }
    (unique_in,) = (dimension for dimension, letter in unique.items() if letter == trial.chosen)
    said, right = _first(CONCLUSION, trial.reasoning), unique.get(trial.rewarded, "")
    return Choice(trial.split, trial.rewarded, said, unique_in, right, trial.chosen)


def descriptions_of(trial: TestTrial) -> Iterator[Description]:
    """What is said of the objects in a test trial, for each dimension that is described."""
    for found in DESCRIPTION.finditer(trial.reasoning):
        dimension = found["dimension"] or found["concluded"]
        if true := trial.values.get(dimension):
            values = [found[letter] == word for letter, word in zip("ABC", true, strict=True)]
            is_like = {place: found[f"{letter}_is"] == " like A" for place, letter in ((1, "B"), (2, "C")) if found[f"{letter}_is"]}
            compared = [said == (true[place] == true[0]) for place, said in is_like.items()]
            counts = [(found["counts"] == "counts") == (dimension == trial.rewarded)] if found["counts"] and trial.rewarded else []
            yield Description(trial.split, dimension, *(float(np.mean(each)) if each else np.nan for each in (values, compared, counts)))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[found.lastindex] if found else ""


def conclusions(choices: pd.DataFrame) -> pd.DataFrame:
    """Of the games of each model and split: the share in which an experiment was rewarded ("found_out"), in which the reasoning then says
    so ("concluded"), and of the latter the share with the right choice ("right_if_concluded")."""
    found_out = choices["rewarded"] != ""
    concluded = found_out & (choices["said"] == choices["rewarded"])
    right = (choices["right"] == choices["chosen"]).astype(float).where(concluded)
    columns = choices[["model", "games", "seed", "split"]].assign(found_out=found_out, concluded=concluded, right_if_concluded=right)
    return columns.groupby(["model", "games", "seed", "split"], as_index=False).mean()


def shares(choices: pd.DataFrame, given: str, of: str) -> pd.DataFrame:
    """In which share of games each value of a column was chosen, for each model, split and value of another column."""
    counts = choices.pivot_table(index=["model", "games", "seed", "split", given], columns=of, aggfunc="size", fill_value=0)
    return counts.div(counts.sum(axis=1), axis=0).reset_index()


def descriptions_by_dimension(descriptions: pd.DataFrame) -> pd.DataFrame:
    """The true shares of each model, split and described dimension, and the number of descriptions."""
    by_dimension = descriptions.groupby(["model", "games", "seed", "split", "dimension"])
    return by_dimension[["values", "compared", "counts"]].mean().assign(descriptions=by_dimension.size()).reset_index()


def main(args: Args) -> None:
    """Run the command."""
    chosen, described = [], []
    for path, model, seed in model_folders(args.results, f"evaluation/{TRANSCRIPTS}"):
        for kind in ("evaluation", "concluded"):
            if (path / kind / TRANSCRIPTS).exists():
                about, trials = {"model": model, "seed": seed, "games": kind}, list(read_trials(path / kind))
                chosen.append(pd.DataFrame(map(choice_of, trials), columns=list(Choice._fields)).assign(**about))
                descriptions = [description for trial in trials for description in descriptions_of(trial)]
                described.append(pd.DataFrame(descriptions, columns=list(Description._fields)).assign(**about))
    made = pd.concat(chosen, ignore_index=True)
    args.out.mkdir(parents=True, exist_ok=True)
    found_out = made[made["rewarded"] != ""]
    tables = {
        "choices": shares(found_out, "rewarded", "unique_in"),
        "places": shares(found_out, "right", "chosen"),
        "conclusions": conclusions(made),
        "descriptions": descriptions_by_dimension(pd.concat(described, ignore_index=True)),
    }
    for name, of_models in tables.items():
        if of_models.empty:  # no model describes objects
            continue
        path = args.out / f"{name}.csv"
        table = with_new_runs(path, of_models, run=("model", "seed")).sort_values(["model", "games", "seed"], kind="stable")
        print(table.to_string(index=False, float_format="%.2f"), end="\n\n")
        write_rows(path, table)


if __name__ == "__main__":
    main(tyro.cli(Args))
