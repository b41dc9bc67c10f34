"""Several processes that train one agent: the weights of one process, the same bits each time, also after one of them is killed."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch
import torch.distributed as dist

from agents.algorithms import reinforcement_learning
from agents.algorithms.ranks import Ranks, process_group
from agents.policies.checkpoints import CONFIG, load_checkpoint
from tests.agents.algorithms import killed
from tests.agents.algorithms.test_kill_and_resume import check_same
from tests.agents.small import PPO_CONFIG, ROOM_CONFIG

ROOT = Path(__file__).parents[3]
# Episodes of different lengths, so that the parts of a batch have different numbers of steps; and explanations, which count otherwise.
SHORT = replace(ROOM_CONFIG, training=replace(ROOM_CONFIG.training, num_batches=6))
forks = pytest.mark.skipif("forkserver" not in killed.multiprocessing.get_all_start_methods(), reason="processes cannot be forked")


@forks
def test_two_learn_what_one_learns(tmp_path):
    """But for rounding: of gradients that are zero, the optimizer amplifies it to a few hundred-thousandths."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert killed.run(SHORT, one) == 0
    assert killed.run_ranks(SHORT, [two, two]) == [0, 0]
    expected, weights = load_checkpoint(one).weights, load_checkpoint(two).weights
    assert expected.keys() == weights.keys()
    for name, value in expected.items():
        assert torch.allclose(weights[name], value, atol=3e-4), name


@forks
def test_two_end_at_the_same_bits_however_often_one_is_killed(tmp_path):
    config, expected, folder = killed.with_dropout(SHORT), tmp_path / "uninterrupted", tmp_path / "killed"
    assert killed.run_ranks(config, [expected, expected]) == [0, 0]
    codes = killed.run_ranks(config, [folder, folder], ("in an update", 5))
    assert codes[1] == -signal.SIGKILL and codes[0] not in (0, None)  # the other does not go on alone
    assert load_checkpoint(folder).batch == 3
    assert killed.run_ranks(config, [folder, folder]) == [0, 0]
    check_same(folder, expected)


@forks
def test_they_must_see_one_folder(tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    assert killed.run(SHORT, here, ("in an update", 5)) == -signal.SIGKILL
    before = (here / CONFIG).stat().st_mtime_ns
    assert killed.run_ranks(SHORT, [here, elsewhere]) == [1, 1]
    assert not elsewhere.exists() and (here / CONFIG).stat().st_mtime_ns == before


def test_their_parts_are_the_batch():
    batch = np.arange(12)
    parts = [batch[Ranks(rank, 3).shard(12)] for rank in range(3)]
    assert [len(part) for part in parts] == [4, 4, 4] and sorted(np.concatenate(parts)) == batch.tolist()
    with pytest.raises(ValueError, match="batch_size must be a multiple of the number of processes, 5, got 12"):
        Ranks(0, 5).shard(12)


def test_each_rank_and_update_has_its_own_random_numbers():
    seeds = {Ranks(rank, 2).seed_of_update(seed, update) for rank in range(2) for seed in range(3) for update in range(4)}
    assert len(seeds) == 24


def test_learning_from_reward_takes_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(Ranks, "current", classmethod(lambda cls: cls(0, 2)))
    with pytest.raises(ValueError, match="algorithm must be bc under torchrun, got ppo in 2 processes"):
        reinforcement_learning.train(PPO_CONFIG, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_torchrun_decides_about_the_device(monkeypatch):
    with process_group("cuda:1") as device:
        assert device == "cuda:1" and not dist.is_initialized()
    monkeypatch.setattr(dist, "is_torchelastic_launched", lambda: True)
    with pytest.raises(ValueError, match=r"device must be cpu or cuda under torchrun, .* got 'cuda:1'"), process_group("cuda:1"):
        pass


@pytest.mark.slow
def test_torchrun_ends_all_when_one_is_killed_and_the_same_command_resumes(tmp_path):
    tiny = {"num-batches": 6, "batch-size": 16, "validation-episodes": 16, "evaluate-every": 4, "evaluation-episodes": 16}
    tiny |= {"checkpoint-every": 2, "chunk-size": 64}
    options = [word for name, value in tiny.items() for word in (f"--training.{name}", str(value))]
    options += ["--architecture.width", "16", "--architecture.num-heads", "2", "--architecture.num-layers", "1", "--episodes", "0"]

    def torchrun(folder: Path, *moment: str) -> int:
        line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        line += ["-m", "tests.agents.algorithms.one_of_several", *moment, *options, "--resume", "--out", str(folder)]
        return subprocess.run(line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode

    expected, folder = tmp_path / "uninterrupted", tmp_path / "killed"
    assert torchrun(expected, "never", "0") == 0
    assert torchrun(folder, "in an update", "4") != 0
    assert load_checkpoint(folder).batch == 2
    assert torchrun(folder, "never", "0") == 0
    check_same(folder, expected)
