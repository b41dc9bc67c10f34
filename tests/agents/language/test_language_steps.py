"""Which steps of the reasoning a model gets right."""

from collections import Counter

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("scipy")
pytest.importorskip("stable_baselines3")

import torch

from agents.language.conditions import CONDITIONS
from agents.language.games import game_text
from agents.language.gpt import make_tokenizer
from gym_causal.transcripts import play_games
from tests.agents.language.knowing import knows
from tests.docs_scripts import load_script

script = load_script("make_language_steps")
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
        found = list(script.right_words(knows(ids), tokenizer, text))
        assert all(right for _, right in found)
        counts = Counter(name for name, _ in found)
        states = 3 * text.count("So far, ")
        assert (states > 0) == (belief_reasoning != "direct")
        expected = {"belief": text.count("must be "), "action": 3, "conclusion": 1, **in_test}
        assert counts == Counter(expected) + Counter(left=states)
        (shape,) = tokenizer(" shape")["input_ids"]
        wrong = {step for step, right in script.right_words(knows(ids, but_not=shape), tokenizer, text) if not right}
        assert wrong == {step for step in ("belief", "action", "conclusion") if counts[step]}
        failed.add(text.count("not rewarded"))
    assert len(failed) > 1  # what is rewarded is found out early or late
