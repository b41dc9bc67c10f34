"""imitation: GAIL, a PPO agent that learns to be taken for the expert. It never sees a reward.

Usage: python examples/integrations/imitation_gail.py [STEPS]
"""

import sys

import numpy as np
from imitation.algorithms.adversarial.gail import GAIL
from imitation.data import rollout
from imitation.rewards.reward_nets import BasicRewardNet
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecFrameStack

from agents.vec_env import BatchedVecEnv

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2_560
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
venv = VecFrameStack(BatchedVecEnv("CausalDAG-v0", 64, flatten=True, **small), n_stack=5)


def expert(observations, state, episode_starts):
    return np.array(venv.env_method("expert_action")), state


rng = np.random.default_rng(0)
trainer = GAIL(
    demonstrations=rollout.generate_trajectories(expert, venv, rollout.make_sample_until(min_episodes=500), rng),
    demo_batch_size=256,
    venv=venv,
    gen_algo=PPO("MlpPolicy", venv, n_steps=20, batch_size=320, learning_rate=1e-3, seed=0, device="cpu"),
    reward_net=BasicRewardNet(venv.observation_space, venv.action_space),
)
trainer.train(steps)
print("GAIL", evaluate_policy(trainer.policy, venv, n_eval_episodes=1_000, warn=False)[0])
