"""sb3-contrib: RecurrentPPO, whose LSTM remembers the experiments.

Usage: python examples/integrations/sb3_contrib_recurrent_ppo.py [STEPS]
"""

import sys

from sb3_contrib import RecurrentPPO

import gym_causal
from agents.vec_env import BatchedVecEnv

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_096
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
model = RecurrentPPO(
    "MultiInputLstmPolicy",
    BatchedVecEnv("CausalDAG-v0", 64, **small),
    n_steps=20,
    batch_size=320,
    learning_rate=1e-3,
    gamma=0.9,
    policy_kwargs={"lstm_hidden_size": 64},
    seed=0,
    device="cpu",
)
model.learn(steps)
for policy in ("random", model, "expert"):
    result = gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=1_000, **small)
    print(result.policy, result.normalized_reward)
