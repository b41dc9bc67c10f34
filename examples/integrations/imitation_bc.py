"""imitation: behavioral cloning of the expert, by an MLP that sees all observations of the episode, stacked.

Usage: python examples/integrations/imitation_bc.py [EPISODES]
"""

import sys

import numpy as np
from imitation.algorithms.bc import BC
from imitation.data import rollout
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecFrameStack

import gym_causal
from agents.vec_env import BatchedVecEnv

episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
venv = VecFrameStack(BatchedVecEnv("CausalDAG-v0", 64, flatten=True, **small), n_stack=5)


def expert(observations, state, episode_starts):
    return np.array(venv.env_method("expert_action")), state


rng = np.random.default_rng(0)
trajectories = rollout.generate_trajectories(expert, venv, rollout.make_sample_until(min_episodes=episodes), rng)
learner = BC(
    observation_space=venv.observation_space,
    action_space=venv.action_space,
    demonstrations=rollout.flatten_trajectories(trajectories),
    rng=rng,
)
learner.train(n_epochs=5, progress_bar=False)
print("BC", evaluate_policy(learner.policy, venv, n_eval_episodes=1_000, warn=False)[0])
for policy in ("random", "expert"):
    print(policy, gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=1_000, **small).reward.mean)
