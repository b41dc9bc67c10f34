"""Games as parts of prompts and training texts: the four conditions, and the control with explanations of other games."""

from pathlib import Path

import pytest

from agents.language.conditions import CONDITIONS, FOUR_CONDITIONS
from agents.language.games import game_text, join_games, shuffle_explanations
from gym_causal.transcripts import Game, Turn, play_games

TASKS = ("OddOneOutText-v0", "CausalDAGText-v0")
GAME = Game(
    (
        Turn("Objects:\n", "I try color.", "I transform A", ": red.\nIt was rewarded!\n", "It must be color.", True),
        Turn("\nObjects:\n", "", "I choose A", ".\nIt was not rewarded.\n", ""),
    )
)


def test_the_four_conditions_of_a_game():
    start, first = "New game.\nObjects:\n", "I transform A: red.\nIt was rewarded!\n"
    rest = "\nObjects:\nI choose A.\nIt was not rewarded.\n"
    reasoning, outcome = "Reasoning: I try color.\n", "Outcome explanation: It must be color.\n"
    assert {name: game_text(GAME, CONDITIONS[name]) for name in FOUR_CONDITIONS} == {
        "none": start + first + rest,
        "outcome": start + first + outcome + rest,
        "reasoning": start + reasoning + first + rest,
        "both": start + reasoning + first + outcome + rest,
    }
    assert join_games(["one\n", "two\n"]) == "one\n\ntwo\n\n"


@pytest.mark.parametrize("env_id", TASKS)
def test_shuffled_explanations_are_those_of_other_games_at_the_same_place(env_id):
    games = play_games(env_id, num_episodes=12)
    shuffled = shuffle_explanations(games[:4], games[4:])
    none = CONDITIONS["none"]
    assert [game_text(game, none) for game in shuffled] == [game_text(game, none) for game in games[:4]]
    for place in range(len(games[0].turns)):
        reasoning = {game.turns[place].reasoning for game in games[4:]}
        outcomes = {(game.turns[place].outcome_explanation, game.turns[place].rewarded) for game in games[4:]}
        for game in shuffled:
            turn = game.turns[place]
            assert turn.reasoning in reasoning and (turn.outcome_explanation, turn.rewarded) in outcomes
    changed = [a != b for a, b in zip(games[:4], shuffled, strict=True)]
    assert all(changed)


def test_no_donor_has_such_an_explanation():
    with pytest.raises(ValueError, match="donors must have an explanation of each kind"):
        shuffle_explanations([GAME], [Game(GAME.turns[1:])])


def test_the_documentation_shows_a_game_under_each_condition():
    page = (Path(__file__).parents[3] / "docs" / "language_models.md").read_text("utf-8")
    (game,) = play_games("OddOneOutText-v0", rewarded_dimensions=("color", "shape"))
    for name in FOUR_CONDITIONS:
        assert f"```text\n{game_text(game, CONDITIONS[name])}```" in page
