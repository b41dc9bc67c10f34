"""The studies of imperfect demonstrations: each variation has the errors that its name and its levels say, and runs leave the figures."""

import pandas as pd
import pytest

pytest.importorskip("imitation")

import gym_causal
from agents.ablate import Args, main
from agents.algorithms.training_data import demonstrator
from agents.data.demonstrations import collect
from agents.data.experts import ImperfectExpert
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import runs_of
from agents.sweeps.studies import study

TEACHERS = ("imperfect_teachers", "imperfect_room_teachers")
QUANTITIES = {"error rate": "error_rate", "random player share": "random_player_share"}


def variations(name):
    return [(variation, config.training) for variation, config in Recipe(study=name, seeds=1).configs()]


@pytest.mark.parametrize("name", TEACHERS)
def test_levels_are_those_of_the_training(name):
    for variation, training in variations(name):
        false_share = training.shuffled_share if training.shuffled_explanations else 0.0
        for level in variation.levels:
            assert level.line == training.explanations
            if level.quantity in QUANTITIES:
                assert level.value == getattr(training, QUANTITIES[level.quantity])
            else:  # without explanations none can be false
                assert level.quantity == "false explanation share"
                assert level.value == false_share or training.explanations == "none"
        named = [getattr(training, field) for field in QUANTITIES.values()] + [false_share]
        assert sum(value > 0 for value in named) <= 1  # one thing at a time


@pytest.mark.parametrize(("name", "mode"), list(zip(TEACHERS, ("full", "all"), strict=True)))
def test_every_figure_has_a_line_without_and_one_with_explanations(name, mode):
    found: dict[tuple[str, str], set[float]] = {}
    for variation in study(name).variations:
        for level in variation.levels:
            found.setdefault((level.quantity, level.line), set()).add(level.value)
    for line in ("none", mode):
        assert found["error rate", line] == {0, 0.1, 0.25, 0.5}
        assert found["random player share", line] == {0, 0.25, 0.5, 0.75, 0.9}
        assert found["false explanation share", line] == {0, 0.25, 0.5, 1}
    assert len(found) == 6


def test_demonstrations_are_as_good_as_the_description_says():
    """A random player earns a sixth of the optimum."""
    configs = {variation.name: config for variation, config in Recipe(study="imperfect_teachers", seeds=1).configs()}
    returns = {
        name: collect(demonstrator(configs[name]), "CausalDAG-v0", 2_000, 0, {}).returns.mean()
        for name in ("none", "full", "full_error_0.25", "none_random_0.5", "full_random_0.9", "full_false_0.5")
    }
    assert returns["none"] == returns["full"] == returns["full_false_0.5"]
    expected = {"full_error_0.25": 0.25, "none_random_0.5": 0.5, "full_random_0.9": 0.9}
    for name, share in expected.items():
        assert returns[name] / returns["none"] == pytest.approx(1 - share * (1 - 0.16), abs=0.06)


def test_demonstrations_in_rooms_are_of_bounded_length():
    configs = {variation.name: config for variation, config in Recipe(study="imperfect_room_teachers", seeds=1).configs()}
    config = configs["none_random_0.9"]
    arguments = {**config.env_kwargs, **config.demonstration_kwargs}
    lengths = collect(demonstrator(config), config.env_id, 200, 0, arguments).lengths
    assert 64 < lengths.max() <= 4 * (32 + 1)  # 32 steps and one of feedback
    assert "max_trial_steps" not in config.env_kwargs and all("max_trial_steps" in each.demonstration_kwargs for each in configs.values())


def test_a_run_reports_what_was_demonstrated(tmp_path, tiny_presets):
    (run,) = runs_of(Recipe(study="imperfect_room_teachers", variations=("none_error_0.5",), seeds=1, episodes=100, out=tmp_path))
    run.execute()
    results = run.results().set_index(["metric", "split"])["mean"]
    arguments = {**run.config.env_kwargs, **run.config.demonstration_kwargs}
    played = gym_causal.evaluate(ImperfectExpert(error_rate=0.5), run.config.env_id, num_episodes=100, seed=0, **arguments)
    expert = gym_causal.evaluate("expert", run.config.env_id, num_episodes=100, seed=0, **run.config.env_kwargs)
    assert results["demonstrated_reward", "train"] == played.reward.mean
    assert results["expert_reward", "train"] == expert.reward.mean
    fraction = results["demonstrated_reward", "train"] / results["expert_reward", "train"]
    assert results["demonstrated_fraction_of_expert", "train"] == pytest.approx(fraction)
    assert ("demonstrated_reward", "eval") not in results  # nothing is demonstrated there


@pytest.mark.slow
def test_a_study_of_errors_leaves_its_figures_and_levels(tmp_path, tiny_presets):
    args = Args(study="imperfect_teachers", variations=("none", "none_error_0.5"), seeds=1, episodes=50, out=tmp_path)
    for run in runs_of(args):
        run.execute()
    main(args)  # finds them all finished
    figures = {path.stem for path in tmp_path.glob("*.png")} & {path.stem for path in tmp_path.glob("*.svg")}
    assert figures >= {"error_rate", "false_explanation_share"} and "random_player_share" not in figures  # of one value there is no figure
    results = pd.read_csv(tmp_path / "results.csv").set_index(["metric", "policy", "split"])["mean"]
    levels = pd.read_csv(tmp_path / "levels.csv")
    shown = levels[(levels["metric"] == "normalized_reward") & (levels["split"] == "train") & (levels["quantity"] == "error rate")]
    expected = [results["normalized_reward", policy, "train"] for policy in ("none", "none_error_0.5")]
    assert list(shown["value"]) == [0, 0.5] and list(shown["mean"]) == pytest.approx(expected) and set(shown["line"]) == {"none"}
