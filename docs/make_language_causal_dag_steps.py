"""What language models take from a game of a causal DAG, where the expert has written all that comes before.

    python docs/make_language_causal_dag_steps.py --results results/causal_dag_text      # after the commands of docs/language_results.md

For models whose reasoning compares, in 200 games of the expert of each split that were not trained on, in the first choice of each (in the
second one the first can be copied): in which share the numbers that the reasoning repeats from experiments are the model's likeliest ones
(``numbers``), likewise the variable of which it says that it moved the goal most (``most``), and in which share the model would then set
that variable (``sets_it``), in ``choices`` choices. What concerns the held-out link, of D on E, is counted by itself. Prints the table and
writes it to docs/data/language/causal_dag_steps.csv, where the rows of these models replace earlier ones.
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
from agents.language.games import game_text
from agents.sweeps.tables import with_new_runs
from gym_causal.core.streams import SeedDomain
from gym_causal.files import write_atomically
from gym_causal.transcripts import play_games

DATA = Path(__file__).parent / "data" / "language" / "causal_dag_steps.csv"
NUMBER = re.compile(r"(?:Set (\w+) to [+-]\d+: (\w+)|(\w+) at [+-]\d+ moved (\w+) by) (?P<number>[+-]\d+\.\d)")
CHOICE = re.compile(r"So (?P<most>\w+) moved (?P<goal>\w+) most\. I set (?P<target>\w+)")
REASONING = re.compile(r"^Reasoning: The goal is .*$", re.MULTILINE)
HELD_OUT = ("D", "E")
GAMES = 200


@dataclass(frozen=True)
class Args:
    """Count which steps of the reasoning about causal DAGs language models get right."""

    results: Path
    """Folder of the models' folders."""
    out: Path = DATA
    """The CSV."""


def steps(model: Any, tokenizer: Any, text: str) -> Iterator[tuple[str, str, bool]]:
    """Each step of a text's first choice: its name, "held out" or "other", and whether the model would have written what stands there."""
    reasoning = REASONING.search(text)
    assert reasoning is not None, "the text has a choice with reasoning"
    predictions = Predictions(model, tokenizer, text)
    for found in NUMBER.finditer(text, *reasoning.span()):
        cause, effect = [name for name in found.groups()[:-1] if name]
        yield "numbers", _link(cause, effect), predictions.are_right(*found.span("number"))
    if choice := CHOICE.search(text, *reasoning.span()):
        link = _link(choice["most"], choice["goal"])
        yield "most", link, predictions.is_right(choice.start("most"))
        # Not what the expert sets, who knows the model, but what the reasoning says.
        yield "sets_it", link, predictions.word(choice.start("target")) == choice["most"]


def _link(cause: str, effect: str) -> str:
    return "held out" if (cause, effect) == HELD_OUT else "other"


def shares(model: Any, tokenizer: Any, condition: Condition, split: str, env_kwargs: dict[str, Any]) -> pd.DataFrame:
    """A row for each kind of link, a column for each step, and the number of choices."""
    kwargs = {**env_kwargs, **condition.env_kwargs, "split": split}
    games = play_games("CausalDAGText-v0", num_episodes=GAMES, domain=SeedDomain.EVALUATION, **kwargs)
    found = [step for game in games for step in steps(model, tokenizer, game_text(game, condition))]
    grouped = pd.DataFrame(found, columns=["step", "link", "right"]).groupby(["link", "step"])["right"]
    counts = grouped.size().unstack()["most"].rename("choices")
    return grouped.mean().unstack().join(counts).reset_index()


def main(args: Args) -> None:
    """Run the command."""
    tables = []
    for folder, training, condition, model, tokenizer in trained_models(args.results):
        if condition.env_kwargs.get("target_reasoning") == "comparisons":
            for split in ("train", "eval_target", "eval_path"):
                table = shares(model, tokenizer, condition, split, training["env_kwargs"])
                tables.append(table.assign(policy=folder.model, seed_of_training=folder.seed, split=split))
    if not tables:
        raise SystemExit(f"error: --results: {str(args.results)!r} holds no model whose reasoning compares")
    made = with_new_runs(args.out, pd.concat(tables, ignore_index=True)).sort_values(["policy", "seed_of_training"], kind="stable")
    made = made[["policy", "seed_of_training", "split", "link", "numbers", "most", "choices", "sets_it"]]
    print(made.to_string(index=False, float_format="%.3f"))
    write_atomically(args.out, lambda path: made.to_csv(path, index=False, float_format="%.4f"))


if __name__ == "__main__":
    main(tyro.cli(Args))
