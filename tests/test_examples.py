"""The examples run, as a user would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd)


def test_make_an_env():
    result = run("make_an_env.py")
    assert result.returncode == 0, result.stderr
    assert "return " in result.stdout and "(1000, 10)" in result.stdout


def test_expert_episode_is_explained():
    result = run("expert_episode.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("exploration:") == 5
    assert result.stdout.count("Setting ") == 5
    assert result.stdout.count("Optimal: ") == 2  # the expert's choices are


def test_compare_baselines_ranks_them():
    pytest.importorskip("scipy")
    result = run("compare_baselines.py")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[1] for row in rows] == ["random", "change", "structure", "expert"] * 3
    for k in range(0, len(rows), 4):
        means = [float(row[4]) for row in rows[k : k + 4]]
        assert means == sorted(means) and means[-1] == 1.0


def test_sb3_ppo_example_trains_and_says_whether_it_beat_random():
    for module in ("stable_baselines3", "tqdm", "rich"):
        pytest.importorskip(module)
    result = run("train_ppo.py", "--steps", "2048", "--episodes", "50")
    assert result.returncode in (0, 1), result.stderr  # so few steps promise nothing
    assert "random play" in result.stdout, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sb3_ppo_example_beats_random_within_its_budget(seed):
    pytest.importorskip("stable_baselines3")
    result = run("train_ppo.py", "--seed", str(seed))
    assert result.returncode == 0, result.stdout + result.stderr


def test_pretrained_agent_experiments_and_exploits():
    pytest.importorskip("imitation")
    result = run("pretrained_agent.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Setting ") == 5
    assert float(result.stdout.split("return ")[1]) > 5


def test_train_agent_trains_and_evaluates(tmp_path):
    pytest.importorskip("imitation")
    result = run("train_agent.py", "2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["train", "eval_target", "eval_path"]
    assert (tmp_path / "results" / "example_agent" / "checkpoint.safetensors").exists()
