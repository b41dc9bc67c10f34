"""A language model as a policy, with a scripted model whose answers are known."""

import numpy as np
import pytest

import gym_causal
from agents.language.conditions import CONDITIONS
from agents.language.games import HEADING, game_text
from agents.language.player import LanguagePlayer, PlayOptions
from tests.agents.language.scripted import ScriptedModel, reads_explanations

ENV = "OddOneOutText-v0"
PROMPT = "An example.\n\n"


def play(model, condition="none", games=6, **options):
    played = {}
    player = LanguagePlayer(model, PROMPT, CONDITIONS[condition], PlayOptions(**options), games, played.__setitem__)
    return gym_causal.evaluate(player, ENV, num_episodes=games, seed=1), played


def test_the_likeliest_admissible_sentence_is_played():
    """A model that scores by the game's own logic plays as well as the expert."""
    result, games = play(ScriptedModel(reads_explanations), games=40)
    expert = gym_causal.evaluate("expert", ENV, num_episodes=40, seed=1)
    assert result.test_correct_rate.mean == expert.test_correct_rate.mean == 1
    assert result.informative_experiment_rate.mean == 1 and result.invalid_answer_rate.mean == 0
    assert sorted(games) == list(range(40)) and all(len(game.turns) == 4 for game in games.values())


def test_what_the_model_reads():
    model = ScriptedModel(lambda context, continuation: float(continuation == "I transform object B into a different shape"))
    _, games = play(model, games=2)
    context, continuation = model.scored[0]
    assert context.startswith(f"{PROMPT}{HEADING}There are three objects in front of me:\nA) ") and context.endswith("\n")
    assert continuation == "I transform object A into a different color"
    contexts = list(dict.fromkeys(context for context, _ in model.scored))
    assert len(contexts) == 2 * 4 and len(model.scored) == 2 * (3 * 9 + 3)
    for game in games.values():
        text = PROMPT + game_text(game, CONDITIONS["none"])
        assert sum(text.startswith(context) for context in contexts) == 4
        assert text.count("I transform object B into a different shape: ") == 3


def test_explanations_are_the_model_s_own():
    def write(context):
        return " I wonder." if context.endswith("Reasoning:") else " Outcome explanation: I see."  # a label is not repeated

    model = ScriptedModel(write=write)
    _, games = play(model, "both", games=3)
    assert {request.stop for request in model.written} == {"\n"}
    assert sum(request.context.endswith("\nReasoning:") for request in model.written) == 3 * 4
    assert sum(request.context.endswith("\nOutcome explanation:") for request in model.written) == 3 * 3  # not of the last: nothing follows
    turns = games[0].turns
    assert [turn.reasoning for turn in turns] == ["I wonder."] * 4
    assert [turn.outcome_explanation for turn in turns] == ["I see."] * 3 + [""]
    last = max((context for context, _ in model.scored), key=len)
    assert last.count("Reasoning: I wonder.\n") == 4 and last.count("Outcome explanation: I see.\n") == 3


def test_explanations_of_the_environment_hold_what_can_be_inferred():
    model = ScriptedModel()
    _, games = play(model, "outcome", environment_explains=True)
    assert not model.written
    explanations = [turn.outcome_explanation for game in games.values() for turn in game.turns]
    assert any(explanations)
    assert all(not text or text.startswith(("The rewarding dimension must", "I was rewarded for")) for text in explanations)
    last = max((context for context, _ in model.scored), key=len)
    assert "Outcome explanation: The rewarding dimension must not be color.\n" in "".join(context for context, _ in model.scored)
    assert last.count("Outcome explanation: ") == 3


def test_the_expert_can_begin_the_reasoning_with_what_it_concludes():
    """The beginning names the rewarded dimension where the expert knows it, and nothing that gives the object away."""

    def write(context):
        return ", so." if context.endswith(("color", "shape", "texture")) else " I wonder."

    model = ScriptedModel(reads_explanations, write)
    _, games = play(model, "reasoning", games=12, expert_concludes=True)
    last = [game.turns[-1].reasoning for game in games.values()]
    assert {text.split(" unique ")[1] for text in last} == {f"{name}, so." for name in ("color", "shape", "texture")}
    assert all(text.startswith("Let's think step by step. In this game, I am rewarded for unique ") for text in last)
    assert all(game.turns[0].reasoning == "I wonder." for game in games.values())  # nothing is known yet
    for game in games.values():
        for before, turn in zip(game.turns[:-2], game.turns[1:-1], strict=True):
            if "was rewarded!" in before.outcome:
                assert turn.reasoning.startswith("Let's think step by step. The rewarding dimension must be ")
    assert all(request.context.endswith(("color", "shape", "texture", "Reasoning:")) for request in model.written)


def test_scores_divided_by_lengths():
    def score(context, continuation):  # 45 characters with "texture", 43 with the other two: 310 / 45 < 300 / 43
        return -310.0 if continuation.endswith("texture") else -300.0

    for normalize_length in (False, True):
        _, games = play(ScriptedModel(score), games=1, normalize_length=normalize_length)
        assert ("texture" in games[0].turns[0].action) == normalize_length


def test_generated_answers_are_parsed_and_invalid_ones_counted():
    def write(context):
        return "Well: i choose object b." if context.count("There are three objects") == 4 else "I transform object D"

    model = ScriptedModel(write=write)
    result, games = play(model, answers="generate", games=8)
    assert not model.scored and len(model.written) == 8 * 4
    assert result.invalid_answer_rate.mean == 3 / 4  # all experiments
    assert all(game.turns[-1].action == "I choose object B" for game in games.values())
    experiments = [turn.action for game in games.values() for turn in game.turns[:3]]
    assert len(set(experiments)) > 1 and all(action.startswith("I transform object") for action in experiments)
    again, _ = play(ScriptedModel(write=write), answers="generate", games=8)
    assert again == result


@pytest.mark.parametrize("games", [1, 3, 5])
def test_results_do_not_depend_on_how_many_games_are_played_at_once(games):
    def score(context, continuation):  # any function of the text
        return float(hash_of(context + continuation))

    def hash_of(text):
        return sum(ord(letter) * (i % 7) for i, letter in enumerate(text)) % 101

    _, few = play(ScriptedModel(score), games=games)
    _, many = play(ScriptedModel(score), games=9)
    assert few == {number: many[number] for number in range(games)}


def test_a_metric_of_the_policy_is_added_to_the_results():
    result, _ = play(ScriptedModel())
    assert {"reward", "test_correct_rate", "invalid_answer_rate"} <= set(result.metrics)
    assert np.isfinite(result.invalid_answer_rate.mean)
