"""sb3-contrib: MaskablePPO never plays an action that is illegal. It has no memory.

Usage: python examples/integrations/sb3_contrib_maskable_ppo.py [STEPS]
"""

import sys

from sb3_contrib import MaskablePPO

import gym_causal
from agents.vec_env import BatchedVecEnv

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2_048
short = {"observation": "one_hot", "max_trial_steps": 16, "explain": "none"}
venv = BatchedVecEnv("OddOneOutIntervention-v0", 32, **short)
model = MaskablePPO("MultiInputPolicy", venv, n_steps=64, batch_size=512, n_epochs=2, seed=0, device="cpu")
model.learn(steps)  # it asks the environments for action_masks()
for policy in ("random", model, "expert"):
    result = gym_causal.evaluate(policy, "OddOneOutIntervention-v0", num_episodes=100, **short)
    print(result.policy, result.reward)
