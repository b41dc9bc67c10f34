"""Frames per second of the odd-one-out envs, as multiples of their peers' in the same run.

    python -m benchmarks.odd_one_out [--seconds 2] [--rounds 5] [--out FILE] [--public-python PYTHON --public-source DIR]

Contestants take turns; a ratio is taken within a round, and the median round counts, with the lowest and the highest beside it. Seconds are
of the processor, so that other work on the machine matters less. Actions are random; resets and explanation tokens are included.

Peers: MiniGrid's RGB partial view, where it is installed; and the public environment of "Tell me why!" (docs/sources.md), which needs an
interpreter of its own: Python 3.9 with numpy==1.23, pycolab, dm-env and absl-py, and a checkout of its repository.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tyro

import gym_causal
from benchmarks.reports import save_report

Contestant = Callable[[float], float]  # plays for some processor seconds and returns steps per second

OURS = {
    f"{task} {num_envs} {observation}": (f"OddOneOut{task.capitalize()}-v0", num_envs, observation)
    for observation, sizes in (("pixels", (1, 64, 1_024)), ("symbolic", (1_024,)))
    for num_envs in sizes
    for task in ("confounded", "intervention")
}
PUBLIC = {"public confounded": ("confounded_color_full", 8), "public intervention": ("meta_3_hard2_color_full", 11)}
MINIGRID = "MiniGrid-Empty-8x8 RGB partial"

_PUBLIC_PLAYER = """
import sys, time, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
out, sys.stdout = sys.stdout, open("/dev/null", "w")  # it prints when it transforms
import numpy as np
from tell_me_why_explanations_rl import odd_one_out_environment
env, rng, actions = odd_one_out_environment.from_name(sys.argv[2]), np.random.default_rng(0), int(sys.argv[3])
env.reset()
for line in sys.stdin:
    steps, start = 0, time.process_time()
    while time.process_time() - start < float(line):
        for action in rng.integers(actions, size=50).tolist():
            env.step(action)
        steps += 50
    print(steps / (time.process_time() - start), file=out, flush=True)
"""


def timed(play: Callable[[], int]) -> Contestant:
    """A contestant of something that plays for a moment and returns how many steps that was."""

    def contestant(seconds: float) -> float:
        steps, start = 0, time.process_time()
        while (elapsed := time.process_time() - start) < seconds:
            steps += play()
        return steps / elapsed

    return contestant


def vector_env(venv: Any, steps: int = 20) -> Contestant:
    venv.reset(seed=0)
    actions = np.random.default_rng(0).integers(venv.single_action_space.n, size=(200, venv.num_envs))
    for action in actions:  # until episodes end at all times
        venv.step(action)
    place = 0

    def play() -> int:
        nonlocal place
        for _ in range(steps):
            place = (place + 1) % len(actions)
            venv.step(actions[place])
        return steps * venv.num_envs

    return timed(play)


def minigrid(steps: int = 50) -> Contestant:
    from minigrid.wrappers import RGBImgPartialObsWrapper  # noqa: PLC0415 - a peer that need not be installed

    env = RGBImgPartialObsWrapper(gym.make("MiniGrid-Empty-8x8-v0"))
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def play() -> int:
        for action in rng.integers(3, size=steps).tolist():
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return steps

    return timed(play)


def public_env(python: str, source: str, level: str, num_actions: int) -> Contestant:
    process = subprocess.Popen(
        [python, "-c", _PUBLIC_PLAYER, source, level, str(num_actions)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    request, answer = process.stdin, process.stdout

    def contestant(seconds: float) -> float:
        request.write(f"{seconds}\n")
        request.flush()
        return float(answer.readline())

    contestant(0.1)  # raises here when it does not run
    return contestant


def race(contestants: dict[str, Contestant], seconds: float, rounds: int) -> dict[str, list[float]]:
    """Steps per second of each, round by round."""
    return {
        name: list(rates)
        for name, rates in zip(
            contestants, zip(*([play(seconds) for play in contestants.values()] for _ in range(rounds)), strict=True), strict=True
        )
    }


@dataclass(frozen=True)
class Args:
    """Measure frames per second of the odd-one-out envs, as multiples of their peers'."""

    seconds: float = 2.0
    """Time given to each contestant in a round."""
    rounds: int = 5
    """Of which the median counts."""
    out: Path | None = None
    """A JSON file for all rates."""
    public_python: str | None = None
    """An interpreter in which the public environment runs."""
    public_source: str | None = None
    """A checkout of its repository."""


def main(args: Args) -> None:
    contestants: dict[str, Contestant] = {}
    if importlib.util.find_spec("minigrid"):
        contestants[MINIGRID] = minigrid()
    if args.public_python and args.public_source:
        for name, (level, num_actions) in PUBLIC.items():
            contestants[name] = public_env(args.public_python, args.public_source, level, num_actions)
    peers = list(contestants)
    for name, (env_id, num_envs, observation) in OURS.items():
        contestants[name] = vector_env(gym_causal.make_vec(env_id, num_envs, observation=observation))
    rates = race(contestants, args.seconds, args.rounds)
    for name, found in rates.items():
        line = f"{name:32s}{statistics.median(found):12,.0f} /s"
        for peer in peers if name in OURS else ():
            if peer.startswith("public") and peer.split()[1] != name.split()[0]:
                continue
            ratios = [ours / theirs for ours, theirs in zip(found, rates[peer], strict=True)]
            line += f"   {statistics.median(ratios):6.1f} ({min(ratios):.1f}..{max(ratios):.1f}) x {peer.split()[0]}"
        print(line)
    if args.out:
        save_report(args.out, {"seconds": args.seconds, "rates": rates})


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.odd_one_out"))
