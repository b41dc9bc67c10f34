"""What models take from games of a causal DAG in which they read what the expert wrote."""

import re

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

script = load_script("make_language_causal_dag_steps")
CONDITION = CONDITIONS["reasoning_compared"]


@pytest.mark.parametrize("outcomes", ["changes", "effects"])
def test_the_first_choice_is_read_step_by_step(outcomes):
    games = play_games("CausalDAGText-v0", num_episodes=30, split="eval_target", outcomes=outcomes, **CONDITION.env_kwargs)
    texts = [game_text(game, CONDITION) for game in games]
    tokenizer = make_tokenizer(texts)
    choices, not_followed = 0, 0
    for text in texts:
        ids = torch.tensor(tokenizer(text)["input_ids"])
        most, target = re.search(r"So (\w) moved E most\. I set (\w)", text).groups()
        link = "held out" if most == "D" else "other"
        found = list(script.steps(knows(ids), tokenizer, text))
        numbers = [("numbers", "held out" if name == "D" else "other", True) for name in "ABCD"]  # the four that are not the goal
        # A model that repeats the expert sets what the expert sets, whether or not the reasoning says that.
        assert found == [*numbers, ("most", link, True), ("sets_it", link, target == most)]
        choices, not_followed = choices + 1, not_followed + (target != most)
        (digit,) = tokenizer.encode("5")
        wrong = [right for step, _, right in script.steps(knows(ids, but_not=digit), tokenizer, text) if step == "numbers"]
        said = re.findall(r"E (?:by )?([+-]\d+\.\d)", re.search("Reasoning: The goal is .*", text)[0])[:4]
        assert wrong == ["5" not in number for number in said]
    assert choices == 30 and 0 < not_followed < 30


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"--results: .* holds no MODEL/seed_S/config\.json"):
        script.main(script.Args(results=tmp_path))
