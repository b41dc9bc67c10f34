"""The ablation command, end to end with agents of a few updates: what it writes, and that it can be called again after anything."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import tyro

pytest.importorskip("imitation")

import multiprocessing

import torch

import gym_causal
from agents.ablate import Args, main
from agents.policies.checkpoints import load_checkpoint
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import Run, runs_of
from agents.sweeps.studies import STUDIES
from baselines.results import COLUMNS

VARIATIONS = ("trial", "one_head")
SPLITS = ("train", "eval_target", "eval_path")
ARGS = Args(study="trial", seeds=2, variations=VARIATIONS, episodes=30, processes=2)

# Runs are forks of a server that has imported everything. It starts once, so these tests share a module.

pytestmark = pytest.mark.usefixtures("tiny_presets")


@pytest.fixture(scope="module")
def out(tmp_path_factory, tiny_presets):
    """The folder of a whole command, whose runs are processes of their own."""
    folder = tmp_path_factory.mktemp("ablate")
    main(dataclasses.replace(ARGS, out=folder))
    return folder


@pytest.fixture
def copy(out, tmp_path):
    """That folder, to be changed, and the arguments to call the command again."""
    folder = shutil.copytree(out, tmp_path / "ablate")
    return folder, dataclasses.replace(ARGS, out=folder)


def a_run(folder, variation="trial", **changes) -> Run:
    """One run, with another number of updates or episodes, say."""
    study = "trial" if variation in VARIATIONS else "architectures"
    (run,) = runs_of(Recipe(study=study, seeds=1, variations=(variation,), episodes=25, out=folder, **changes))
    return run


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("*/seed_*/*") if path.is_file()}


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
        rows = cells.xs(split, level="split")
        assert rows["fraction_of_expert"].to_numpy() == pytest.approx(rows["reward"].to_numpy() / best)
    ratios = results[results["metric"] == "held_out_ratio"]
    assert len(ratios) == 4 and (ratios["low"] < ratios["mean"]).all() and (ratios["mean"] < ratios["high"]).all()


def test_json_holds_the_tables_and_how_they_came_about(out):
    document = json.loads((out / "results.json").read_text())
    for name in ("results", "summary"):
        pd.testing.assert_frame_equal(pd.DataFrame(document[name]), pd.read_csv(out / f"{name}.csv"), check_dtype=False)
    assert document["arguments"]["study"] == "trial" and set(document["versions"]) >= {"python", "gym_causal", "torch"}
    about = document["variations"]["one_head"]
    assert about["description"] == "One attention head." and about["updates"] == 4
    assert about["config"]["architecture"]["num_heads"] == 1 and about["config"]["training"]["batch_size"] == 16


def test_every_run_leaves_an_agent_its_curve_and_its_probe(out):
    folders = sorted(path.parent for path in out.glob("*/seed_*/config.json"))
    assert [str(path.relative_to(out)) for path in folders] == ["one_head/seed_0", "one_head/seed_1", "trial/seed_0", "trial/seed_1"]
    for path in folders:
        assert len(pd.read_csv(path / "probe.csv")) == 20 * 5
        assert set(pd.read_csv(path / "learning_curve.csv")["batch"]) == {2, 4}
    figures = {f"{name}.{kind}" for name in ("learning_curves", "rewards", "probe", "probe_slopes") for kind in ("png", "svg")}
    tables = {"results.csv", "summary.csv", "summary.md", "learning_curves.csv", "results.json", "report.html"}
    assert {path.name for path in out.iterdir()} == figures | tables | set(VARIATIONS)


def test_learning_curves_of_all_runs_are_one_table(out):
    curves = pd.read_csv(out / "learning_curves.csv")
    assert not curves.duplicated(["policy", "seed_of_training", "split", "metric", "batch"]).any()
    cells = curves.set_index(["policy", "seed_of_training", "split", "metric", "batch"])["mean"].sort_index()
    own = pd.read_csv(out / "one_head" / "seed_1" / "learning_curve.csv").set_index(["split", "metric", "batch"])["mean"]
    of_run = cells["one_head", 1].drop("fraction_of_expert", level="metric")
    assert of_run.sort_index().to_dict() == pytest.approx(own.sort_index().to_dict(), nan_ok=True)
    final = pd.read_csv(out / "results.csv").set_index(["policy", "seed_of_training", "split", "metric"])["mean"]
    for split in SPLITS:
        best = final["trial", 0, split, "expert_reward"]
        fractions = [cells["trial", 0, split, "fraction_of_expert", batch] for batch in (2, 4)]
        assert fractions == pytest.approx([cells["trial", 0, split, "reward", batch] / best for batch in (2, 4)])


def test_finished_runs_are_read_and_not_made_again(copy, capsys):
    folder, args = copy
    before, results = contents(folder), (folder / "results.csv").read_bytes()
    (folder / "results.csv").unlink()
    main(args)
    assert contents(folder) == before and (folder / "results.csv").read_bytes() == results
    printed = capsys.readouterr().out
    assert "held-out ratio" in printed and "one_head" in printed
    finished, longer = (a_run(folder) for _ in range(2))
    assert dataclasses.replace(finished, episodes=30).finished and not dataclasses.replace(longer, episodes=31).finished


def test_what_is_missing_is_made_again_and_a_failure_does_not_affect_the_others(copy):
    """One run's folder is gone; another's checkpoint is damaged, and it was not evaluated."""
    folder, args = copy
    before = pd.read_csv(folder / "results.csv")
    shutil.rmtree(folder / "one_head" / "seed_1")
    (folder / "trial" / "seed_0" / "results.csv").unlink()
    (folder / "trial" / "seed_0" / "checkpoint.safetensors").write_bytes(b"half")
    with pytest.raises(SystemExit, match=r"some runs failed(.|\n)*trial, seed 0: ValueError: .*error.txt"):
        main(args)
    assert "Traceback" in (folder / "trial" / "seed_0" / "error.txt").read_text()
    others = before[(before["policy"] != "trial") | (before["seed_of_training"] != 0)].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "results.csv"), others)
    assert set(pd.read_csv(folder / "summary.csv").groupby("policy")["seeds"].max()) == {1, 2}


def test_another_configuration_needs_another_folder(copy):
    folder, args = copy
    with pytest.raises(SystemExit, match=r"agent of another configuration \(.*training.num_batches was 4 and is 5"):
        main(dataclasses.replace(args, batches=5))
    assert len(pd.read_csv(folder / "results.csv")["policy"].unique()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variations": ("luck",)}, "variations must be among"),
        ({"study": "luck"}, "study must be one of architectures, trial, confounded"),
        ({"env": "CartPole-v1"}, "env must be one of CausalDAG-v0, CausalDAGCued-v0, got 'CartPole-v1'"),
        ({"processes": 0}, "processes must be an int from 1"),
        ({"published": True, "seeds": 2}, "published: its recipes decide"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=f"error: {message}"):
        main(Args(out=tmp_path / "new", **arguments))
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit, match=r"error: \[Errno 17\] .*file"):
        main(dataclasses.replace(ARGS, out=tmp_path / "file"))


def test_an_agent_without_experiments_is_evaluated_and_not_probed(tmp_path):
    run = a_run(tmp_path, "no_exploration")
    run.execute()
    assert run.finished and run.updates == 4 and not (run.folder / "probe.csv").exists()
    results = run.results()
    assert "held_out_ratio" not in set(results["metric"])
    assert results.loc[results["metric"] == "exploration_coverage", "mean"].isna().all()
    assert results.loc[results["metric"] == "normalized_reward", "mean"].notna().all()


def test_a_killed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    killed, whole = (a_run(tmp_path / name, batches=30) for name in ("killed", "whole"))
    process = multiprocessing.get_context("forkserver").Process(target=killed.execute)
    process.start()
    wait_until(lambda: killed.updates > 0, process)
    process.kill()
    process.join()
    assert killed.updates > 0 and not killed.finished
    killed.execute()
    whole.execute()
    check_same_run(killed, whole)


def check_same_run(first: Run, second: Run) -> None:
    assert first.finished and second.finished
    for name in ("results.csv", "probe.csv"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    # Not the file's bytes: safetensors writes its metadata in any order.
    weights = [load_checkpoint(run.folder).weights for run in (first, second)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def wait_until(condition, process) -> None:
    """Poll while a process runs, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it hangs"
        assert process.is_alive(), "it ended before it could be killed"
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_command_goes_on_as_users_start_it(tmp_path):
    """Its processes end with it, so that the second call has the folders for itself."""
    line = [sys.executable, "-m", "agents.ablate", "--study", "trial", "--variations", *VARIATIONS, "--seeds", "1", "--batches", "200"]
    line += ["--episodes", "30", "--processes", "2", "--out", str(tmp_path)]
    runs = runs_of(tyro.cli(Args, args=line[3:]))
    command = subprocess.Popen(line)
    deadline = time.monotonic() + 300
    while not all((run.folder / "learning_curve.csv").exists() for run in runs) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    time.sleep(3)
    assert not any(run.finished for run in runs)
    before = contents(tmp_path)
    time.sleep(3)
    assert contents(tmp_path) == before  # nobody trains on
    subprocess.run(line, check=True)
    assert all(run.finished for run in runs)


def test_help_answers_without_torch(tmp_path):
    """At once, that is; and it names every option and study."""
    code = "import sys, runpy; sys.argv[1:] = ['--help']\ntry: runpy.run_module('agents.ablate', run_name='__main__', alter_sys=True)\n"
    code += "except SystemExit as stopped: assert stopped.code == 0\nassert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for field in dataclasses.fields(Args):
        assert f"--{field.name.replace('_', '-')}" in shown
    assert all(name in shown for name in STUDIES)
