"""Which steps of the reasoning a model gets right."""

import itertools
from collections import Counter

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("scipy")
pytest.importorskip("stable_baselines3")

import torch

from agents.language.conditions import CONDITIONS
from agents.language.games import game_text
from agents.language.gpt import make_tokenizer
from gym_causal.core.streams import SeedDomain
from gym_causal.transcripts import play_games
from tests.agents.language.knowing import knows
from tests.docs_scripts import load_script, page_tables

script = load_script("make_language_steps")
Predictions, ModelFolder = script.Predictions, load_script("language_model_folders").ModelFolder
CONDITION = CONDITIONS["reasoning_compared"]


@pytest.mark.parametrize(
    ("belief_reasoning", "target_reasoning", "in_test"),
    [
        ("direct", "comparisons", {"values": 3, "comparison": 2, "object": 1}),
        ("descriptions", "descriptions", {"values": 12, "comparison": 8, "unique": 4, "object": 1}),
        ("direct", "search", {"values": 6, "comparison": 4, "unique": 2, "counts": 2}),  # color, then shape
        ("descriptions", "judgements", {"values": 9, "comparison": 6, "unique": 3, "counts": 3, "choice": 1}),
        ("evidence", "evidence", {"values": 9, "comparison": 6, "unique": 3, "left": 3, "conclusion": 0, "choice": 1}),
    ],
)
def test_each_step_is_found_and_compared_with_the_next_token(belief_reasoning, target_reasoning, in_test):
    how = {"belief_reasoning": belief_reasoning, "target_reasoning": target_reasoning}
    games = play_games("OddOneOutText-v0", num_episodes=40, rewarded_dimensions=("shape",), **how)
    texts = [game_text(game, CONDITION) for game in games]
    tokenizer = make_tokenizer(texts)
    failed = set()
    for text in texts:
        ids = torch.tensor(tokenizer(text)["input_ids"])
        found = list(script.right_words(script.Predictions(knows(ids), tokenizer, text), text))
        assert all(right for _, right in found)
        counts = Counter(name for name, _ in found)
        states = 3 * text.count("So far, ")
        assert (states > 0) == (belief_reasoning != "direct")
        expected = {"belief": text.count("must be "), "action": 3, "conclusion": 1, **in_test}
        assert counts == Counter(expected) + Counter(left=states)
        (shape,) = tokenizer(" shape")["input_ids"]
        predictions = script.Predictions(knows(ids, but_not=shape), tokenizer, text)
        wrong = {step for step, right in script.right_words(predictions, text) if not right}
        assert wrong == {step for step in ("belief", "action", "conclusion") if counts[step]}
        failed.add(text.count("not rewarded"))
    assert len(failed) > 1  # what is rewarded is found out early or late


def test_what_is_said_of_a_dimension_is_counted_in_each_place(monkeypatch):
    """By a model that knows all words but "ruled"."""
    monkeypatch.setattr(script, "GAMES_OF_ORDER", 12)
    condition = CONDITIONS["reasoning_judged"]
    kwargs = {"num_episodes": 12, "domain": SeedDomain.EVALUATION, **condition.env_kwargs}
    tokenizer = make_tokenizer([game_text(game, condition) for game in play_games("OddOneOutText-v0", **kwargs)])
    (ruled,) = tokenizer(" ruled")["input_ids"]
    monkeypatch.setattr(script, "Predictions", lambda ids, tokenizer, text: Predictions(knows(ids(text), but_not=ruled), tokenizer, text))
    model = script.TrainedModel(ModelFolder("", "", 0), {}, condition, lambda text: torch.tensor(tokenizer(text)["input_ids"]), tokenizer)
    table = script.states(model)
    assert set(zip(table["place"], table["dimension"], strict=True)) == set(itertools.product((1, 2, 3), script.DIMENSIONS))
    assert ((table["right"] == 1) == (table["state"] == "is left")).all() and set(table["right"]) == {0, 1}
    assert set(table[table["tried_last"]]["state"]) == {"is ruled out"}  # states are said as long as nothing was rewarded
    assert table.groupby("place")["said"].sum().nunique() == 1  # every sentence is about all dimensions


def test_the_table_is_current():
    page = script.PAGE.read_text("utf-8")
    assert "language_steps" in page_tables.table_names(page)
    assert page_tables.with_tables(page, script.tables(pd.read_csv(script.DATA))) == page, "run python docs/make_language_steps.py"


def test_a_model_has_a_row_of_what_is_included_and_one_of_what_is_held_out():
    shares = {"color": 0.9, "shape": 0.8, "texture": 0.3}
    of_steps = dict.fromkeys(script.STEPS, 1.0)
    rows = [{"model": "reasoning", "seed": 2, "rewarded": name, **of_steps, "belief": share} for name, share in shares.items()]
    rows = pd.DataFrame(rows).assign(values=float("nan"))
    assert script.table(rows).splitlines()[2:] == [
        "| `reasoning`, seed 2 | color, shape | 0.85 | 1.00 | 1.00 |  | 1.00 | 1.00 |",
        "| `reasoning`, seed 2 | texture (held out) | 0.30 | 1.00 | 1.00 |  | 1.00 | 1.00 |",
    ]
