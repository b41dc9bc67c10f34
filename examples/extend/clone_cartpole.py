"""Clone a hand-written expert in an environment that is not ours: CartPole-v1.

    python examples/extend/clone_cartpole.py [UPDATES]

Files touched beside this one: none. Any id works that Gymnasium knows, with discrete actions and Box, Discrete or flat Dict observations.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig

ENV_ID = "CartPole-v1"


def balance(observations: dict[str, np.ndarray], state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
    """Push the cart towards the side to which the pole is falling. A single Box is under the key "observation", (B, 4)."""
    position, velocity, angle, angular_velocity = observations["observation"].T
    return (0.05 * position + 0.1 * velocity + angle + 0.3 * angular_velocity > 0).astype(int), state


if __name__ == "__main__":
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    config = AgentConfig(
        env_id=ENV_ID,
        expert="clone_cartpole:balance",  # a config is saved as JSON, so it names the expert
        architecture=ArchitectureConfig(kind="generic", width=32, num_layers=1, context=1),  # one observation is the whole state
        training=TrainingConfig(
            num_batches=updates,
            batch_size=4,
            num_demonstrations=64,
            validation_episodes=4,
            evaluate_every=updates,
            evaluation_episodes=4,
        ),
    )
    agent = train(config, Path("results/cartpole_agent"), resume=True)
    for name, policy in {"random": "random", "expert": balance, "agent": agent}.items():
        result = gym_causal.evaluate(policy, ENV_ID, num_episodes=20, seed=0, name=name)
        print(f"{name:8} return {result.reward}")  # of 500
