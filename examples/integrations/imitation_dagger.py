"""imitation: DAgger, in which the learner acts and the expert says what it would have done.

Usage: python examples/integrations/imitation_dagger.py [STEPS]
"""

import sys
import tempfile

import numpy as np
from imitation.algorithms.bc import BC
from imitation.algorithms.dagger import SimpleDAggerTrainer
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecFrameStack

from agents.vec_env import BatchedVecEnv

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2_560
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
venv = VecFrameStack(BatchedVecEnv("CausalDAG-v0", 64, flatten=True, **small), n_stack=5)
spaces = {"observation_space": venv.observation_space, "action_space": venv.action_space}


class Expert(BasePolicy):
    """The expert of the environments that are being played."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.array(venv.env_method("expert_action")), state

    def _predict(self, observation, deterministic=False):
        raise NotImplementedError


rng = np.random.default_rng(0)
with tempfile.TemporaryDirectory() as folder:
    learner = BC(**spaces, rng=rng)
    trainer = SimpleDAggerTrainer(venv=venv, scratch_dir=folder, expert_policy=Expert(**spaces), bc_trainer=learner, rng=rng)
    trainer.train(steps, bc_train_kwargs={"n_epochs": 2, "progress_bar": False})
print("DAgger", evaluate_policy(trainer.policy, venv, n_eval_episodes=1_000, warn=False)[0])
