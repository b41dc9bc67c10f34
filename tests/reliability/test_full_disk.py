"""A full disk while a file is written: the older file stays whole, nothing else is left, and the error is an OSError."""

import json
import multiprocessing
import resource
import signal

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

import gym_causal
from agents.algorithms.learning_curve import HISTORY, History
from agents.language.request_log import RequestLog
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, save_checkpoint, save_config
from tests.agents.small import CONFIG as AGENT

MODEL = {"model": "example"}
LIMIT = 8_192  # bytes that a file can have: as on a full disk, a write stops in the middle


def write_checkpoint(folder, size):
    save_checkpoint(folder, Checkpoint({"a": torch.arange(float(size))}, 1))


def write_episodes(folder, size):
    gym_causal.collect("expert", "CausalDAG-v0", num_episodes=size // 10, seed=size).save(folder / "episodes.npz")


def write_history(folder, size):
    history = History(folder / HISTORY, 0)
    history.add(1, [{"split": "train", "metric": "reward", "mean": 0.5}] * size)
    history.save()


def write_config(folder, size):
    save_config(folder, AGENT if size < 100 else type(AGENT)(env_kwargs={"models": {"weights": list(range(size))}}))


WRITERS = {CHECKPOINT: write_checkpoint, "episodes.npz": write_episodes, HISTORY: write_history, CONFIG: write_config}


def fill(writer, folder, size, errors):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails with an OSError
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    try:
        writer(folder, size)
    except OSError as error:
        errors.put(str(error))
    except Exception as error:
        errors.put(f"{type(error).__name__}: {error}")
    else:
        errors.put("it was written")


def filled(writer, folder, size):
    """What a writer says in a process whose files can have few bytes."""
    context = multiprocessing.get_context("fork")
    errors = context.Queue()
    process = context.Process(target=fill, args=(writer, folder, size, errors))
    process.start()
    message = errors.get(timeout=60)
    process.join()
    return message


@pytest.mark.parametrize("name", WRITERS)
def test_the_older_file_stays(name, tmp_path):
    WRITERS[name](tmp_path, 10)
    before = (tmp_path / name).read_bytes()
    assert len(before) < LIMIT
    message = filled(WRITERS[name], tmp_path, 20_000)
    assert "File too large" in message and "\n" not in message
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: before}


def write_answers(folder, size):
    log = RequestLog(folder / "requests.jsonl", MODEL)
    for number in range(size):
        log.add_scores("prompt", {f"context {number}": [(" A", -number / 3)]})


def test_a_log_of_requests_keeps_what_was_answered(tmp_path):
    message = filled(write_answers, tmp_path, 10_000)
    assert "File too large" in message
    assert (tmp_path / "requests.jsonl").stat().st_size == LIMIT
    scores = RequestLog(tmp_path / "requests.jsonl", MODEL).scores
    assert len(scores) > 30 and all(score == -number / 3 for number, score in enumerate(scores.values()))
    assert all(json.loads(line) for line in (tmp_path / "requests.jsonl").read_text("utf-8").splitlines())
