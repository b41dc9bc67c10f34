"""The comparison command, end to end."""

import json

import pandas as pd
import pytest
import tyro

from baselines.compare import COLUMNS, Args, main, table
from baselines.registry import SUITES

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
    assert sorted(path.name for path in out.iterdir()) == ["figure.png", "figure.svg", "results.csv", "results.json", "strategy_match.png"]
    for name in ("figure.png", "strategy_match.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "figure.svg").read_text()


def test_table_has_policies_as_rows_and_splits_as_columns(out):
    shown = table(pd.read_csv(out / "results.csv"))
    assert [column.header for column in shown.columns] == ["policy", "train", "eval_path"]
    assert list(shown.columns[0].cells) == list(POLICIES)
    assert next(iter(shown.columns[1].cells)) == "1.000 [1.000, 1.000]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policies": ("luck",)}, "name must be one of"),
        ({"splits": ("tain",)}, "split must be one of"),
        ({"env": "CartPole-v1"}, "env_id must be one of"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        main(Args(episodes=10, out=tmp_path / "new", **arguments))
    assert not (tmp_path / "new").exists()


def test_help_answers(capsys):
    with pytest.raises(SystemExit) as stopped:
        tyro.cli(Args, args=["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--env", "--episodes", "--seed", "--out", "--splits", "--policies", "--exploration-sign"):
        assert option in shown


@pytest.mark.parametrize("env_id", [env_id for env_id in SUITES if env_id != "CausalDAG-v0"])
def test_every_env_has_a_comparison(env_id, tmp_path, capsys):
    main(Args(env=env_id, episodes=20, out=tmp_path))
    results, suite = pd.read_csv(tmp_path / "results.csv"), SUITES[env_id]
    assert set(results["policy"]) == {"expert", *suite.compared} and set(results["split"]) == set(suite.splits)
    printed = capsys.readouterr().out
    assert all(metric in printed for metric in suite.headlines)
    normalized = results[results["metric"] == "normalized_reward"].set_index(["policy", "split"])["mean"]
    assert (normalized["expert"] > normalized["random"]).all()
