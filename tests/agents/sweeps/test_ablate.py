"""The ablation command, end to end with agents of a few updates, and its numbers by hand."""

import json
import multiprocessing
import shutil

import numpy as np
import pandas as pd
import pytest
import tyro
from matplotlib.collections import PathCollection

pytest.importorskip("imitation")

import torch

import gym_causal
from agents.ablate import Args, encode, main, table
from agents.analysis import plots
from agents.config.agent import PRESETS, Preset, TrainingConfig
from agents.policies.checkpoints import load_checkpoint
from agents.sweeps import runs as ablate_runs
from agents.sweeps.runs import Run
from agents.sweeps.studies import STUDIES, Column, study
from baselines.compare import COLUMNS
from baselines.plots import PALETTE

VARIATIONS = ("trial", "one_head")
SPLITS = ("train", "eval_target", "eval_path")
TINY = Preset(
    training=TrainingConfig(
        num_batches=4, batch_size=16, validation_episodes=16, evaluate_every=2, evaluation_episodes=20, checkpoint_every=2
    )
)


def ablate_into(folder, **arguments) -> None:
    main(Args(**{"study": "trial", "seeds": 2, "variations": VARIATIONS, "episodes": 30, "processes": 2, "out": folder, **arguments}))


@pytest.fixture(scope="module")
def tiny():
    """Trainings of four updates, in processes that are forks of one that has imported everything; importing takes longest of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS["CausalDAG-v0"], "quick", TINY)
        if "forkserver" in multiprocessing.get_all_start_methods():
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["tests.agents.preloaded"])
            patch.setattr(ablate_runs.multiprocessing, "get_context", lambda _: context)
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory, tiny):
    folder = tmp_path_factory.mktemp("ablate")
    ablate_into(folder)
    return folder


@pytest.fixture
def copy(out, tmp_path):
    """The folder, to be changed, and called again."""
    return shutil.copytree(out, tmp_path / "ablate")


def a_run(study_name: str, variation: str, folder, seed: int = 0, episodes: int = 25) -> Run:
    (chosen,) = study(study_name).chosen([variation])
    return Run(variation, chosen.config("CausalDAG-v0", seed, TINY), folder, SPLITS, episodes)


def runs(folder):
    return sorted(path.parent for path in folder.glob("*/seed_*/config.json"))


def test_results_have_one_tidy_row_a_number(out):
    results = pd.read_csv(out / "results.csv")
    assert list(results.columns) == [*COLUMNS, "seed_of_training"]
    assert not results.duplicated(["split", "policy", "metric", "seed_of_training"]).any()
    assert list(results["policy"].unique()) == list(VARIATIONS) and set(results["split"]) == set(SPLITS)
    assert set(results["seed_of_training"]) == {0, 1}
    evaluations = results[results["metric"] != "held_out_ratio"]
    assert (evaluations["episodes"] == 30).all() and (evaluations["seed"] == 0).all()
    cells = evaluations.set_index(["policy", "split", "seed_of_training", "metric"])["mean"].unstack()
    for split in SPLITS:
        best = gym_causal.evaluate("expert", "CausalDAG-v0", split=split, num_episodes=30, seed=0).reward.mean
        mine = cells.xs(split, level="split")
        assert mine["fraction_of_expert"].to_numpy() == pytest.approx(mine["reward"].to_numpy() / best)
    ratios = results[results["metric"] == "held_out_ratio"]
    assert len(ratios) == 4 and (ratios["low"] < ratios["mean"]).all() and (ratios["mean"] < ratios["high"]).all()


def test_json_holds_the_tables_and_how_they_came_about(out):
    document = json.loads((out / "results.json").read_text())
    for name in ("results", "summary"):
        pd.testing.assert_frame_equal(pd.DataFrame(document[name]), pd.read_csv(out / f"{name}.csv"), check_dtype=False)
    about = document["variations"]["one_head"]
    assert about["description"] == "One attention head." and about["updates"] == 4
    assert about["config"]["architecture"]["num_heads"] == 1 and about["config"]["training"]["batch_size"] == 16


def test_every_run_leaves_an_agent_its_curve_and_its_probe(out):
    assert [str(path.relative_to(out)) for path in runs(out)] == ["one_head/seed_0", "one_head/seed_1", "trial/seed_0", "trial/seed_1"]
    for path in runs(out):
        assert len(pd.read_csv(path / "probe.csv")) == 20 * 5
        assert set(pd.read_csv(path / "learning_curve.csv")["batch"]) == {2, 4}
    figures = {"learning_curves", "rewards", "probe", "probe_slopes"}
    tables = {"results.csv", "summary.csv", "results.json"}
    assert {path.name for path in out.iterdir()} == {f"{name}.{kind}" for name in figures for kind in ("png", "svg")} | tables | set(
        VARIATIONS
    )


def test_finished_runs_are_read_and_not_made_again(copy, capsys):
    before = {path: path.stat().st_mtime_ns for path in copy.glob("*/seed_*/*") if path.is_file()}
    results = (copy / "results.csv").read_bytes()
    (copy / "results.csv").unlink()
    ablate_into(copy)
    assert {path: path.stat().st_mtime_ns for path in copy.glob("*/seed_*/*") if path.is_file()} == before
    assert (copy / "results.csv").read_bytes() == results
    printed = capsys.readouterr().out
    assert "held-out ratio" in printed and "one_head" in printed


def test_what_is_missing_is_redone_alike_and_a_failure_does_not_touch_the_others(copy):
    """One run's folder is gone; another's checkpoint is damaged before it was evaluated."""
    before = pd.read_csv(copy / "results.csv")
    shutil.rmtree(copy / "one_head" / "seed_1")
    (copy / "trial" / "seed_0" / "results.csv").unlink()
    (copy / "trial" / "seed_0" / "checkpoint.safetensors").write_bytes(b"half")
    with pytest.raises(SystemExit, match=r"some runs failed(.|\n)*trial, seed 0: ValueError: .*error.txt"):
        ablate_into(copy)
    assert "Traceback" in (copy / "trial" / "seed_0" / "error.txt").read_text()
    others = before[(before["policy"] != "trial") | (before["seed_of_training"] != 0)].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(copy / "results.csv"), others)
    assert set(pd.read_csv(copy / "summary.csv").groupby("policy")["seeds"].max()) == {1, 2}


@pytest.mark.slow
def test_processes_that_import_everything_themselves_find_the_same(out, tmp_path, monkeypatch):
    """As users start them."""
    spawn = multiprocessing.context.SpawnContext()
    monkeypatch.setattr(ablate_runs.multiprocessing, "get_context", lambda _: spawn)
    ablate_into(tmp_path, seeds=1)
    results = pd.read_csv(out / "results.csv")
    expected = results[results["seed_of_training"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "results.csv"), expected)


def test_another_configuration_needs_another_folder(copy):
    with pytest.raises(SystemExit, match="agent of another configuration"):
        ablate_into(copy, batches=5)
    assert len(pd.read_csv(copy / "results.csv")["policy"].unique()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variations": ("luck",)}, "variations must be among"),
        ({"study": "luck"}, "study must be one of architectures, trial, confounded"),
        ({"env": "CartPole-v1"}, "env must be one of CausalDAG-v0, CausalDAGCued-v0, got 'CartPole-v1'"),
        ({"env": "OddOneOut-v0"}, "env must be one of CausalDAG-v0, CausalDAGCued-v0, got 'OddOneOut-v0'"),
        ({"study": "confounded", "env": "OddOneOut-v0"}, "env must be one of OddOneOutConfounded-v0, got 'OddOneOut-v0'"),
        ({"preset": "slow"}, "preset must be one of quick, full"),
        ({"episodes": 0}, "episodes must be an int from 1"),
        ({"seeds": 0}, "seeds must be an int from 1"),
        ({"batches": 0}, "num_batches must be an int from 1"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=message):
        main(Args(out=tmp_path / "new", **arguments))
    assert not (tmp_path / "new").exists()


def test_an_agent_without_experiments_is_evaluated_and_not_probed(tmp_path):
    run = a_run("architectures", "no_exploration", tmp_path)
    run.carry_out()
    assert run.finished and run.updates == 4 and not (tmp_path / "probe.csv").exists()
    results = run.results()
    assert "held_out_ratio" not in set(results["metric"])
    assert results.loc[results["metric"] == "exploration_coverage", "mean"].isna().all()
    assert results.loc[results["metric"] == "normalized_reward", "mean"].notna().all()


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    cut, whole = (a_run("trial", "trial", tmp_path / name, seed=5) for name in ("cut", "whole"))

    rate = TrainingConfig.learning_rate_at

    def killed(self, batch):
        if batch == 3:
            raise KeyboardInterrupt
        return rate(self, batch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingConfig, "learning_rate_at", killed)
        cut.carry_out()
    assert cut.updates == 2 and not cut.finished
    cut.carry_out()
    whole.carry_out()
    assert cut.finished and cut.updates == 4
    for name in ("results.csv", "probe.csv"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    # Not the file's bytes: safetensors writes its few words of metadata in any order.
    weights = [load_checkpoint(run.folder).weights for run in (cut, whole)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_evaluated_on_fewer_episodes_is_not_finished(copy):
    finished, longer = (a_run("trial", "trial", copy / "trial" / "seed_0", episodes=episodes) for episodes in (30, 31))
    assert finished.finished and not longer.finished


# --- numbers by hand -----------------------------------------------------------------------------------------------------


def rows(policy: str, means: list[float], metric: str = "normalized_reward", split: str = "train") -> list[dict]:
    head = {"env_id": "CausalDAG-v0", "split": split, "policy": policy, "metric": metric, "low": 0.0, "high": 1.0, "episodes": 9, "seed": 0}
    return [{**head, "mean": mean, "seed_of_training": seed} for seed, mean in enumerate(means)]


def test_summary_is_student_s_interval_over_seeds():
    summary = encode(pd.DataFrame(rows("a", [0.1, 0.2, 0.6]) + rows("b", [0.5]))).set_index("policy")
    # Mean 0.3, sample variance (0.04 + 0.01 + 0.09) / 2, and t of 2 degrees of freedom is 4.302653.
    half = 4.302653 * np.sqrt(0.07) / np.sqrt(3)
    assert summary.loc["a", ["mean", "low", "high"]].tolist() == pytest.approx([0.3, 0.3 - half, 0.3 + half], abs=1e-6)
    assert summary.loc["a", ["lowest", "highest", "seeds"]].tolist() == [0.1, 0.6, 3]
    assert summary.loc["b", "mean"] == 0.5 and np.isnan(summary.loc["b", "low"]) and summary.loc["b", "seeds"] == 1


def test_table_has_variations_as_rows_and_splits_as_columns():
    results = pd.DataFrame(
        rows("a", [0.4, 0.6]) + rows("a", [0.5], split="eval_path") + rows("a", [0.25], "held_out_ratio") + rows("b", [1.0])
    )
    about = {"a": {"parameters": 1_234, "updates": 10}, "b": {"parameters": 5, "updates": 10_000}}
    shown = table(encode(results), about, STUDIES["trial"].columns)
    headers = ["variation", "parameters", "updates", "train", "eval_target", "eval_path", "held-out ratio"]
    assert [column.header for column in shown.columns] == headers
    cells = [list(column.cells) for column in shown.columns]
    assert [column[0] for column in cells] == ["a", "1,234", "10", "0.500 [-0.771, 1.771]", "", "0.500", "0.250"]
    assert [column[1] for column in cells] == ["b", "5", "10,000", "1.000", "", "", ""]


def test_a_table_has_the_columns_it_is_asked_for():
    results = pd.DataFrame(rows("a", [0.25], "choice_shape", "eval") + rows("a", [0.75]) + rows("b", [0.5], "choice_shape"))
    about = {name: {"parameters": 1, "updates": 1} for name in "ab"}
    shown = table(encode(results), about, [Column(title="shape", metric="choice_shape", split="eval")])
    assert [column.header for column in shown.columns] == ["variation", "parameters", "updates", "shape"]
    assert list(shown.columns[3].cells) == ["0.250", ""]  # b's is of another split


def test_final_rewards_show_every_seed():
    results = pd.DataFrame(rows("a", [0.4, 0.6]) + rows("b", [0.9, 0.7]) + rows("a", [0.1, 0.2], split="eval_path"))
    (axes,) = plots.final_rewards(results, encode(results), PALETTE).axes
    bars = [patch.get_height() for patch in axes.patches]
    assert bars == pytest.approx([0.5, 0.8, 0.15, np.nan], nan_ok=True)
    dots = [seeds.get_offsets()[:, 1].tolist() for seeds in axes.collections if isinstance(seeds, PathCollection)]
    assert dots == [[0.4, 0.6], [0.9, 0.7], [0.1, 0.2], []]


def test_learning_curves_of_many_agents_are_a_grid_with_one_legend():
    curve = pd.DataFrame(rows("a", [0.2, 0.4])).assign(batch=[1, 1])
    curve = pd.concat([curve, curve.assign(batch=2, mean=curve["mean"] * 2)])
    figure = plots.learning_curves({f"agent_{i}": curve for i in range(6)}, PALETTE)
    assert [axes.get_title() for axes in figure.axes] == [f"agent {i}" for i in range(6)]
    assert len({axes.get_subplotspec().rowspan.start for axes in figure.axes}) == 2 and len(figure.legends) == 1
    one, other, mean, _ = (line.get_ydata() for line in figure.axes[0].lines)
    assert list(one) == [0.2, 0.4] and list(other) == [0.4, 0.8] and list(mean) == pytest.approx([0.3, 0.6])


def test_help_answers(capsys):
    with pytest.raises(SystemExit) as stopped:
        tyro.cli(Args, args=["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for option in ("study", "env", "seeds", "preset", "batches", "variations", "processes", "episodes", "out", "device"):
        assert f"--{option}" in shown
    assert all(name in shown for name in STUDIES)
