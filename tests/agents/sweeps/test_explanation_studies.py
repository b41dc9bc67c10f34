"""The studies of explanations: what is demonstrated is what their variations say, and tiny runs of them leave their tables and figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("imitation")

import gym_causal
from agents import ablate
from agents.ablate import Args, encode, table
from agents.algorithms import behavioral_cloning
from agents.algorithms.behavioral_cloning import train
from agents.config.agent import PRESETS, AgentConfig, ArchitectureConfig
from agents.data import demonstrations
from agents.data.demonstrations import collect
from agents.sweeps import runs
from agents.sweeps.runs import EPISODES_SEED, Run
from agents.sweeps.studies import STUDIES, study
from gym_causal.odd_one_out.explanations import VOCABULARY
from gym_causal.odd_one_out.features import ATTRIBUTES
from tests.agents.small import TRAINING

CONFOUNDED, INTERVENTION = "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
SMALL = ArchitectureConfig(kind="object", width=16, num_layers=1, num_heads=2, look_size=8)
TINY = {
    env_id: replace(
        PRESETS[env_id]["quick"],
        training=replace(TRAINING, num_batches=3, evaluate_every=3, evaluation_episodes=8),
        architecture=SMALL,
        env_kwargs={"observation": "symbolic", **short},
    )
    for env_id, short in ((CONFOUNDED, {"max_trial_steps": 10}), (INTERVENTION, {"max_trial_steps": 6, "num_experiments": 1}))
}
NUM_EPISODES = 40


# --- what is demonstrated ------------------------------------------------------------------------------------------------


def config_of(study_name: str, name: str, seed: int = 0) -> AgentConfig:
    (variation,) = study(study_name).chosen([name])
    (env_id,) = study(study_name).env_ids
    preset = PRESETS[env_id]["quick"]
    training = replace(preset.training, batch_size=64)
    return variation.config(env_id, seed, replace(preset, training=training, env_kwargs={"observation": "symbolic"}))


def demonstrated(study_name: str, name: str, num_episodes: int = 400, **more) -> gym_causal.Episodes:
    """What an agent of a variation learns from, before anything is shuffled."""
    config = config_of(study_name, name)
    arguments = {**config.env_kwargs, **config.demonstration_kwargs, "explain": config.training.explanations, **more}
    return collect("expert", config.env_id, num_episodes, 0, arguments)


def said(episodes: gym_causal.Episodes) -> tuple[set[str], set[str]]:
    """Statements that are made, and attributes of which values are named."""
    tokens = episodes.explanations["tokens"]
    statements = {VOCABULARY[statement] for statement in np.unique(tokens[:, 0])} - {""}
    return statements, {attribute for attribute, values in zip(ATTRIBUTES, tokens[:, 3:].T, strict=True) if values.any()}


class BatchesMade(Exception):
    """Training goes no further."""


@pytest.fixture
def first_batches(monkeypatch):
    """(study, variation) -> the first eight batches that an agent is trained on."""
    made = []

    def stop(*arguments, batches=behavioral_cloning._batches):
        made.append(batches(*arguments))
        raise BatchesMade

    monkeypatch.setattr(behavioral_cloning, "_batches", stop)
    monkeypatch.setattr(demonstrations, "CHUNK", 512)

    def first(study_name: str, name: str):
        with pytest.raises(BatchesMade):
            train(config_of(study_name, name), Path("nowhere"), splits=(), progress=False)
        return list(islice(iter(made[-1]), 8))

    return first


@pytest.mark.parametrize(
    ("name", "statements", "attributes"),
    [
        ("color", {"next to", "correct"}, {"color"}),
        ("texture", {"next to", "correct"}, {"texture"}),
        ("shape", {"next to", "correct"}, {"shape"}),
        ("shape_shuffled", {"next to", "correct"}, {"shape"}),
        ("color_shuffled", {"next to", "correct"}, {"color"}),
        ("shape_properties", {"next to"}, {"shape"}),
        ("shape_reward", {"correct"}, {"shape"}),
        ("shape_weight_0.1", {"next to", "correct"}, {"shape"}),
        ("shape_mistakes", {"next to", "correct", "incorrect"}, {"shape"}),
        ("shape_all_seeing", {"next to", "correct"}, {"shape"}),
    ],
)
def test_explanations_speak_of_what_the_variation_says(name, statements, attributes):
    assert said(demonstrated("confounded", name)) == (statements, attributes)


def test_there_are_no_explanations_where_a_variation_says_so():
    for study_name in ("confounded", "demonstrations", "feature_set", "hard_dimension"):
        for variation in study(study_name).variations:
            explained = not variation.description.startswith("No explanations")
            assert (config_of(study_name, variation.name).training.explanations != "none") == explained, variation.name


@pytest.mark.parametrize("study_name", ["feature_set", "hard_dimension"])
@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("full", {"next to", "correct", "incorrect"}),
        ("shuffled", {"next to", "correct", "incorrect"}),
        ("properties", {"next to"}),
        ("reward", {"correct", "incorrect"}),
        ("outcome", {"must be", "must not be"}),
    ],
)
def test_explanations_of_experiments_are_those_that_the_variation_says(study_name, name, statements):
    episodes = demonstrated(study_name, name, 200)
    made, attributes = said(episodes)
    assert made == statements
    assert attributes == (set() if name == "outcome" else {"color", "texture", "shape"})


@pytest.mark.parametrize("name", ["feature_set", "hard_dimension"])
def test_agents_live_in_the_split_that_their_study_is_about(name):
    """All of a study's, wherever they are trained and evaluated: otherwise what is compared is not comparable."""
    for variation in study(name).variations:
        config = config_of(name, variation.name)
        task = gym_causal.make_vec(config.env_id, 1, **config.env_kwargs, split="eval").task
        assert task.config.generalization == name and "generalization" not in config.demonstration_kwargs


def test_experts_err_and_look_where_the_variation_says_so():
    returns = {name: demonstrated("confounded", name).returns.mean() for name in ("none", "shape", "mistakes", "shape_mistakes")}
    assert returns["none"] == returns["shape"] == 1
    assert returns["mistakes"] == returns["shape_mistakes"] == pytest.approx(0.75, abs=0.07)  # three standard errors
    kept = {variation.name: config_of("confounded", variation.name) for variation in study("confounded").variations}
    sights = {name: config.demonstration_kwargs["expert_sight"] for name, config in kept.items()}
    assert {name for name, sight in sights.items() if sight == "room"} == {"shape_all_seeing"}
    assert demonstrated("confounded", "shape_all_seeing").lengths.mean() < demonstrated("confounded", "shape").lengths.mean() - 0.2
    for config in kept.values():  # agents meet neither; only their demonstrations do
        assert not {"expert_sight", "mistake_rate"} & set(config.env_kwargs)


def test_the_oracle_needs_no_luck():
    returns = {name: demonstrated("feature_set", name, 200).returns for name in ("none", "oracle_demonstrations")}
    assert (returns["oracle_demonstrations"] == 13).all() and returns["none"].mean() == pytest.approx(12, abs=0.3)


@pytest.mark.parametrize(
    ("study_name", "plain", "shuffled"),
    [("confounded", "shape", "shape_shuffled"), ("confounded", "color", "color_shuffled"), ("feature_set", "full", "shuffled")],
)
def test_shuffled_explanations_are_others_of_the_same_kind_at_the_same_steps(first_batches, study_name, plain, shuffled):
    own, others = first_batches(study_name, plain), first_batches(study_name, shuffled)
    words, agreements = [Counter(), Counter()], []
    for batch, other in zip(own, others, strict=True):
        for key, values in batch["obs"].unwrap().items():
            assert np.array_equal(values, other["obs"].unwrap()[key]), key  # the same rooms, played alike
        assert np.array_equal(batch["acts"][..., :2], other["acts"][..., :2])  # and as much is said
        there = batch["acts"][..., 1] > 0
        mine, theirs = batch["acts"][there][:, 1:], other["acts"][there][:, 1:]
        agreements.append((mine == theirs).all(axis=1))
        for counter, tokens in zip(words, (mine, theirs), strict=True):
            counter.update(tokens.ravel().tolist())
    assert np.concatenate(agreements).mean() < 0.2  # by chance; of 11 shapes, say
    # They come from all states, also from those in which nothing is done any more: as a whole they are about alike.
    true, false = words
    assert true.keys() == false.keys()
    assert sum(abs(true[word] - false[word]) for word in true) < 0.1 * true.total()


def test_fixed_demonstrations_are_as_many_as_the_name_says():
    for variation in study("demonstrations").variations:
        for length in ("quick", "full"):
            training = variation.config(CONFOUNDED, 0, PRESETS[CONFOUNDED][length]).training
            kind, _, number = variation.name.rpartition("_")
            assert training.num_demonstrations == int(number)
            assert f"{int(number):,} demonstrations" in variation.description
            assert (training.explanations != "none") == (kind == "shape")


def test_fewer_demonstrations_are_seen_more_often(first_batches):
    """Eight batches of 64 are 512 episodes; of 1,000 there are fifteen whole batches an epoch."""
    config = config_of("demonstrations", "none_1000")
    assert config.training.batch_size == 64
    starts = [view.tobytes() for batch in first_batches("demonstrations", "none_1000") for view in batch["obs"].unwrap()["view"][:, 0]]
    pool = {episode.observations["view"][0].tobytes() for episode in demonstrated("demonstrations", "none_1000", 1_000)}
    assert len(set(starts)) == len(starts) == 512 and set(starts) <= pool


# --- whole runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ablate_in_process(tmp_path_factory):
    """(study, variations, seeds) -> the folder of a whole command, whose runs are made one after the other, here."""
    folders = {}

    def make(study_name: str, variations: tuple[str, ...], seeds: int):
        if study_name not in folders:
            folders[study_name] = tmp_path_factory.mktemp(study_name)
            with pytest.MonkeyPatch.context() as patch:
                for env_id, preset in TINY.items():
                    patch.setitem(PRESETS[env_id], "quick", preset)
                patch.setattr(demonstrations, "CHUNK", 64)
                patch.setattr(runs, "explanation_accuracy", partial(runs.explanation_accuracy, num_episodes=30))
                patch.setattr(ablate, "carry_out_all", lambda all_runs, *_: {str(run): "" for run in all_runs if run.carry_out()})
                out = folders[study_name]
                ablate.main(Args(study=study_name, variations=variations, seeds=seeds, episodes=NUM_EPISODES, out=out))
        return folders[study_name]

    return make


def figures(folder) -> set[str]:
    return {path.stem for path in folder.glob("*.png")} & {path.stem for path in folder.glob("*.svg")}


def shown(folder, study_name: str):
    """The table of a folder's results, as (headers, rows of cells)."""
    results = pd.read_csv(folder / "results.csv")
    about = {name: {"parameters": 1, "updates": 1} for name in results["policy"].unique()}
    made = table(encode(results), about, STUDIES[study_name].columns)
    return [column.header for column in made.columns], list(zip(*(column.cells for column in made.columns), strict=True))


def check_fractions_of_the_expert(folder, env_id: str, **kwargs) -> None:
    cells = pd.read_csv(folder / "results.csv").set_index(["metric", "split", "policy", "seed_of_training"])["mean"].sort_index()
    for split in ("train", "eval"):
        best = gym_causal.evaluate("expert", env_id, split=split, num_episodes=NUM_EPISODES, seed=EPISODES_SEED, **kwargs).reward.mean
        fraction, reward = (cells[metric, split].sort_index() for metric in ("fraction_of_expert", "reward"))
        assert fraction.to_numpy() == pytest.approx(reward.to_numpy() / best)
        assert len(fraction) == len(reward) > 0


@pytest.mark.slow
def test_the_confounded_study(ablate_in_process):
    folder = ablate_in_process("confounded", ("none", "shape_mistakes"), 2)
    results = pd.read_csv(folder / "results.csv")
    assert not results.duplicated(["split", "policy", "metric", "seed_of_training"]).any()
    choices = results[results["metric"].str.startswith("choice_")]
    assert set(choices["split"]) == {"eval"} and set(choices["policy"]) == {"none", "shape_mistakes"}
    sums = choices.groupby(["policy", "seed_of_training"])["mean"].sum()
    assert len(sums) == 4 and sums.to_numpy() == pytest.approx(1)
    explained = results[results["metric"].str.startswith("explained_")]
    assert set(explained["policy"]) == {"shape_mistakes"} and set(explained["split"]) == {"train", "eval"}
    names = {"explained_statement", "explained_properties", "explained_touches", "explained_shape"}
    assert set(explained["metric"]) == names and explained["mean"].between(0, 1).all()
    assert (explained["episodes"] == 30).all() and (results[results["metric"] == "reward"]["episodes"] == NUM_EPISODES).all()
    check_fractions_of_the_expert(folder, CONFOUNDED, **TINY[CONFOUNDED].env_kwargs)
    headers, rows = shown(folder, "confounded")
    choices = ["eval: color", "eval: texture", "eval: shape", "eval: none"]
    assert headers == ["variation", "parameters", "updates", "train: odd one", *choices]
    assert [row[0] for row in rows] == ["none", "shape_mistakes"] and all(all(row) for row in rows)
    assert figures(folder) == {"learning_curves", "rewards", "choices", "explained"}
    assert not list(folder.glob("*/*/probe.csv"))


@pytest.mark.slow
def test_the_study_of_demonstrations(ablate_in_process):
    folder = ablate_in_process("demonstrations", ("none_1000", "none_4000"), 1)
    assert figures(folder) == {"learning_curves", "rewards", "choices", "demonstrations"}
    assert not pd.read_csv(folder / "results.csv")["metric"].str.startswith("explained_").any()


def test_the_study_of_experiments(ablate_in_process):
    folder = ablate_in_process("feature_set", ("none", "outcome"), 1)
    results = pd.read_csv(folder / "results.csv")
    explained = results[results["metric"].str.startswith("explained_")]
    assert set(explained["metric"]) == {"explained_statement", "explained_touches"}  # there is nothing else to say
    assert set(explained["policy"]) == {"outcome"} and set(explained["split"]) == {"train", "eval"}
    quick = STUDIES["feature_set"].quick_env_kwargs
    assert quick == {"difficulties": [0]}
    check_fractions_of_the_expert(folder, INTERVENTION, **TINY[INTERVENTION].env_kwargs, **quick)
    headers, rows = shown(folder, "feature_set")
    columns = [f"{split}: {title}" for split in ("train", "eval") for title in ("of expert's return", "experiments", "test trial")]
    assert headers == ["variation", "parameters", "updates", *columns]
    assert [row[0] for row in rows] == ["none", "outcome"] and all(all(row) for row in rows)
    assert figures(folder) == {"learning_curves", "rewards", "explained"}


def test_runs_of_a_study_differ_in_what_they_say_they_differ_in(ablate_in_process):
    folder = ablate_in_process("confounded", ("none", "shape_mistakes"), 2)
    none, shape = (behavioral_cloning.load_config(folder / name / "seed_1") for name in ("none", "shape_mistakes"))
    assert none.env_kwargs == {**TINY[CONFOUNDED].env_kwargs, "explained_attribute": None}
    assert shape.env_kwargs == {**TINY[CONFOUNDED].env_kwargs, "explained_attribute": "shape"}
    assert (none.demonstration_kwargs, shape.demonstration_kwargs) == (
        {"expert_sight": "view"},
        {"expert_sight": "view", "mistake_rate": 0.25},
    )
    assert (none.training.explanations, shape.training.explanations) == ("none", "full")
    assert (none.architecture, none.seed) == (shape.architecture, shape.seed) == (SMALL, 1)


def test_a_device_that_is_not_there_is_named(tmp_path):
    (variation,) = study("confounded").chosen(["none"])
    run = Run("none", variation.config(CONFOUNDED, 0, TINY[CONFOUNDED]), tmp_path / "run", ("train",), 5, "abacus")
    with pytest.raises(ValueError, match="device must be one that torch finds here, got 'abacus'"):
        run.carry_out()
    assert not run.folder.exists()
