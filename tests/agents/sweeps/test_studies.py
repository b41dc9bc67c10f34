"""Studies are data: every variation can be built, differs from the others, and survives its file."""

import itertools
import json
import re
import typing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imitation")

import gym_causal
from agents.config import ARCHITECTURES, AgentConfig, ArchitectureConfig, Preset, TrainingConfig, preset
from agents.data.demonstrations import collect
from agents.policies.loading import build_policy
from agents.sweeps.recipes import Recipe
from agents.sweeps.studies import STUDIES, study
from agents.sweeps.study import FRACTION_OF_EXPERT, HELD_OUT_RATIO, Variation
from gym_causal.registry import make_task, task_spec

ALL = [(name, variation) for name, study in STUDIES.items() for variation in study.variations]
BRIEF = Preset(training=TrainingConfig(num_batches=7))


def demonstrations(name: str, num_episodes: int = 400, **env_kwargs) -> gym_causal.Episodes:
    (variation,) = study("architectures").select([name])
    return collect("expert", "CausalDAG-v0", num_episodes, 0, {**env_kwargs, **variation.env_kwargs, **variation.demonstration_kwargs})


@pytest.mark.parametrize(("name", "variation"), ALL, ids=[f"{name}-{variation.name}" for name, variation in ALL])
def test_every_variation_is_an_agent_that_can_be_built_and_stored(name, variation):
    for env_id, length in itertools.product(study(name).env_ids, ("quick", "full")):
        config = variation.config(env_id, 3, preset(env_id, length).lasting(7))
        policy = build_policy(config)
        assert (config.env_id, config.seed, config.training.num_batches) == (env_id, 3, 7)
        assert AgentConfig.from_json(json.loads(json.dumps(config.to_json()))) == config  # else its training could not be resumed
        shown = {**config.env_kwargs, **config.demonstration_kwargs, "explain": config.training.explanations}
        task = make_task(env_id, 1, **shown)
        assert (task.observation_space, task.action_space) == (policy.observation_space, policy.action_space)
        for split in study(name).splits:
            make_task(env_id, 1, **config.env_kwargs, split=split)
        recorded = collect("expert", env_id, 2, 0, shown)
        assert ("tokens" in recorded.explanations) == (policy.explanation_head is not None) == (config.training.explanations != "none")
    assert variation.description.endswith(".") and "\n" not in variation.description


@pytest.mark.parametrize("name", STUDIES)
def test_no_two_variations_are_the_same(name):
    for env_id in study(name).env_ids:
        configs = [
            (variation.config(env_id, 0, preset(env_id, "quick", variation.algorithm)), variation.watches_first)
            for variation in study(name).variations
        ]
        assert all(config not in configs[:i] for i, config in enumerate(configs))
    assert len({variation.name for variation in study(name).variations}) == len(configs)


def test_every_study_can_be_asked_for_and_its_splits_are_those_of_its_env():
    assert typing.get_args(typing.get_type_hints(Recipe)["study"]) == tuple(STUDIES)
    for chosen in STUDIES.values():
        for env_id in chosen.env_ids:
            assert {"quick", "full"} <= set(task_spec(env_id).presets) and chosen.splits == task_spec(env_id).splits


@pytest.mark.parametrize("name", STUDIES)
def test_reported_metrics_are_those_that_runs_find(name):
    """A misspelt one would be an empty column, or a split on which nobody is evaluated."""
    for env_id in study(name).env_ids:
        arguments = preset(env_id, "quick").env_kwargs
        found = {FRACTION_OF_EXPERT, HELD_OUT_RATIO}
        for split in study(name).splits:
            found |= set(gym_causal.evaluate("random", env_id, split=split, num_episodes=5, **arguments).metrics)
        assert study(name).metric in found
        assert {column.metric for column in study(name).columns} <= found
        assert {column.split for column in study(name).columns} <= set(study(name).splits)
    assert len({column.title for column in study(name).columns}) == len(study(name).columns)


def test_overrides_reach_the_training():
    variation = Variation(name="x", description="x.", training={"label_smoothing": 0.1})
    assert variation.config("CausalDAG-v0", 0, BRIEF).training == TrainingConfig(num_batches=7, label_smoothing=0.1)
    (decay,) = study("trial").select(["weight_decay"])
    assert decay.config("CausalDAG-v0", 0, BRIEF).training.weight_decay == pytest.approx(30 * BRIEF.training.weight_decay)


def test_a_variation_adds_to_the_preset_s_arguments_and_wins_where_both_speak():
    common = Preset(
        training=TrainingConfig(),
        architecture=ArchitectureConfig(width=8),
        env_kwargs={"explain": "none", "num_variables": 4},
        demonstration_kwargs={"split": "train", "exploration_sign": "random"},
    )
    plain = Variation(name="x", description="x.").config("CausalDAG-v0", 0, common)
    assert (plain.architecture, plain.env_kwargs, plain.demonstration_kwargs, plain.training) == (
        common.architecture,
        common.env_kwargs,
        common.demonstration_kwargs,
        common.training,
    )
    variation = Variation(
        name="x",
        description="x.",
        architecture=ARCHITECTURES["trial"],
        env_kwargs={"num_variables": 6},
        demonstration_kwargs={"split": "unrestricted"},
    )
    config = variation.config("CausalDAG-v0", 0, common)
    assert config.architecture == ARCHITECTURES["trial"]
    assert config.env_kwargs == {"explain": "none", "num_variables": 6}
    assert config.demonstration_kwargs == {"split": "unrestricted", "exploration_sign": "random"}
    assert common.env_kwargs["num_variables"] == 4


def test_the_controls_learn_from_what_their_descriptions_say():
    """That D moves E is seen in unrestricted demonstrations alone; random exploration repeats itself; without it there are choices only."""
    moves = {}
    for name in ("variable", "unrestricted"):
        episodes = demonstrations(name, 500, explain="reward")
        goal, best = (episodes.stacked(x)[:, -1] for x in (episodes.explanations["goal_variable"], episodes.explanations["best_target"]))
        moves[name] = (best[goal == 4] == 3).mean()  # -1: nothing moves the goal
    assert moves["variable"] == 0 and moves["unrestricted"] > 0.05
    explored = {name: demonstrations(name) for name in ("variable", "random_exploration")}
    distinct = {name: np.mean([len(set(row[:5] % 5)) for row in e.stacked(e.actions)]) for name, e in explored.items()}
    assert distinct["variable"] == 5 and distinct["random_exploration"] == pytest.approx(5 * (1 - 0.8**5), abs=0.2)
    without = demonstrations("no_exploration")
    assert (without.lengths == 2).all() and (without.observations["phase"] == 1).all()


def test_every_variation_is_in_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "ablations.md").read_text("utf-8")
    tables = re.split(r"^(?=`\w+`(?:, `\w+`)*: )", page.split("## The studies")[1].split("\n## ")[0], flags=re.MULTILINE)[1:]
    documented = {}
    for table in tables:
        head, *rows = table.splitlines()
        for name in re.findall(r"`(\w+)`", head.split(": ")[0]):
            documented[name] = [row for line in rows for row in re.findall(r"^\| `([\w.]+)`", line)]
    assert documented == {name: [variation.name for variation in study.variations] for name, study in STUDIES.items()}


def test_variations_are_chosen_by_name():
    assert [variation.name for variation in study("trial").select(["dropout", "trial", "dropout"])] == ["dropout", "trial"]
    assert study("architectures").select() == STUDIES["architectures"].variations
    with pytest.raises(ValueError, match=r"variations must be among variable, .*, got lucky"):
        study("architectures").select(["trial", "lucky"])
    with pytest.raises(ValueError, match=r"study must be one of architectures, trial, .*, got 'x'"):
        study("x")
