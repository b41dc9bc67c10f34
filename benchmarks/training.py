"""Episodes per second of training: imitation's BC with collection, logging and all, beside the same network in a bare torch loop.

    python -m benchmarks.training [--env CausalDAG-v0] [--explanations none] [--batches N] [--rounds 5] [--threads 1] [--device cpu]
        [--out FILE]

The bare loop goes over pre-made tensors and does nothing else: forward, loss, backward, clipping, AdamW. The two take turns; the ratio
is taken within a round, and the median round counts, with the lowest and the highest beside it. Also: seconds to act in 4,096 episodes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import tyro

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.algorithms.losses import CloningLoss, to_tensors
from agents.config import AgentConfig, preset
from agents.data.collate import iterate_batches
from agents.data.demonstrations import collect
from agents.policies.agent import Agent
from agents.policies.loading import build_policy
from benchmarks.reports import save_report
from gym_causal.registry import make_task


def bare(config: AgentConfig, device: str) -> tuple[float, int]:
    """Seconds of a bare loop, and how many steps of episodes it saw."""
    training = config.training
    demonstration_kwargs = {**config.env_kwargs, **config.demonstration_kwargs, "explain": training.explanations}
    episodes = collect("expert", config.env_id, training.num_batches * training.batch_size, 0, demonstration_kwargs)
    task = make_task(config.env_id, 1, **config.env_kwargs)
    batches = [to_tensors(batch, device) for batch in iterate_batches(episodes, training.batch_size, task)]
    policy = build_policy(config).to(device)
    loss_of = CloningLoss(training.label_smoothing, training.explanation_weight)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, fused=True)
    start = time.perf_counter()
    for observations, targets in batches:
        loss = loss_of(policy, observations, targets).total
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), training.max_grad_norm)
        optimizer.step()
    return time.perf_counter() - start, int(episodes.lengths.sum())


def through_imitation(config: AgentConfig, device: str) -> float:
    """Seconds of a training run as users start it, with a checkpoint, and collecting its demonstrations; not its evaluations."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        train(config, Path(folder) / "agent", splits=(), progress=False, device=device)
        return time.perf_counter() - start


def acting(config: AgentConfig, num_episodes: int, device: str) -> float:
    """Seconds in which an untrained agent acts in that many episodes, the environment included."""
    agent = Agent(build_policy(config).to(device), deterministic=False)
    start = time.perf_counter()
    gym_causal.evaluate(agent, config.env_id, num_episodes=num_episodes, **config.env_kwargs)
    return time.perf_counter() - start


@dataclass(frozen=True)
class Args:
    """Measure episodes per second of training beside a bare torch loop, and the seconds it takes to act."""

    env: str = "CausalDAG-v0"
    """Id of an environment."""
    preset: Literal["quick", "full"] = "quick"
    """Of the agent."""
    explanations: str = "none"
    """Which explanations it learns to predict as well."""
    batches: int | None = None
    """Updates in a round; default: as many as one chunk of streamed demonstrations holds."""
    rounds: int = 5
    """Of which the median counts."""
    threads: int = 1
    """Of torch."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, ..."""
    episodes: int = 4_096
    """To act in."""
    out: Path | None = None
    """A JSON file."""


def main(args: Args) -> None:
    torch.set_num_threads(args.threads)
    chosen = preset(args.env, args.preset)
    training = replace(
        chosen.training,
        num_batches=args.batches or chosen.training.chunk_size // chosen.training.batch_size,
        explanations=args.explanations,
        validation_episodes=128,
        evaluate_every=10**9,
        checkpoint_every=10**9,
    )
    config = AgentConfig(
        env_id=args.env,
        env_kwargs=chosen.env_kwargs,
        demonstration_kwargs=chosen.demonstration_kwargs,
        architecture=chosen.architecture,
        training=training,
    )
    rounds = []
    for _ in range(args.rounds):
        seconds, steps = bare(config, args.device)
        rounds.append({"bare": seconds, "imitation": through_imitation(config, args.device), "steps": steps})
    ratios = sorted(row["bare"] / row["imitation"] for row in rounds)
    acts = [acting(config, args.episodes, args.device) for _ in range(args.rounds)]
    print(f"{args.env}, {args.threads} threads, batches of {training.batch_size} episodes; median of {args.rounds} rounds")
    for name, key in (("bare torch loop          ", "bare"), ("imitation's BC, all of it", "imitation")):
        episodes = statistics.median(training.num_batches * training.batch_size / row[key] for row in rounds)
        print(f"  {name}  {episodes:8,.0f} episodes/s  {statistics.median(row['steps'] / row[key] for row in rounds):10,.0f} steps/s")
    print(f"  ratio                      {statistics.median(ratios):8.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]   aim >= 0.50")
    print(f"  acting in {args.episodes:,} episodes {statistics.median(acts):8.2f} s [{min(acts):.2f}, {max(acts):.2f}]")
    if args.out:
        report = {"env_id": args.env, "threads": args.threads, "torch": torch.__version__, "rounds": rounds, "acting": acts}
        save_report(args.out, report)


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.training"))
