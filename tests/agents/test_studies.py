"""Studies are data: what they say of an agent can be built, differs from the others, and survives its file."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imitation")

import gym_causal
from agents.config import AgentConfig, TrainingConfig
from agents.demonstrations import collect, spaces
from agents.policy import TransformerPolicy
from agents.studies import STUDIES, Variation, chosen

ALL = [(study, variation) for study, variations in STUDIES.items() for variation in variations]
TRAINING = TrainingConfig(num_batches=7)


def demonstrations(name: str, num_episodes: int = 400, **env_kwargs) -> gym_causal.Episodes:
    (variation,) = chosen("architectures", [name])
    return collect("expert", "CausalDAG-v0", num_episodes, 0, {**env_kwargs, **variation.env_kwargs, **variation.demonstration_kwargs})


@pytest.mark.parametrize(("study", "variation"), ALL, ids=[f"{study}-{variation.name}" for study, variation in ALL])
def test_every_variation_is_an_agent_that_can_be_built_and_stored(study, variation):
    for env_id in ("CausalDAG-v0", "CausalDAGCued-v0"):
        config = variation.config(env_id, 3, TRAINING)
        TransformerPolicy(*spaces(env_id, config.env_kwargs), config.architecture)
        assert (config.env_id, config.seed, config.training.num_batches) == (env_id, 3, 7)
        assert AgentConfig.from_json(json.loads(json.dumps(config.to_json()))) == config  # else its training could not be resumed
        gym_causal.make_vec(env_id, 1, **{**config.env_kwargs, **config.demonstration_kwargs})
    assert variation.description.endswith(".") and "\n" not in variation.description


@pytest.mark.parametrize("study", STUDIES)
def test_no_two_variations_are_the_same(study):
    configs = [variation.config("CausalDAG-v0", 0, TRAINING) for variation in STUDIES[study]]
    assert all(config not in configs[:i] for i, config in enumerate(configs))
    assert len({variation.name for variation in STUDIES[study]}) == len(configs)


def test_overrides_reach_the_training():
    variation = Variation(name="x", description="x.", training={"label_smoothing": 0.1})
    assert variation.config("CausalDAG-v0", 0, TRAINING).training == TrainingConfig(num_batches=7, label_smoothing=0.1)
    (decay,) = chosen("trial", ["weight_decay"])
    assert decay.config("CausalDAG-v0", 0, TRAINING).training.weight_decay == pytest.approx(30 * TRAINING.weight_decay)


def test_the_controls_learn_from_what_they_say():
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
    page = (Path(__file__).parents[2] / "docs" / "ablations.md").read_text("utf-8")
    studies = page.split("## The studies")[1].split("\n`trial`:")  # two tables
    documented = [re.findall(r"^\| `(\w+)`", study, re.MULTILINE) for study in studies]
    assert documented == [[variation.name for variation in variations] for variations in STUDIES.values()]


def test_variations_are_chosen_by_name():
    assert [variation.name for variation in chosen("trial", ["dropout", "trial"])] == ["dropout", "trial"]
    assert chosen("architectures") == STUDIES["architectures"]
    with pytest.raises(ValueError, match=r"variations must be among variable, .*, got lucky"):
        chosen("architectures", ["trial", "lucky"])
    with pytest.raises(ValueError, match="study must be one of architectures, trial, got 'x'"):
        chosen("x")
