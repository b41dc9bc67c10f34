"""Stable-Baselines3: PPO whose MLP sees all observations of the episode, stacked.

Usage: python examples/integrations/sb3_ppo.py [STEPS]
"""

import sys

from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecFrameStack

import gym_causal
from agents.vec_env import BatchedVecEnv

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_096
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps


def make_venv():
    return VecFrameStack(BatchedVecEnv("CausalDAG-v0", 64, flatten=True, **small), n_stack=5)


model = PPO("MlpPolicy", make_venv(), n_steps=20, batch_size=320, learning_rate=1e-3, gamma=0.9, seed=0, device="cpu")
model.learn(steps)
print("PPO", evaluate_policy(model, make_venv(), n_eval_episodes=1_000, warn=False)[0])
for policy in ("random", "expert"):
    print(policy, gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=1_000, **small).reward.mean)
