"""Print an episode of the pretrained agent, step by step. The link that matters in it never occurred in the agent's training."""

import gymnasium as gym
import numpy as np

import agents
import gym_causal  # noqa: F401 - registers the ids

agent = agents.load("CausalDAG-v0")
env = gym.make("CausalDAG-v0", split="eval_target")
observation, info = env.reset(seed=0)
state, first, over, total = None, True, False, 0.0
while not over:
    batch = {key: np.asarray(value)[None] for key, value in observation.items()}  # policies act in batches: here of one
    actions, state = agent(batch, state, np.array([first]))
    observation, reward, terminated, truncated, info = env.step(actions[0])
    first, over, total = False, terminated or truncated, total + reward
    print(info["explanation"]["text"])
print(f"return {total:.2f}")
