"""Minari: record a data set with its DataCollector, load it, and read it as our episodes.

Usage: MINARI_DATASETS_PATH=datasets python examples/integrations/minari_dataset.py [EPISODES]
"""

import sys

import gymnasium as gym
import minari

from agents.data.minari import from_minari

num_episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10
collector = minari.DataCollector(gym.make("gym_causal:CausalDAG-v0"), record_infos=True)
for episode in range(num_episodes):
    collector.reset(seed=0 if episode == 0 else None)  # one seed: the following episodes are its next ones
    done = False
    while not done:
        _, _, terminated, truncated, _ = collector.step(collector.unwrapped.expert_action())
        done = terminated or truncated
collector.create_dataset("causal/expert-v0", algorithm_name="expert")

dataset = minari.load_dataset("causal/expert-v0")
print(dataset.total_episodes, "episodes,", dataset.total_steps, "steps;", dataset[0].observations["goal"])
print(dataset.recover_environment())  # with the same arguments
print(from_minari(dataset).explanations["kind"][:8])  # ours, to train agents with: agents.train --demonstrations causal/expert-v0
