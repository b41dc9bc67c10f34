"""The examples run, as a user would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# Runs several scripts one after the other: importing torch's optimisers takes longer than any of them.
RUN_SCRIPTS = """
import contextlib, io, json, pathlib, runpy, sys
output = {}
for path, argument in json.loads(sys.argv[1]):
    sys.path.insert(0, str(pathlib.Path(path).parent))
    sys.argv = [path, argument]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(path, run_name="__main__")
    output[pathlib.Path(path).name] = printed.getvalue()
print(json.dumps(output))
"""


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command of Python prints."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def run_example(name: str, *arguments: str, cwd: Path | None = None) -> str:
    return run(str(EXAMPLES / name), *arguments, cwd=cwd)


def mean(line: str) -> float:
    """The number before the interval at the end of a line, "random 0.15 [0.14, 0.17]"."""
    return float(line.partition(" [")[0].rpartition(" ")[2])


def test_make_an_env():
    output = run_example("make_an_env.py")
    assert "return " in output and "(1000, 10)" in output


def test_expert_episode_is_explained():
    output = run_example("expert_episode.py")
    assert output.count("exploration:") == 5
    assert output.count("Setting ") == 5
    assert output.count("Optimal: ") == 2  # the expert's choices are


def test_compare_baselines_ranks_them():
    pytest.importorskip("scipy")
    rows = [line.split() for line in run_example("compare_baselines.py").splitlines()]
    assert [row[1] for row in rows] == ["random", "change", "structure", "expert"] * 3
    for k in range(0, len(rows), 4):
        means = [float(row[4]) for row in rows[k : k + 4]]
        assert means == sorted(means) and means[-1] == 1.0


def test_own_strategy_is_compared_with_the_others_and_beats_change():
    pytest.importorskip("scipy")
    rewards = {line.split()[0]: mean(line) for line in run_example("extend/new_strategy.py", "500").splitlines()}
    assert list(rewards) == ["random", "value", "change", "total_correlation", "partial_correlation", "mean_change"]
    assert rewards["mean_change"] > rewards["change"] > rewards["random"]


def test_pretrained_agent_experiments_and_exploits():
    pytest.importorskip("torch")
    output = run_example("pretrained_agent.py")
    assert output.count("Setting ") == 5
    assert float(output.split("return ")[1]) > 5


def test_sb3_ppo_example_trains_and_says_whether_it_beat_random():
    for module in ("stable_baselines3", "tqdm", "rich"):
        pytest.importorskip(module)
    output = run_example("train_ppo.py", "--steps", "2048", "--episodes", "50")  # so few steps promise nothing
    assert "after 2048 steps PPO " in output


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sb3_ppo_example_beats_random_within_its_budget(seed):
    pytest.importorskip("stable_baselines3")
    assert "PPO beats random play" in run_example("train_ppo.py", "--seed", str(seed))


def test_examples_that_train(tmp_path):
    for module in ("imitation", "minigrid"):
        pytest.importorskip(module)
    arguments = {
        "train_agent.py": "2",
        "extend/new_task.py": "2",
        "extend/new_network.py": "2",
        "extend/own_causal_graph.py": "2",
        "extend/clone_cartpole.py": "20",
        "extend/clone_minigrid.py": "40",
    }
    scripts = [(str(EXAMPLES / name), argument) for name, argument in arguments.items()]
    output = json.loads(run("-c", RUN_SCRIPTS, json.dumps(scripts), cwd=tmp_path).splitlines()[-1])

    lines = output["train_agent.py"].splitlines()
    assert [line.split()[0] for line in lines] == ["train", "eval_target", "eval_path"]
    assert (tmp_path / "results" / "example_agent" / "checkpoint.safetensors").exists()

    experiments, (expert, agent, accuracy) = (lines := output["new_task.py"].splitlines())[:5], lines[5:]
    assert sorted(line.split(" set")[0][-1] for line in experiments) == list("ABCDE")  # each variable is set once
    assert mean(expert) == 1.0 > mean(agent)
    assert 0 <= mean(accuracy) < 1

    assert [line.split()[0] for line in output["new_network.py"].splitlines()] == ["train", "eval_target"]
    assert (tmp_path / "results" / "gru_agent" / "checkpoint.safetensors").exists()

    fixed, sampled, *_ = output["own_causal_graph.py"].splitlines()
    assert "A by +10" in fixed and "does not move D or E" in fixed
    assert sampled.endswith("[4 4 4 4]")
    assert "agent, sampled models, eval_target" in output["own_causal_graph.py"]

    for name in ("clone_cartpole.py", "clone_minigrid.py"):
        returns = {line.split()[0]: mean(line) for line in output[name].splitlines()}
        assert returns["expert"] > returns["agent"] > returns["random"], name
