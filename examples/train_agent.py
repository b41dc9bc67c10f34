"""Train an agent on recordings of the expert, then evaluate it on links that never occurred in them; `python -m agents.train` in brief."""

import sys
from pathlib import Path

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.config import AgentConfig, TrainingConfig

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 500
config = AgentConfig(env_id="CausalDAG-v0", seed=0, training=TrainingConfig(num_batches=updates))
agent = train(config, Path("results/example_agent"), resume=True)  # killed and called again, it goes on

for split in ("train", "eval_target", "eval_path"):
    result = gym_causal.evaluate(agent, "CausalDAG-v0", split=split, num_episodes=1_000, seed=0)
    print(f"{split:12} normalized reward {result.normalized_reward}")
