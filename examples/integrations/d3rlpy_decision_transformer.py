"""d3rlpy: a decision transformer, which remembers the experiments, learns from recordings of the expert.

Usage: python examples/integrations/d3rlpy_decision_transformer.py [UPDATES]
"""

import sys

import d3rlpy
import gymnasium as gym

import gym_causal

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 50
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
episodes = gym_causal.collect("expert", "CausalDAG-v0", num_episodes=2_000, **small)
dataset = d3rlpy.dataset.MDPDataset(**episodes.flat())
config = d3rlpy.algos.DiscreteDecisionTransformerConfig(batch_size=64, context_size=5, num_layers=2, num_heads=2, max_timestep=5)
algorithm = config.create(device="cpu:0")
algorithm.fit(dataset, n_steps=updates, n_steps_per_epoch=updates, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory())
actor = algorithm.as_stateful_wrapper(target_return=float(episodes.returns.mean()))
env = gym.make("CausalDAG-v0", flatten=True, **small)
print("decision transformer", d3rlpy.metrics.utility.evaluate_transformer_with_environment(actor, env, n_trials=100))
for policy in ("random", "expert"):
    print(policy, gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=1_000, **small).reward.mean)
