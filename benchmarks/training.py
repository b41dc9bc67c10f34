"""Episodes per second of training: imitation's BC with collection, logging and all, beside the same network in a bare torch loop.

    python -m benchmarks.training [--env CausalDAG-v0] [--batches 30] [--rounds 5] [--threads 1] [--out FILE]

The bare loop goes over pre-made tensors and does nothing else: forward, loss, backward, clipping, AdamW. The two take turns; the ratio
is taken within a round, and the median round counts, with the lowest and the highest beside it. Also: seconds to act in 4,096 episodes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

import gym_causal
from agents.behavioral_cloning import train
from agents.config import AgentConfig, TrainingConfig
from agents.demonstrations import collect, in_order, spaces
from agents.policy import Agent, TransformerPolicy


def bare(config: AgentConfig, num_batches: int) -> float:
    """Seconds of a bare loop."""
    training = config.training
    count = num_batches * training.batch_size
    (batch,) = in_order(collect("expert", config.env_id, count, 0, config.env_kwargs), count)
    observations = {key: torch.as_tensor(value).split(training.batch_size) for key, value in batch["obs"].unwrap().items()}
    actions = torch.as_tensor(batch["acts"]).split(training.batch_size)
    network = TransformerPolicy(*spaces(config.env_id, config.env_kwargs), config.architecture).network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    start = time.perf_counter()
    for i in range(num_batches):
        logits = network({key: parts[i] for key, parts in observations.items()})
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), actions[i].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), training.max_grad_norm)
        optimizer.step()
    return time.perf_counter() - start


def through_imitation(config: AgentConfig) -> float:
    """Seconds of a training run as users start it, with a checkpoint, and collecting its demonstrations; not its evaluations."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        train(config, Path(folder) / "agent", splits=(), progress=False)
        return time.perf_counter() - start


def acting(config: AgentConfig, num_episodes: int) -> float:
    """Seconds in which an agent acts in that many episodes, the environment included."""
    agent = Agent(TransformerPolicy(*spaces(config.env_id, config.env_kwargs), config.architecture))
    venv = gym_causal.make_vec(config.env_id, num_episodes, explain="none", **config.env_kwargs)
    start = time.perf_counter()
    observations, _ = venv.reset(seed=0)
    state, starts = None, torch.ones(num_episodes, dtype=torch.bool).numpy()
    while True:
        actions, state = agent(observations, state, starts)
        observations, _, terminated, truncated, _ = venv.step(actions)
        starts = terminated | truncated
        if starts.all():
            return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CausalDAG-v0", help="id of a causal DAG environment")
    parser.add_argument("--batches", type=int, default=128, help="updates a turn; 128 are one chunk of streamed demonstrations")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--out", type=Path, help="a JSON file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    training = replace(TrainingConfig(), num_batches=args.batches, validation_episodes=128, evaluate_every=10**9)
    config = AgentConfig(env_id=args.env, training=training)
    rounds = []
    for _ in range(args.rounds):
        rounds.append({"bare": bare(config, args.batches), "imitation": through_imitation(config)})
    ratios = sorted(row["bare"] / row["imitation"] for row in rounds)
    rates = {key: statistics.median(args.batches * training.batch_size / row[key] for row in rounds) for key in rounds[0]}
    seconds = [acting(config, 4_096) for _ in range(args.rounds)]
    print(f"{args.env}, {args.threads} threads, batches of {training.batch_size} episodes; median of {args.rounds} rounds")
    print(f"  bare torch loop            {rates['bare']:8,.0f} episodes/s")
    print(f"  imitation's BC, all of it  {rates['imitation']:8,.0f} episodes/s")
    print(f"  ratio                      {statistics.median(ratios):8.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]   aim >= 0.50")
    print(f"  acting in 4,096 episodes   {statistics.median(seconds):8.2f} s [{min(seconds):.2f}, {max(seconds):.2f}]   aim < 5 s")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        report = {"env_id": args.env, "threads": args.threads, "torch": torch.__version__, "rounds": rounds, "acting": seconds}
        args.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
