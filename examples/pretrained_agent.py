"""Watch the pretrained agent experiment, step by step, in an episode whose key link never occurred in its training."""

import gymnasium as gym
import numpy as np

import agents
import gym_causal  # noqa: F401 - registers the ids

agent = agents.load("CausalDAG-v0")
env = gym.make("CausalDAG-v0", split="eval_target")
observation, info = env.reset(seed=0)
memory, first, over, total = None, True, False, 0.0
while not over:
    batch = {key: np.asarray(value)[None] for key, value in observation.items()}  # policies act in batches: here of one
    actions, memory = agent(batch, memory, np.array([first]))
    observation, reward, terminated, truncated, info = env.step(actions[0])
    first, over, total = False, terminated or truncated, total + reward
    print(info["explanation"]["text"])
print(f"return {total:.2f}")
