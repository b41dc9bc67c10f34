"""How long an update of a language model on game texts takes: float32, and bfloat16 with transformers' attention and with ours.

    python -m benchmarks.language_training [--env ID] [--condition reasoning] [--rounds 5] [--repeats 3] [--threads 1] [--out FILE]

The three take turns with the same batches; the ratio is taken within a round, and the median round counts, with the lowest and the highest
beside it. Seconds are of the processor, so that other work on the machine matters less.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
import tyro

from agents.language.training import Training
from agents.language.training_config import PRESETS
from benchmarks.reports import save_report

OURS = "bfloat16, our attention"


@dataclass(frozen=True)
class Args:
    """Measure updates of the preset quick on a CPU."""

    env: str = "OddOneOutText-v0"
    """Id of the text task; texts of CausalDAGText-v0 are three times as long."""
    condition: str = "reasoning"
    """Which explanations the texts hold."""
    rounds: int = 5
    """Of which the median counts."""
    repeats: int = 3
    """Updates of each kind in a round."""
    threads: int = 1
    """Of torch."""
    out: Path | None = None
    """A JSON file."""


def trainings(env_id: str, condition: str, folder: Path) -> dict[str, Training]:
    """What is compared, by name."""
    quick = dataclasses.replace(PRESETS["quick"], env_id=env_id, condition=condition)
    low = dataclasses.replace(quick, precision="bfloat16")
    made = {name: Training(config, folder / name) for name, config in (("float32", quick), ("bfloat16, eager", low), (OURS, low))}
    made["bfloat16, eager"].model.set_attn_implementation("eager")
    return made


def main() -> None:
    """Run the command."""
    args = tyro.cli(Args, description=__doc__)
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        compared = trainings(args.env, args.condition, Path(folder))
        batches = list(islice(compared[OURS].batches(), args.repeats))
        seconds: dict[str, list[float]] = {name: [] for name in compared}
        for number in range(1 + args.rounds):  # the first one warms up
            for name, training in compared.items():
                start = time.process_time()
                for batch in batches:
                    training.update(batch)
                if number:
                    seconds[name].append((time.process_time() - start) / len(batches))
    shape = "x".join(map(str, batches[0].inputs.shape))
    print(
        f"{args.env}, {args.condition}: {compared[OURS].num_parameters:,} parameters, batches of {shape} tokens, {args.threads} thread(s)"
    )
    report: dict[str, dict[str, float]] = {}
    for name, measured in seconds.items():
        ratios = [one / ours for one, ours in zip(measured, seconds[OURS], strict=True)]
        low, ratio, high = min(ratios), statistics.median(ratios), max(ratios)
        report[name] = {"seconds": statistics.median(measured), "ratio": ratio, "low": low, "high": high}
        print(f"{name:24} {report[name]['seconds']:.3f} s an update; {ratio:.2f} [{low:.2f}, {high:.2f}] times ours")
    if args.out is not None:
        save_report(args.out, {"env": args.env, "condition": args.condition, "shape": shape, "threads": args.threads, "updates": report})


if __name__ == "__main__":
    main()
