"""Recipes: which runs they stand for, and that the published ones are those that the pages of results report."""

import dataclasses
import shlex
from pathlib import Path

import pytest

from agents.ablate import Args, parse, sweeps_of
from agents.sweeps.recipes import PLANNED, PUBLISHED, Recipe
from agents.sweeps.studies import STUDIES
from agents.sweeps.study import Variation

# The commands of the published results, as they were first run. Their configurations must not change.
COMMANDS = """
--study architectures --preset full --seeds 4 --episodes 20000 --out results/full --variations variable
--study architectures --preset full --seeds 1 --episodes 20000 --out results/equivariant --variations equivariant
--study architectures --seeds 5 --out results/controls
--study trial --batches 1500 --seeds 3 --out results/trial --variations trial trial_linear one_head names linear_one_head names_one_head
--study explained_dag --seeds 5 --out results/explained_dag --variations trial_none trial_properties trial_reasoning trial_all\
 trial_shuffled trial_linear_none trial_linear_properties trial_linear_reasoning trial_linear_all trial_linear_shuffled\
 trial_reasoning_weight_0.1 trial_all_weight_0.1 trial_shuffled_weight_0.1
--study explained_dag --seeds 5 --out results/explained_dag_variable --variations variable_none variable_properties\
 variable_reasoning variable_all
--study imperfect_teachers --seeds 2 --out results/imperfect_teachers
--study architectures --env CausalDAGCued-v0 --batches 2000 --seeds 1 --out results/cued --variations variable
--study confounded --seeds 5 --out results/confounded --variations none color texture shape shape_shuffled
--study confounded --seeds 1 --out results/confounded_controls --variations color_properties texture_properties shape_properties\
 color_reward texture_reward shape_reward none_convolutional color_convolutional shape_convolutional\
 none_mistakes_0.1 color_mistakes_0.1 shape_mistakes_0.1 none_mistakes_0.25 color_mistakes_0.25 shape_mistakes_0.25\
 none_mistakes_0.5 color_mistakes_0.5 shape_mistakes_0.5
--study confounded --batches 3600 --seeds 5 --out results/confounded_long --variations color
--study demonstrations --seeds 1 --out results/demonstrations --variations none_1000 shape_1000 none_4000 shape_4000 none_16000\
 shape_16000 none_64000 shape_64000
--study feature_set --seeds 5 --evaluate-every 900 --out results/feature_set --variations all reasoning full none shuffled
--study feature_set --seeds 5 --evaluate-every 900 --out results/feature_set_parts --variations belief intention target late late_trial
--study feature_set --seeds 5 --evaluate-every 900 --out results/feature_set_kinds --variations properties reward
--study feature_set --seeds 1 --evaluate-every 900 --env-kwargs.observation pixels --out results/feature_set_pixels --variations all\
 reasoning full none
--study hard_dimension --seeds 5 --out results/hard_dimension --variations all reasoning none
--study confounded --seeds 1 --out results/known_attribute --variations known_color known_texture known_shape
--study passive_and_active --seeds 5 --out results/passive_and_active --variations bc ppo bc_then_ppo bc_then_ppo_kl_1.0\
 ppo_memoryless trial_bc trial_ppo
--study passive_and_active --preset full --seeds 1 --episodes 20000 --out results/passive_and_active_full --variations ppo\
 bc_then_ppo bc_then_ppo_kl_1.0
--study passive_and_active --env CausalDAGCued-v0 --seeds 1 --out results/passive_and_active_cued --variations bc ppo bc_then_ppo
--study active_odd_one_out --seeds 1 --out results/active_odd_one_out --variations ppo_none ppo_full ppo_none_convolutional\
 ppo_full_convolutional ppo_full_convolutional_weight_1 bc_none bc_all
--study active_confounded --seeds 1 --out results/active_confounded --variations ppo_none ppo_color ppo_texture ppo_shape\
 ppo_shape_weight_1 ppo_shape_shuffled bc_shape
--study active_intervention --seeds 1 --out results/active_intervention --variations ppo_none ppo_all bc_none bc_all
"""


def runs(recipe: Recipe) -> list[tuple]:
    """Everything that the runs of a recipe depend on."""
    splits = STUDIES[recipe.study].splits
    return [(recipe.folder, variation.name, config, splits, recipe.episodes) for variation, config in recipe.configs()]


def test_published_recipes_are_the_commands_of_the_results():
    commands = [parse(shlex.split(line)) for line in COMMANDS.strip().replace("\\\n", " ").splitlines()]
    assert [runs(recipe) for recipe in PUBLISHED] == [runs(args) for args in commands]
    counts = [4, 1, 45, 18, 65, 20, 42, 1, 25, 18, 5, 8, 25, 25, 10, 4, 15, 3, 35, 3, 3, 7, 7, 4]
    assert [len(runs(recipe)) for recipe in PUBLISHED] == counts


def test_no_recipe_overwrites_the_results_of_another():
    folders = [recipe.folder.name for recipe in PUBLISHED + PLANNED]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("recipe", PLANNED, ids=[recipe.folder.name for recipe in PLANNED])
def test_planned_recipes_can_be_followed_with_five_seeds(recipe):
    recipe.check()
    assert {config.seed for _, config in recipe.configs()} == set(range(5))


def test_the_command_follows_all_published_recipes():
    sweeps = sweeps_of(Args(published=True, processes=3, device="cuda"))
    assert [runs(sweep) for sweep in sweeps] == [runs(recipe) for recipe in PUBLISHED]
    assert {(sweep.processes, sweep.device) for sweep in sweeps} == {(3, "cuda")}
    elsewhere = sweeps_of(Args(published=True, out=Path("elsewhere")))
    assert [sweep.folder for sweep in elsewhere] == [Path("elsewhere") / recipe.folder.name for recipe in PUBLISHED]
    with pytest.raises(ValueError, match=r"published: its recipes decide study, .*; got study, seeds"):
        sweeps_of(Args(published=True, study="trial", seeds=2))
    with pytest.raises(ValueError, match=r"planned: its recipes decide study, .*; got batches"):
        sweeps_of(Args(planned=True, batches=2))
    assert [runs(sweep) for sweep in sweeps_of(Args(planned=True))] == [runs(recipe) for recipe in PLANNED]


def test_a_recipe_has_every_seed_of_every_variation_seed_by_seed():
    recipe = Recipe(study="trial", seeds=2, variations=("one_head", "trial"), batches=8)
    configs = [(variation.name, config.seed) for variation, config in recipe.configs()]
    assert configs == [("one_head", 0), ("trial", 0), ("one_head", 1), ("trial", 1)]
    assert {config.training.num_batches for _, config in recipe.configs()} == {8}
    assert len(list(Recipe(study="trial", seeds=1).configs())) == len(STUDIES["trial"].variations)


def test_arguments_of_the_env_are_those_of_all_variations_and_win_over_the_preset():
    line = "--study feature_set --seeds 1 --env-kwargs.observation pixels --env-kwargs.difficulties 1 2 --env-kwargs.test-reward 5"
    configs = [config for _, config in parse(shlex.split(line)).configs()]
    assert len(configs) == len(STUDIES["feature_set"].variations)
    for config in configs:
        given = {name: config.env_kwargs[name] for name in ("observation", "difficulties", "test_reward", "generalization")}
        assert given == {"observation": "pixels", "difficulties": [1, 2], "test_reward": 5.0, "generalization": "feature_set"}
    cued = parse(["--env", "CausalDAGCued-v0", "--env-kwargs.num-relevant", "4"])
    assert all(config.env_kwargs["num_relevant"] == 4 for _, config in cued.configs())


def test_evaluations_are_as_far_apart_as_the_recipe_says():
    ((_, config),) = Recipe(study="trial", seeds=1, variations=("trial",), batches=80, evaluate_every=7).configs()
    assert (config.training.num_batches, config.training.evaluate_every) == (80, 7)


def test_results_go_to_a_folder_of_the_env_and_the_study_unless_told_otherwise():
    assert Recipe().folder == Path("results/ablate/CausalDAG-v0/architectures")
    assert Recipe(env="gym_causal:CausalDAGCued-v0", study="trial").folder == Path("results/ablate/CausalDAGCued-v0/trial")
    assert Recipe(out=Path("here")).folder == Path("here")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variations": ("luck",)}, "variations must be among"),
        ({"study": "luck"}, "study must be one of architectures, trial, confounded"),
        ({"env": "CartPole-v1"}, "env must be one of CausalDAG-v0, CausalDAGCued-v0, got 'CartPole-v1'"),
        ({"study": "confounded", "env": "OddOneOut-v0"}, "env must be one of OddOneOutConfounded-v0, got 'OddOneOut-v0'"),
        ({"preset": "slow"}, "preset must be one of quick, full"),
        ({"episodes": 0}, "episodes must be an int from 1"),
        ({"seeds": 0}, "seeds must be an int from 1"),
        ({"batches": 0}, "num_batches must be an int from 1"),
        ({"evaluate_every": 0}, "evaluate_every must be an int from 1"),
        (
            {"study": "feature_set", "env_kwargs": {"generalization": "hard_dimension"}},
            "env_kwargs must hold no argument that the study's variations decide, got generalization",
        ),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Recipe(), **arguments).check()


def test_a_variation_may_learn_from_reward(monkeypatch):
    """With the preset of its algorithm, beside others that watch."""
    acts = Variation(name="acts", description="Learns from reward.", algorithm="ppo", ppo={"gamma": 0.5}, training={"batch_size": 32})
    chosen = STUDIES["architectures"]
    monkeypatch.setitem(STUDIES, "architectures", dataclasses.replace(chosen, variations=(chosen.variations[0], acts)))
    watching, acting = (config for _, config in Recipe(seeds=1, batches=30).configs())
    assert watching.ppo is None and watching.training.num_batches == acting.training.num_batches == 30
    assert acting.ppo.gamma == 0.5 and acting.training.batch_size == 32 and acting.training.learning_rate == 2e-3
