"""RLlib: PPO whose LSTM remembers the experiments.

Usage: python examples/integrations/rllib_lstm.py [ITERATIONS]
"""

import sys

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 2
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
config = (
    PPOConfig()
    .environment("gym_causal:CausalDAG-v0", env_config={"flatten": True, **small})
    .env_runners(num_env_runners=0, num_envs_per_env_runner=16)
    .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64], use_lstm=True, lstm_cell_size=64, max_seq_len=5))
    .training(train_batch_size_per_learner=1_280, minibatch_size=320, num_epochs=4, lr=1e-3, gamma=0.9)
    .debugging(seed=0)
)
algorithm = config.build_algo()
for _ in range(iterations):
    print("return", algorithm.train()["env_runners"]["episode_return_mean"])
algorithm.stop()
