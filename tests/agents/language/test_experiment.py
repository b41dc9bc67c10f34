"""Which games are examples, which select a prompt and which are evaluated; and that nothing held out is rewarded before it is tested."""

import dataclasses
import re

import numpy as np
import pytest

from agents.language.conditions import CONDITIONS, FOUR_CONDITIONS
from agents.language.experiment import HELD_OUT, INCLUDED, Experiment, effort
from agents.language.request_log import LoggedModel, RequestLog
from gym_causal.core.streams import SeedDomain
from gym_causal.registry import make_task
from gym_causal.transcripts import play_games
from tests.agents.language.scripted import ScriptedModel, reads_explanations

EXPERIMENT = Experiment(env_id="OddOneOutText-v0", games=12, prompts=3, selection_games=5, shots=2, seed=4)
ALL = tuple(CONDITIONS)


def played(experiment, condition, model):
    """Every game that is played: those of the selection without their kinds, and by split."""
    games = {}
    selected = experiment.select_prompt(CONDITIONS[condition], lambda _: model)
    results = experiment.evaluate(
        CONDITIONS[condition], selected.text, lambda _: model, lambda name, split, number, game: games.setdefault(split, []).append(game)
    )
    return selected, results, games


def test_two_dimensions_are_included_and_one_is_held_out():
    assert EXPERIMENT.splits == {INCLUDED: {"rewarded_dimensions": ("color", "shape")}, HELD_OUT: {"rewarded_dimensions": ("texture",)}}
    other = dataclasses.replace(EXPERIMENT, held_out="color", env_kwargs={"num_dimensions": 4})
    assert other.splits[HELD_OUT] == {"num_dimensions": 4, "rewarded_dimensions": ("color",)}
    assert len(other.splits[INCLUDED]["rewarded_dimensions"]) == 3
    two = dataclasses.replace(other, env_kwargs={"num_dimensions": 4, "rewarded_dimensions": ("shape", "texture")})
    assert two.included_kwargs["rewarded_dimensions"] == ("shape", "texture")


def test_a_task_without_dimensions_is_played_on_its_own_splits():
    splits = Experiment(env_id="CausalDAGText-v0").splits
    assert next(iter(splits)) == "train" and splits["eval_path"] == {"split": "eval_path"}


def test_no_evaluated_game_is_among_the_examples_or_the_selection_games():
    """The three kinds of games are of disjoint seed domains; with as many games as here no two would be alike by chance."""
    games = {
        domain: play_games("OddOneOutText-v0", num_episodes=400, seed=4, domain=domain)
        for domain in (SeedDomain.SHOTS, SeedDomain.PROMPT_SELECTION, SeedDomain.EVALUATION)
    }
    shown = [{"".join(turn.prompt for turn in game.turns) for game in of_domain} for of_domain in games.values()]
    assert not shown[0] & shown[1] and not shown[0] & shown[2] and not shown[1] & shown[2]
    model = ScriptedModel(reads_explanations)
    selected, _, evaluated = played(EXPERIMENT, "none", model)
    shots = [games for name in ALL for games in EXPERIMENT.shot_games(CONDITIONS[name])]
    examples = {game.turns[-1].prompt for games in shots for game in games}
    tests = {game.turns[-1].prompt for games in evaluated.values() for game in games}
    assert examples and not examples & tests
    assert not any(test in selected.text for test in tests)


@pytest.mark.parametrize("held_out", ["color", "texture"])
def test_nothing_of_the_held_out_dimension_is_rewarded_in_prompt_or_selection(held_out):
    experiment = dataclasses.replace(EXPERIMENT, held_out=held_out)
    for name in ALL:
        for prompt in experiment.candidate_prompts(CONDITIONS[name]):
            assert f"must be {held_out}" not in prompt and f"for unique {held_out}" not in prompt
            rewarded = [line for line in prompt.split("I transform")[1:] if "rewarded!" in line.split("\n")[1]]
            assert not any(held_out in line.split(":")[0] for line in rewarded)
    for domain in (SeedDomain.SHOTS, SeedDomain.PROMPT_SELECTION):
        task = make_task(experiment.env_id, 200, **experiment.included_kwargs)
        task.seed(experiment.seed, domain)
        task.begin(np.arange(200), np.arange(200))
        rewarded = {task.config.dimensions[dimension] for dimension in task.infos(text=False)["rewarded_dimension"]}
        assert rewarded == set(task.config.dimensions) - {held_out}


def test_without_held_out_no_experiment_is_on_that_dimension():
    prompts = EXPERIMENT.candidate_prompts(CONDITIONS["both_without_held_out"])
    assert len(set(prompts)) == 3
    for prompt in prompts:
        assert prompt.count("I transform") == 6 and "different texture" not in prompt and "must not be texture" not in prompt


@pytest.mark.parametrize("name", ["reasoning", "both"])
def test_listed_and_compared_reasoning_are_the_same_but_for_the_list_of_values(name):
    plain, listed, compared = (EXPERIMENT.candidate_prompts(CONDITIONS[each]) for each in (name, f"{name}_listed", f"{name}_compared"))
    values = re.compile(r"A\) (\w+), B\) (\w+), C\) (\w+)\. (?=Object)")
    assert [len(values.findall(prompt)) for prompt in listed] == [EXPERIMENT.shots] * len(plain)
    assert [values.sub("", prompt) for prompt in listed] == plain
    likeness = re.compile(r" (?:un)?like A(?=[,.])")
    assert [len(likeness.findall(prompt)) for prompt in compared] == [2 * EXPERIMENT.shots] * len(plain)
    assert [likeness.sub("", prompt) for prompt in compared] == listed


@pytest.mark.parametrize("name", ["reasoning", "both"])
def test_directly_judged_reasoning_is_judged_reasoning_that_does_not_say_what_is_left(name):
    judged, direct = (EXPERIMENT.candidate_prompts(CONDITIONS[f"{name}_judged{end}"]) for end in ("", "_direct"))
    states = re.compile(r"So far, [^.]*\. ")
    assert all(states.search(prompt) for prompt in judged)
    assert [states.sub("", prompt) for prompt in judged] == direct


def test_instructions_alone_and_shuffled():
    (instructions,) = EXPERIMENT.candidate_prompts(CONDITIONS["instructions"])
    assert instructions.startswith("I play games with three objects.") and "New game." not in instructions
    both, shuffled = (EXPERIMENT.candidate_prompts(CONDITIONS[name]) for name in ("both", "both_shuffled"))
    assert both != shuffled
    for one, other in zip(both, shuffled, strict=True):
        explained = ("Reasoning: ", "Outcome explanation: ")
        moves = [[line for line in text.splitlines() if not line.startswith(explained)] for text in (one, other)]
        assert moves[0] == moves[1] and one.count("Reasoning: ") == other.count("Reasoning: ")
    with_rules = dataclasses.replace(EXPERIMENT, instructions=True).candidate_prompts(CONDITIONS["both"])
    assert with_rules[0] == instructions + both[0]


def test_the_candidate_with_the_best_score_is_selected():
    candidates = EXPERIMENT.candidate_prompts(CONDITIONS["none"])
    good = candidates[1]

    def score(context, continuation):
        return reads_explanations(context, continuation) * (1 if context.startswith(good) else -1)

    selected, results, games = played(EXPERIMENT, "none", ScriptedModel(score))
    assert selected.text == good and selected.candidate == 1
    assert selected.scores[1] == 1 and max(selected.scores[0], selected.scores[2]) < 1
    assert [(result.split, result.policy, result.episodes) for result in results] == [(INCLUDED, "none", 12), (HELD_OUT, "none", 12)]
    assert all(result.test_correct_rate.mean == 1 for result in results)
    assert {split: len(of_split) for split, of_split in games.items()} == {INCLUDED: 12, HELD_OUT: 12}


@pytest.mark.parametrize("name", FOUR_CONDITIONS)
def test_the_effort_is_what_is_asked(name):
    experiment, condition, answers = dataclasses.replace(EXPERIMENT, conditions=(name,)), CONDITIONS[name], []
    log = RequestLog(None, {})

    def ask(prompt):
        return LoggedModel(ScriptedModel(), log, prompt, answers.append)

    selected = experiment.select_prompt(condition, ask)
    experiment.evaluate(condition, selected.text, ask, lambda *_: None)
    assert sum(answers) == effort(experiment).answers
    assert effort(experiment).games == 3 * 5 + 2 * 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"games": 0}, "games must be an int from 1"),
        ({"shots": -1}, "shots must be"),
        ({"conditions": ("both", "all")}, "conditions must be one of"),
        ({"conditions": ()}, "conditions must be one or more"),
        ({"held_out": "position"}, "held_out must be one of color, shape, texture"),
        ({"env_id": "CausalDAG-v0"}, "env must be a text task"),
        ({"env_id": "CausalDAGText-v0", "held_out": "color"}, "held_out must be None for CausalDAGText-v0"),
        ({"env_id": "CausalDAGText-v0", "conditions": ("both_without_held_out",)}, "needs a task with a held-out dimension"),
        (
            {"env_id": "CausalDAGText-v0", "conditions": ("both_listed",)},
            "'both_listed' is none of CausalDAGText-v0: target_reasoning must",
        ),
        ({"env_kwargs": {"rewarded_dimensions": ("texture",)}}, "rewarded_dimensions must not hold the held-out one"),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(EXPERIMENT, **changes).check()
