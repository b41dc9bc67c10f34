"""Calls environments in random order, by hypothesis' stateful machines, and checks what must hold after each call.

    python -m reliability.fuzz [--env ID ...] [--steps 1000000] [--out FILE]

A machine has an environment and a twin. Both get the same calls, but one of them is also pickled, copied, rendered and given actions that
are refused. The native vector environment has many rows: a call of ``step`` counts as that many steps. The single environment is played
for a thousandth of the steps, each of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.reports import save_report
from gym_causal.registry import registered_ids
from reliability.machines import Machine, SingleMachine, VectorMachine

_IDS = tuple(sorted(registered_ids()))


@dataclass(frozen=True)
class Args:
    """Fuzz environments."""

    env: tuple[str, ...] = _IDS
    """Ids of environments."""
    steps: int = 1_000_000
    """Of each id, in rows of the vector environment."""
    rows: int = 1_024
    """Of the vector environment."""
    seed: int = 0
    """Of hypothesis."""
    out: Path = Path("docs/data/reliability/fuzz.json")
    """A JSON file for the counts."""


def fuzz(base: type[Machine], env_id: str, steps: int, first_seed: int, examples: int = 10, **attributes: int) -> dict[str, int]:
    """Run machines until their environments have made so many steps; returns how many of each call were made.

    Raises:
        Exception: whatever a call raised that it must not, or an AssertionError: something did not hold. hypothesis prints the calls.
    """
    machine: Any = type(base.__name__, (base,), {"env_id": env_id, "counts": {"steps": 0}, **attributes})
    number = first_seed
    while machine.counts["steps"] < steps:
        seed(number)(machine)
        # Calls that fail are explained as they are: to shrink them would take longer than to read them.
        options = settings(max_examples=examples, stateful_step_count=30, deadline=None, database=None, phases=[Phase.generate],
                           suppress_health_check=list(HealthCheck))  # fmt: skip
        run_state_machine_as_test(machine, settings=options)
        number += 1
    return machine.counts


def main(args: Args) -> None:
    results = []
    for env_id in args.env:
        begun = time.process_time()
        vector = fuzz(VectorMachine, env_id, args.steps, args.seed, rows=args.rows)
        single = fuzz(SingleMachine, env_id, args.steps // 1_000, args.seed)
        seconds = round(time.process_time() - begun)
        results.append({"env_id": env_id, "vector": vector, "single": single, "cpu_seconds": seconds})
        print(results[-1], flush=True)
        save_report(args.out, {"rows": args.rows, "seed": args.seed, "envs": results})


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m reliability.fuzz"))
