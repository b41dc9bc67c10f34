"""A peer of the suite's active learners: RecurrentPPO of sb3-contrib, an LSTM, in CausalDAG-v0.

    python docs/make_recurrent_table.py       # five seeds of 102,400 episodes, as many as PPO's quick preset plays

Prints a table of means over training seeds with their 95% interval, and adds each seed's rows to
docs/data/active_learners/recurrent_ppo.csv. What is there already is not trained again; rows of other arguments belong into another file
(--out).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
import tyro
from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor, nn

import gym_causal
from agents.data.csv_rows import write_rows
from agents.sweeps.tables import summarize_seeds
from agents.vec_env import BatchedVecEnv
from gym_causal.registry import task_spec

ENV_ID = "CausalDAG-v0"
POLICY = "recurrent_ppo"
DATA = Path(__file__).parent / "data" / "active_learners" / "recurrent_ppo.csv"


@dataclass(frozen=True)
class Args:
    """Train RecurrentPPO in CausalDAG-v0 and evaluate it on the three splits."""

    seeds: int = 5
    """Trainings: seeds 0, 1, ..."""
    episodes: int = 102_400
    """Of a training."""
    num_envs: int = 512
    """Episodes at once; all are learned from before the next ones."""
    hidden_size: int = 128
    """Of the LSTM."""
    learning_rate: float = 1e-3
    """Of Adam at first; it falls linearly to 0."""
    num_epochs: int = 4
    """Passes over the episodes."""
    batch_size: int = 896
    """Steps of a minibatch."""
    entropy_weight: float = 0.01
    """Of the bonus for entropy."""
    evaluation_episodes: int = 2_000
    """Of each split."""
    device: str = "cpu"
    """Where to train."""
    out: Path = DATA
    """The CSV."""


class Features(BaseFeaturesExtractor):
    """All that is observed, flattened, numbers x as sign(x) log(1 + abs(x)), as the suite's own networks read unbounded numbers."""

    def __init__(self, observation_space: spaces.Dict) -> None:
        super().__init__(observation_space, spaces.flatdim(observation_space))
        self._flatten = nn.Flatten()

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        values = torch.cat([self._flatten(observations[key].float()) for key in sorted(observations)], dim=1)
        return values.sign() * values.abs().log1p()


def train(args: Args, seed: int) -> RecurrentPPO:
    """An agent that has acted in so many episodes of the split train."""
    batched = BatchedVecEnv(ENV_ID, args.num_envs, explain="none")
    steps = batched.venv.task.max_episode_steps  # all episodes have as many
    venv = VecNormalize(batched, norm_obs=False, gamma=1.0)  # of the rewards alone
    model = RecurrentPPO(
        "MultiInputLstmPolicy",
        venv,
        n_steps=steps,
        batch_size=args.batch_size,
        n_epochs=args.num_epochs,
        learning_rate=lambda left: args.learning_rate * left,
        gamma=1.0,  # as our own PPO there
        ent_coef=args.entropy_weight,
        policy_kwargs={"lstm_hidden_size": args.hidden_size, "features_extractor_class": Features},
        seed=seed,
        device=args.device,
    )
    return model.learn(args.episodes * steps, progress_bar=True)


def main() -> None:
    """Run the command."""
    args = tyro.cli(Args, description=__doc__)
    rows = pd.read_csv(args.out) if args.out.exists() else pd.DataFrame()
    for seed in range(args.seeds):
        if len(rows) and (rows["seed_of_training"] == seed).any():
            continue
        start = time.perf_counter()
        model = train(args, seed)
        seconds = time.perf_counter() - start
        results = [
            gym_causal.evaluate(model, ENV_ID, split=split, num_episodes=args.evaluation_episodes, name=POLICY)
            for split in task_spec(ENV_ID).splits
        ]
        print(f"seed {seed}: {seconds:.0f} s;", *(f"{result.split} {result.normalized_reward}" for result in results))
        new = pd.DataFrame([row for result in results for row in result.rows()]).assign(seed_of_training=seed)
        rows = pd.concat([rows, new], ignore_index=True)
        write_rows(args.out, rows)
    summary = summarize_seeds(rows[rows["metric"] == "normalized_reward"])
    print(summary[["split", "mean", "low", "high", "lowest", "highest", "seeds"]].to_string(index=False))


if __name__ == "__main__":
    main()
