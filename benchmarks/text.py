"""Steps per second of the text envs, in words and as arrays.

    python -m benchmarks.text [--seconds 2] [--rounds 5] [--out FILE]

Contestants take turns, and the median round counts. Seconds are of the processor, so that other work on the machine matters less. Actions
are random; resets are included.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

import gym_causal
from benchmarks.odd_one_out import race, vector_env
from benchmarks.reports import save_report

IDS = ("OddOneOutText-v0", "CausalDAGText-v0")
KINDS: dict[str, dict[str, Any]] = {
    "arrays": {"observation": "symbolic", "explain": "none"},
    "arrays, explained as data": {"observation": "symbolic", "explain": "all"},
    "words": {"observation": "text", "explain": "none"},
    "words, explained in words": {"observation": "text", "explain": "all", "explanation_text": True},
}


@dataclass(frozen=True)
class Args:
    """Measure steps per second of the text envs."""

    num_envs: int = 1_024
    """Games at once."""
    seconds: float = 2.0
    """Time given to each contestant in a round."""
    rounds: int = 5
    """Of which the median counts."""
    out: Path | None = None
    """A JSON file for all rates."""


def main(args: Args) -> None:
    contestants = {
        f"{env_id} {kind}": vector_env(gym_causal.make_vec(env_id, args.num_envs, **kwargs), steps=4)
        for env_id in IDS
        for kind, kwargs in KINDS.items()
    }
    rates = race(contestants, args.seconds, args.rounds)
    for name, found in rates.items():
        print(f"{name:48s}{statistics.median(found):12,.0f} /s ({min(found):,.0f}..{max(found):,.0f})")
    if args.out:
        save_report(args.out, {"seconds": args.seconds, "num_envs": args.num_envs, "rates": rates})


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.text"))
