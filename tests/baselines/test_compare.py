"""The comparison command, end to end."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import baselines
import gym_causal
from baselines.compare import Args, main, parse
from baselines.comparison import Comparison, results_table
from baselines.results import COLUMNS
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.task_spec import TaskSpec
from gym_causal.registry import registered_ids, task_spec

POLICIES = ("expert", "random", "value", "structure")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    (folder / "results.csv").write_text("of an earlier run\n")
    main(Args(episodes=50, out=folder, policies=POLICIES, splits=("train", "eval_path"), seed=3))
    return folder


def test_csv_has_one_tidy_row_a_number(out):
    results = pd.read_csv(out / "results.csv")
    assert list(results.columns) == COLUMNS == ["env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"]
    assert not results.duplicated(["split", "policy", "metric"]).any()
    assert set(results["policy"]) == set(POLICIES) and set(results["split"]) == {"train", "eval_path"}
    assert {"reward", "normalized_reward", "optimal_action_rate", "match_value", "match_structure"} <= set(results["metric"])
    assert (results["episodes"] == 50).all() and (results["seed"] == 3).all()
    normalized = results[results["metric"] == "normalized_reward"].set_index(["policy", "split"])["mean"]
    assert (normalized["expert"] == 1.0).all() and (normalized["structure"] > normalized["random"]).all()
    assert (results["low"] <= results["high"]).all()


def test_json_holds_the_same_rows_and_how_they_came_about(out):
    document = json.loads((out / "results.json").read_text())
    pd.testing.assert_frame_equal(pd.DataFrame(document["results"]), pd.read_csv(out / "results.csv"), check_dtype=False)
    assert document["arguments"]["episodes"] == 50 and document["arguments"]["policies"] == list(POLICIES)
    assert set(document["versions"]) >= {"python", "gym_causal", "gymnasium", "numpy"}


def test_figures_are_written_and_nothing_else_is_left(out):
    files = ["figure.png", "figure.svg", "report.html", "results.csv", "results.json", "strategy_match.png"]
    assert sorted(path.name for path in out.iterdir()) == files
    for name in ("figure.png", "strategy_match.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "figure.svg").read_text()


def test_table_has_policies_as_rows_and_splits_as_columns(out):
    shown = results_table(pd.read_csv(out / "results.csv"))
    assert [column.header for column in shown.columns] == ["policy", "train", "eval_path"]
    assert list(shown.columns[0].cells) == list(POLICIES)
    assert next(iter(shown.columns[1].cells)) == "1.000 [1.000, 1.000]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policies": ("luck",)}, "name must be one of"),
        ({"splits": ("tain",)}, "split must be one of"),
        ({"env": "Luck-v0"}, "env_id must be"),
        ({"env_kwargs": {"num_variable": 4}}, "did you mean 'num_variables'"),
        ({"env_kwargs": {"num_variables": 1}}, "num_variables must be"),
        ({"env": "OddOneOut-v0", "exploration_sign": "random"}, "OddOneOut-v0 got an unexpected keyword argument 'exploration_sign'"),
        ({"env": "CartPole-v1", "env_kwargs": {"gravty": 4}}, "error: .*gravty"),
        ({"env_kwargs": {"models": "no_such_module:f"}}, "models: 'no_such_module:f' cannot be imported"),
        ({"seed": -1}, "seed must be an int from 0"),
        ({"episodes": 0}, "episodes must be an int from 1"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        main(Args(**{"episodes": 10, "out": tmp_path / "new", **arguments}))
    assert not (tmp_path / "new").exists()


def test_what_is_named_twice_is_compared_once():
    """Also an agent that is named among the policies."""
    agents = {"agent": lambda observations, state, starts: (np.zeros(len(starts), int), state)}
    comparison = Comparison(
        env_id="CausalDAG-v0", policies=("random", "agent", "random"), splits=("eval_path", "train", "eval_path"), agents=agents
    )
    assert (comparison.compared_policies, comparison.compared_splits) == (("agent", "random"), ("eval_path", "train"))
    assert Comparison(env_id="CausalDAG-v0", agents=agents).compared_policies[:3] == ("agent", "expert", "random")


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit, match=r"error: .*file"):
        main(Args(episodes=5, out=tmp_path / "file"))
    assert "train" not in capsys.readouterr().out  # nothing was played in vain


def test_an_unknown_env_is_reported_while_options_are_read():
    with pytest.raises(SystemExit, match="error: env_id must be one of"):
        parse(["--env", "Luck-v0"])


def test_a_task_in_a_module_has_options_of_its_own(hint_id):
    assert parse(["--env", f"tests.hint_task:{hint_id}", "--env-kwargs.prize", "2"]).env_kwargs == {"prize": 2}


def test_help_answers(capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--env", "--episodes", "--seed", "--out", "--splits", "--policies", "--exploration-sign", "--env-kwargs.num-variables"):
        assert option in shown


@pytest.mark.parametrize("env_id", [env_id for env_id in registered_ids() if env_id != "CausalDAG-v0"])
def test_every_env_has_a_comparison(env_id, tmp_path, capsys):
    shorter = {"num_experiments": 1, "max_trial_steps": 14} if env_id == "OddOneOutIntervention-v0" else {}
    main(Args(env=env_id, episodes=6, out=tmp_path, env_kwargs=shorter))
    results, spec = pd.read_csv(tmp_path / "results.csv"), task_spec(env_id)
    assert list(results["policy"].unique()) == ["expert", *baselines.compared_strategies(env_id)]
    assert tuple(results["split"].unique()) == spec.splits
    printed = capsys.readouterr().out
    assert all(metric in printed for metric in spec.metrics)
    normalized = results[results["metric"] == "normalized_reward"].set_index(["policy", "split"])["mean"]
    assert (normalized["expert"] > normalized["random"]).all()


def test_help_needs_no_slow_import():
    code = "import sys; from baselines.compare import parse\ntry: parse(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'pandas', 'matplotlib', 'scipy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_command_line_is_parsed_with_the_options_of_its_env():
    line = "--env OddOneOut-v0 --episodes 7 --splits train --policies expert nearest --env-kwargs.max-trial-steps 9"
    args = parse(line.split())
    assert (args.env, args.episodes, args.splits, args.policies) == ("OddOneOut-v0", 7, ("train",), ("expert", "nearest"))
    assert args.env_kwargs == {"max_trial_steps": 9}
    assert parse(["--exploration-sign", "random"]).exploration_sign == "random" and parse([]).exploration_sign is None


def test_a_task_of_ones_own_has_its_options_under_the_name_of_its_module(tmp_path, monkeypatch):
    lines = ["import gym_causal", "from tests.hint_task import HintConfig, HintTask"]
    lines += ["gym_causal.register_task(gym_causal.TaskSpec(env_id='OnlyHere-v0', task=HintTask, config=HintConfig))"]
    (tmp_path / "only_here.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    assert parse(["--env", "only_here:OnlyHere-v0", "--env-kwargs.prize", "2"]).env_kwargs == {"prize": 2.0}


def means(out, metric="reward"):
    """policy -> mean of a metric on the train split."""
    results = pd.read_csv(out / "results.csv")
    return results[(results["metric"] == metric) & (results["split"] == "train")].set_index("policy")["mean"]


@pytest.mark.parametrize(
    ("arguments", "env_kwargs"),
    [
        ({"exploration_sign": "random"}, {"exploration_sign": "random"}),
        ({"env_kwargs": {"num_variables": 4}}, {"num_variables": 4}),
    ],
)
def test_arguments_of_the_env_reach_the_env_and_its_strategies(arguments, env_kwargs, tmp_path):
    main(Args(episodes=25, out=tmp_path, policies=("change",), splits=("train",), **arguments))
    change = baselines.make("change", "CausalDAG-v0", **env_kwargs)
    expected = gym_causal.evaluate(change, "CausalDAG-v0", split="train", num_episodes=25, seed=0, **env_kwargs)
    assert means(tmp_path)["change"] == expected.reward.mean
    assert json.loads((tmp_path / "results.json").read_text())["arguments"]["exploration_sign"] == arguments.get("exploration_sign")


# --- tasks and strategies of other people -----------------------------------------------------------------------------------


class WithoutExpert(CausalDAGTask):
    """Causal DAGs of which nobody knows the optimum."""

    def expert_actions(self):
        raise NotImplementedError


def first_variable(seed, env_kwargs):
    """Sets variable ``seed`` to its positive value in every trial."""
    return lambda observations, state, episode_starts: (np.full(len(episode_starts), seed), state)


@pytest.fixture(scope="module")
def registered():
    """Two tasks of our own, the second without an expert; the first with two strategies."""
    ids = ("ComparedDAG-v0", "ComparedDAGWithoutExpert-v0")
    for env_id, task in zip(ids, (CausalDAGTask, WithoutExpert), strict=True):
        spec = TaskSpec(env_id=env_id, task=task, config=CausalDAGConfig, splits=("train", "eval_path"), metrics=("normalized_reward",))
        gym_causal.register_task(spec)
    baselines.register_strategy(ids[0], "constant", first_variable)
    baselines.register_strategy(ids[0], "hidden", first_variable, compared=False)
    return ids


def test_a_registered_task_is_compared_with_its_strategies(registered, tmp_path):
    main(Args(env=registered[0], episodes=10, out=tmp_path))
    results = pd.read_csv(tmp_path / "results.csv")
    assert list(results["policy"].unique()) == ["expert", "random", "constant"]
    assert list(results["split"].unique()) == ["train", "eval_path"]
    match = means(tmp_path, "match_constant")
    assert match["random"] < 0.5  # the reference has another seed, so it sets another variable than "constant" itself
    assert (tmp_path / "strategy_match.png").exists()
    main(Args(env=registered[0], episodes=10, out=tmp_path, policies=("hidden",)))
    assert list(pd.read_csv(tmp_path / "results.csv")["policy"].unique()) == ["hidden"]


def test_a_task_without_an_expert_is_compared_without_it(registered, tmp_path, capsys):
    main(Args(env=registered[1], episodes=10, out=tmp_path))
    assert list(means(tmp_path).index) == ["random"]
    assert f"{registered[1]} has no expert" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="got 'expert', which it does not have"):
        main(Args(env=registered[1], episodes=10, out=tmp_path / "new", policies=("expert",)))
    assert not (tmp_path / "new").exists()


def test_an_env_that_is_not_ours_is_compared_with_what_is_registered_for_it(tmp_path, capsys):
    baselines.register_strategy("CartPole-v1", "towards_the_pole", lambda seed, env_kwargs: balance)
    main(Args(env="CartPole-v1", episodes=6, out=tmp_path))
    rewards = means(tmp_path)
    assert list(rewards.index) == ["random", "towards_the_pole"] and rewards["towards_the_pole"] > rewards["random"] + 10
    assert "CartPole-v1 has no expert" in capsys.readouterr().out and (tmp_path / "figure.png").exists()
    assert not means(tmp_path, "match_towards_the_pole").isna().any()


def balance(observations, state, episode_starts):
    """Pushes the cart towards the side to which the pole falls."""
    angle, velocity = observations["observation"][:, 2], observations["observation"][:, 3]
    return (angle + velocity > 0).astype(int), state


def test_a_strategy_needs_a_new_name_and_a_known_env(registered):
    for name in ("constant", "expert"):
        with pytest.raises(ValueError, match=f"name must be a new one for {registered[0]}, got '{name}'"):
            baselines.register_strategy(registered[0], name, first_variable)
    with pytest.raises(ValueError, match="env_id must be"):
        baselines.register_strategy("Luck-v0", "constant", first_variable)
    with pytest.raises(ValueError, match="name must be one of constant, hidden, got 'luck'"):
        baselines.make("luck", registered[0])


def test_arguments_of_a_strategy_are_checked():
    with pytest.raises(TypeError, match="did you mean 'num_variables'"):
        baselines.make("change", "CausalDAG-v0", num_variable=4)
    with pytest.raises(ValueError, match="seed must be an int from 0"):
        baselines.make("change", "CausalDAG-v0", seed=-1)
