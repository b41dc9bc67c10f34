"""Recording in parallel processes: the same bytes as in one, and a clean end whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gym_causal
from gym_causal.collect import recording
from gym_causal.collect.__main__ import main, parse
from tests.conftest import short_arrays

ROOT = Path(__file__).parents[1]
COUNTS = {1_024: 1_100, 4_096: 4_200}  # length of a part -> two parts


class Slow:
    """Picks action 0 a hundred times a second at most, and touches a file each time."""

    def __call__(self, observations, state, episode_starts):
        Path(os.environ["STARTED"]).touch()
        time.sleep(0.01)
        return np.zeros(len(episode_starts), int), state


class Dies:
    """Ends its process in the second part, which has fewer rows."""

    def __call__(self, observations, state, episode_starts):
        if len(episode_starts) < 1_000:
            os._exit(3)
        return np.zeros(len(episode_starts), int), state


class Errs:
    """Returns actions that are none."""

    def __call__(self, observations, state, episode_starts):
        return np.full(len(episode_starts), -1), state


class Coin:
    """Learns only from ``bind`` where it acts; draws each part's actions from the seed it gets there."""

    def bind(self, venv, seed):
        rng = np.random.default_rng(seed)
        return lambda observations, state, starts: (rng.integers(2, size=len(starts)), state)


@pytest.mark.parametrize(
    ("policy", "env_id", "kwargs"),
    [
        ("expert", "CausalDAG-v0", {}),
        ("random", "CausalDAG-v0", {"explain": "none"}),
        ("random", "OddOneOutIntervention-v0", short_arrays("OddOneOutIntervention-v0")),
        ("random", "CausalDAGText-v0", {}),
        (Coin(), "gymnasium.envs.classic_control:CartPole-v1", {"max_episode_steps": 9}),
    ],
)
def test_the_file_has_the_same_bytes(policy, env_id, kwargs, tmp_path):
    files, counts, length = [], [], max(1_024, gym_causal.make_task(env_id, 1, **kwargs).block_size)
    for workers in (1, 3):
        episodes = gym_causal.collect(
            policy, env_id, num_episodes=COUNTS[length], seed=4, workers=workers, progress=counts.append, **kwargs
        )
        episodes.save(tmp_path / "episodes.npz")
        files.append((tmp_path / "episodes.npz").read_bytes())
    assert files[0] == files[1] and sorted(counts[:2]) == sorted(counts[2:]) == [COUNTS[length] - length, length]
    assert len(episodes) == COUNTS[length] and ("OddOneOut" not in env_id or len(np.unique(episodes.lengths)) > 1)
    if policy != "expert":  # the second part is no repetition of the first
        assert not np.array_equal(episodes[:50].actions, episodes[length : length + 50].actions)


def test_parts_are_what_one_part_is(monkeypatch):
    """Of the expert, which draws nothing: the boundary shows nowhere."""
    parts = gym_causal.collect("expert", "OddOneOut-v0", num_episodes=1_100, observation="symbolic")
    monkeypatch.setattr(recording, "MAX_BATCH", 2_000)
    whole = gym_causal.collect("expert", "OddOneOut-v0", num_episodes=1_100, observation="symbolic")
    for kind in ("observations", "explanations"):
        mine, theirs = getattr(parts, kind), getattr(whole, kind)
        assert mine.keys() == theirs.keys() and all(np.array_equal(mine[key], theirs[key]) for key in mine)
    for name in ("actions", "rewards", "lengths", "truncated"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name))


def test_the_command_records_what_the_function_does(tmp_path, capsys):
    line = ["OddOneOut-v0", "--policy", "random", "--episodes", "30", "--seed", "2", "--split", "train", "--workers", "2"]
    main([*line, "--env-kwargs.observation", "symbolic", "--env-kwargs.max-trial-steps=9", "--out", str(tmp_path / "a.npz")])
    options = {"observation": "symbolic", "max_trial_steps": 9}
    gym_causal.collect("random", "OddOneOut-v0", num_episodes=30, seed=2, **options).save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert "Recorded 30 episodes of" in capsys.readouterr().out


def test_values_are_read_as_json_or_as_words():
    line = ["X-v0", "--out", "x", "--env-kwargs.a", "[1, 2]", "--env-kwargs.b-c", "word", "--env-kwargs.d=True", "--env-kwargs.e", "-1"]
    assert parse(line)[1] == {"a": [1, 2], "b_c": "word", "d": True, "e": -1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--workers", "0"], "workers must be an int from 1 to 1024, got 0"),
        (["--episodes", "0"], "num_episodes must be an int of at least 1, got 0"),
        (["--policy", "luck"], "policy must be module:name of a policy, got 'luck'"),
        (["--env-kwargs.xplain", "full"], "CausalDAG-v0 got an unexpected keyword argument 'xplain'; did you mean 'explain'?"),
        (["--out", "nowhere/a.npz"], "out must be in a folder that exists, got 'nowhere/a.npz'"),
        (["--workers", "2", "--policy", "tests.test_collect:Errs"], "policy: actions must be in 0..9, got -1..-1"),
        (["--workers", "2", "--policy", "tests.test_collect:Dies"], "workers: a worker process died"),
    ],
)
def test_mistakes_and_deaths_end_in_one_line_without_a_file(line, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with pytest.raises(SystemExit, match=f"^error: {message}"):
        main(["CausalDAG-v0", "--episodes", "4200", "--out", "a.npz", *line])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def interrupts_are_answered():
    """As in a terminal: a shell starts background jobs with SIGINT ignored, and so are all processes that they start."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", ["Ctrl-C", "killed"])
@pytest.mark.usefixtures("interrupts_are_answered")
def test_no_process_plays_on_and_there_is_no_file(how, tmp_path):
    """Ctrl-C reaches every process of a terminal; a kill reaches the first alone."""
    started, out = tmp_path / "started", tmp_path / "a.npz"
    line = [sys.executable, "-m", "gym_causal.collect", "CartPole-v1", "--policy", "tests.test_collect:Slow", "--episodes", "100000"]
    command = subprocess.Popen(
        [*line, "--workers", "2", "--out", str(out)],
        env={**os.environ, "STARTED": str(started), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(started.exists)
    if how == "Ctrl-C":
        os.killpg(command.pid, signal.SIGINT)
    else:
        command.kill()
    error = command.communicate(timeout=60)[1]
    assert list(tmp_path.iterdir()) == [started]
    if how == "Ctrl-C":
        assert command.returncode == 1 and error == f"interrupted: nothing was written to {out}\n"
    time.sleep(0.5)
    last_played = started.stat().st_mtime_ns
    time.sleep(0.5)
    assert started.stat().st_mtime_ns == last_played


def wait_until(condition) -> None:
    """Poll, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.02)
