"""The studies of explanations: demonstrations are those that the variations describe, and tiny runs of them leave tables and figures."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from itertools import islice

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("imitation")

import gym_causal
from agents.ablate import Args, main
from agents.config import AgentConfig
from agents.data.demonstrations import StreamedDemonstrations, collect
from agents.data.explanation_controls import ExplanationControl
from agents.policies.checkpoints import load_config
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import EPISODES_SEED, runs_of
from agents.sweeps.studies import STUDIES, study
from agents.sweeps.tables import summarize_seeds, summary_table
from gym_causal.odd_one_out.explanations import VOCABULARY
from gym_causal.odd_one_out.features import ATTRIBUTES
from gym_causal.registry import make_task

CONFOUNDED, INTERVENTION = "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
NUM_EPISODES = 40


# --- what is demonstrated ------------------------------------------------------------------------------------------------


def config_of(study_name: str, name: str) -> AgentConfig:
    ((_, config),) = Recipe(study=study_name, seeds=1, preset="full", variations=(name,)).configs()
    return dataclasses.replace(config, env_kwargs={**config.env_kwargs, "observation": "symbolic"})


def demonstration_kwargs(study_name: str, name: str) -> dict:
    config = config_of(study_name, name)
    return {**config.env_kwargs, **config.demonstration_kwargs, "explain": config.training.explanations}


def demonstrations(study_name: str, name: str, num_episodes: int = 400) -> gym_causal.Episodes:
    """What an agent of a variation learns from, before anything is shuffled."""
    return collect("expert", study(study_name).env_ids[0], num_episodes, 0, demonstration_kwargs(study_name, name))


def words(episodes: gym_causal.Episodes) -> tuple[set[str], set[str]]:
    """The statements of explanations, and the attributes whose values they name."""
    tokens = episodes.explanations["tokens"]
    statements = {VOCABULARY[statement] for statement in np.unique(tokens[:, 0])} - {""}
    return statements, {attribute for attribute, values in zip(ATTRIBUTES, tokens[:, 3:].T, strict=True) if values.any()}


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
        ("texture_shuffled", {"next to", "correct"}, {"texture"}),
        ("color_properties", {"next to"}, {"color"}),
        ("texture_reward", {"correct"}, {"texture"}),
        ("shape_mistakes_0.25", {"next to", "correct", "incorrect"}, {"shape"}),
        ("color_mistakes_0.5", {"next to", "correct", "incorrect"}, {"color"}),
        ("texture_convolutional", {"next to", "correct"}, {"texture"}),
        ("shape_all_seeing", {"next to", "correct"}, {"shape"}),
    ],
)
def test_explanations_name_what_the_variation_describes(name, statements, attributes):
    assert words(demonstrations("confounded", name)) == (statements, attributes)


def test_variations_without_explanations_are_described_so():
    for study_name in STUDIES.keys() - {"architectures", "trial", "passive_and_active"}:
        for variation in study(study_name).variations:
            explained = re.search(r"^No explanations|, without explanations", variation.description) is None
            assert (config_of(study_name, variation.name).training.explanations != "none") == explained, variation.name


@pytest.mark.parametrize("study_name", ["feature_set", "hard_dimension"])
@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("full", {"next to", "correct", "incorrect"}),
        ("full_shuffled", {"next to", "correct", "incorrect"}),
        ("properties", {"next to"}),
        ("reward", {"correct", "incorrect"}),
        ("outcome", {"must be", "must not be"}),
    ],
)
def test_explanations_of_experiments_are_those_that_the_variation_describes(study_name, name, statements):
    found, attributes = words(demonstrations(study_name, name, 200))
    assert found == statements
    assert attributes == (set() if name == "outcome" else {"color", "texture", "shape"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("full", {"properties", "reward"}),
        ("reasoning", {"reasoning"}),
        ("all", {"properties", "reward", "reasoning"}),
        ("belief", {"belief"}),
        ("intention", {"intention"}),
        ("target", {"target"}),
        ("late", {"properties", "reward", "reasoning"}),
        ("late_trial", {"properties", "reward", "reasoning"}),
    ],
)
def test_reasoning_is_predicted_where_the_variation_says_so(name, said):
    kinds = np.unique(demonstrations("feature_set", name, 50).explanations["kind"])
    assert {part for kind in kinds for part in kind.split("+")} - {"none"} == said


def test_late_explanations_differ_in_nothing_but_the_delay():
    own, *late = (config_of("hard_dimension", name) for name in ("all", "late", "late_trial"))
    assert [config.training.explanation_delay for config in late] == [1, 12]
    assert all(dataclasses.replace(config, training=dataclasses.replace(config.training, explanation_delay=0)) == own for config in late)


@pytest.mark.parametrize("name", ["feature_set", "hard_dimension"])
def test_all_agents_of_a_study_are_trained_and_evaluated_with_its_kind_of_generalization(name):
    for variation in study(name).variations:
        config = config_of(name, variation.name)
        task = make_task(config.env_id, 1, **config.env_kwargs, split="eval")
        assert task.config.generalization == name and "generalization" not in config.demonstration_kwargs


def test_experts_err_and_see_the_room_where_the_variation_says_so():
    for attribute, rate in (("none", 0.1), ("none", 0.25), ("shape", 0.25), ("color", 0.5)):
        returns = [demonstrations("confounded", name).returns.mean() for name in (attribute, f"{attribute}_mistakes_{rate}")]
        assert returns == [1, pytest.approx(1 - rate, abs=0.075)]  # three standard errors
    kept = {variation.name: config_of("confounded", variation.name) for variation in study("confounded").variations}
    sights = {name: config.demonstration_kwargs["expert_sight"] for name, config in kept.items()}
    assert {name for name, sight in sights.items() if sight == "room"} == {"shape_all_seeing"}
    assert demonstrations("confounded", "shape_all_seeing").lengths.mean() < demonstrations("confounded", "shape").lengths.mean() - 0.2
    for config in kept.values():  # agents meet neither; only their demonstrations do
        assert not {"expert_sight", "mistake_rate"} & set(config.env_kwargs)


def test_the_oracle_needs_no_luck():
    returns = {name: demonstrations("feature_set", name, 200).returns for name in ("none", "oracle_demonstrations")}
    assert (returns["oracle_demonstrations"] == 13).all() and returns["none"].mean() == pytest.approx(12, abs=0.3)


@pytest.mark.parametrize(
    ("study_name", "plain", "shuffled"),
    [
        ("confounded", "shape", "shape_shuffled"),
        ("confounded", "color", "color_shuffled"),
        ("feature_set", "full", "full_shuffled"),
        ("hard_dimension", "all", "shuffled"),
        ("explained_dag", "trial_all", "trial_shuffled"),
        ("imperfect_teachers", "full", "full_false_1.0"),
    ],
)
def test_a_shuffled_variation_differs_in_nothing_but_the_shuffling(study_name, plain, shuffled):
    plain, shuffled = config_of(study_name, plain), config_of(study_name, shuffled)
    assert shuffled.training.shuffled_explanations
    training = dataclasses.replace(shuffled.training, shuffled_explanations=False)
    assert dataclasses.replace(shuffled, training=training) == plain


def test_shuffled_explanations_are_others_of_the_same_kind_at_the_same_steps():
    config, arguments = config_of("feature_set", "full"), demonstration_kwargs("feature_set", "full")
    options = {"batch_size": 64, "seed": 0, "env_kwargs": arguments, "chunk_size": 512}
    spec = make_task(config.env_id, 1, **arguments).explanations
    own, others = (
        islice(StreamedDemonstrations("expert", config.env_id, control=ExplanationControl(spec, share), **options), 8)
        for share in (0.0, 1.0)
    )
    counts, agreements = [Counter(), Counter()], []
    for batch, other in zip(own, others, strict=True):
        for key, values in batch["obs"].items():
            assert np.array_equal(values, other["obs"][key]), key  # the same rooms, the same actions
        assert np.array_equal(batch["acts"][..., :2], other["acts"][..., :2])  # and the same statements
        is_explained = batch["acts"][..., 1] > 0
        tokens = [targets[is_explained][:, 1:] for targets in (batch["acts"], other["acts"])]
        agreements.append((tokens[0] == tokens[1]).all(axis=1))
        for counter, values in zip(counts, tokens, strict=True):
            counter.update(values.ravel().tolist())
    assert np.concatenate(agreements).mean() < 0.2  # by chance; of 11 shapes, say
    # They come from all states, also from the last of each episode, which has no action: their words are distributed about alike.
    true, false = counts
    assert true.keys() == false.keys()
    assert sum(abs(true[token] - false[token]) for token in true) < 0.1 * true.total()


def test_fixed_demonstrations_are_as_many_as_the_name_says():
    for preset in ("quick", "full"):
        for variation, config in Recipe(study="demonstrations", seeds=1, preset=preset).configs():
            kind, _, number = variation.name.rpartition("_")
            assert config.training.num_demonstrations == int(number)
            assert f"{int(number):,} demonstrations" in variation.description
            assert (config.training.explanations != "none") == (kind != "none")
            assert config.env_kwargs["explained_attribute"] == (None if kind == "none" else kind)


# --- whole runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ablate_in_process(tmp_path_factory, tiny_presets):
    """(study, variations, seeds) -> the folder of a whole command, whose runs are executed here, one after the other."""
    folders = {}

    def make(study_name: str, variations: tuple[str, ...], seeds: int):
        if study_name not in folders:
            folders[study_name] = tmp_path_factory.mktemp(study_name)
            args = Args(study=study_name, variations=variations, seeds=seeds, episodes=NUM_EPISODES, out=folders[study_name])
            for run in runs_of(args):
                run.execute()
            main(args)  # finds them all finished
        return folders[study_name]

    return make


def figures(folder) -> set[str]:
    return {path.stem for path in folder.glob("*.png")} & {path.stem for path in folder.glob("*.svg")}


def shown(folder, study_name: str):
    """The table of a folder's results, as (headers, rows of cells)."""
    results = pd.read_csv(folder / "results.csv")
    descriptions = {name: {"parameters": 1, "updates": 1} for name in results["policy"].unique()}
    table = summary_table(summarize_seeds(results), descriptions, STUDIES[study_name].columns)
    return [column.header for column in table.columns], list(zip(*(column.cells for column in table.columns), strict=True))


def check_fractions_of_the_expert(folder, env_id: str, **kwargs) -> None:
    cells = pd.read_csv(folder / "results.csv").set_index(["metric", "split", "policy", "seed_of_training"])["mean"].sort_index()
    for split in ("train", "eval"):
        best = gym_causal.evaluate("expert", env_id, split=split, num_episodes=NUM_EPISODES, seed=EPISODES_SEED, **kwargs).reward.mean
        fraction, reward = (cells[metric, split].sort_index() for metric in ("fraction_of_expert", "reward"))
        assert fraction.to_numpy() == pytest.approx(reward.to_numpy() / best)
        assert len(fraction) == len(reward) > 0


@pytest.mark.slow
def test_the_confounded_study(ablate_in_process, tiny_presets):
    folder = ablate_in_process("confounded", ("none", "shape_mistakes_0.25"), 2)
    results = pd.read_csv(folder / "results.csv")
    assert not results.duplicated(["split", "policy", "metric", "seed_of_training"]).any()
    choices = results[results["metric"].str.startswith("choice_")]
    assert set(choices["split"]) == {"eval"} and set(choices["policy"]) == {"none", "shape_mistakes_0.25"}
    sums = choices.groupby(["policy", "seed_of_training"])["mean"].sum()
    assert len(sums) == 4 and sums.to_numpy() == pytest.approx(1)
    explained = results[results["metric"].str.startswith("explained_")]
    assert set(explained["policy"]) == {"shape_mistakes_0.25"} and set(explained["split"]) == {"train", "eval"}
    names = {f"explained_{name}" for name in ("whole", "tokens", "statement", "properties", "touches", "shape")}
    assert set(explained["metric"]) == names and explained["mean"].between(0, 1).all()
    assert (results[results["metric"] == "reward"]["episodes"] == NUM_EPISODES).all()
    check_fractions_of_the_expert(folder, CONFOUNDED, **tiny_presets[CONFOUNDED]["env_kwargs"])
    headers, rows = shown(folder, "confounded")
    choices = ["eval: color", "eval: texture", "eval: shape", "eval: none"]
    assert headers == ["variation", "parameters", "updates", "train: odd one", *choices]
    assert [row[0] for row in rows] == ["none", "shape_mistakes_0.25"] and all(all(row) for row in rows)
    assert figures(folder) == {"learning_curves", "rewards", "choices", "explained", "mistake_rate"}
    assert not list(folder.glob("*/*/probe.csv"))
    none, shape = (load_config(folder / name / "seed_1") for name in ("none", "shape_mistakes_0.25"))
    env_kwargs = tiny_presets[CONFOUNDED]["env_kwargs"]
    assert (none.env_kwargs, shape.env_kwargs) == (
        {**env_kwargs, "explained_attribute": None},
        {**env_kwargs, "explained_attribute": "shape"},
    )
    assert (none.demonstration_kwargs, shape.demonstration_kwargs) == (
        {"expert_sight": "view"},
        {"expert_sight": "view", "mistake_rate": 0.25},
    )
    assert (none.training.explanations, shape.training.explanations) == ("none", "full")
    assert none.architecture == shape.architecture and none.seed == shape.seed == 1


@pytest.mark.slow
def test_the_study_of_demonstrations(ablate_in_process):
    folder = ablate_in_process("demonstrations", ("none_1000", "none_4000"), 1)
    assert figures(folder) == {"learning_curves", "rewards", "choices", "demonstrations"}
    assert not pd.read_csv(folder / "results.csv")["metric"].str.startswith("explained_").any()


def test_the_study_of_experiments(ablate_in_process, tiny_presets):
    folder = ablate_in_process("feature_set", ("none", "outcome"), 1)
    results = pd.read_csv(folder / "results.csv")
    explained = results[results["metric"].str.startswith("explained_")]
    names = {f"explained_{name}" for name in ("whole", "tokens", "statement", "touches")}  # outcomes have no properties and no values
    assert set(explained["metric"]) == names
    assert set(explained["policy"]) == {"outcome"} and set(explained["split"]) == {"train", "eval"}
    check_fractions_of_the_expert(folder, INTERVENTION, **tiny_presets[INTERVENTION]["env_kwargs"])
    headers, rows = shown(folder, "feature_set")
    columns = [f"{split}: {title}" for split in ("train", "eval") for title in ("of expert's return", "experiments", "test trial")]
    assert headers == ["variation", "parameters", "updates", *columns]
    assert [row[0] for row in rows] == ["none", "outcome"] and all(all(row) for row in rows)
    assert figures(folder) == {"learning_curves", "rewards", "explained"}


def test_a_device_that_is_not_there_is_named(tmp_path):
    (run,) = runs_of(Recipe(study="confounded", seeds=1, variations=("none",), out=tmp_path / "new"), device="abacus")
    with pytest.raises(ValueError, match="device must be one that torch finds here, got 'abacus'"):
        run.execute()
    assert not (tmp_path / "new").exists()
