"""Tianshou: DQN whose LSTM remembers the experiments.

Usage: python examples/integrations/tianshou_lstm.py [STEPS]
"""

import sys

import gymnasium as gym
from tianshou.algorithm.modelfree.dqn import DQN, DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Recurrent

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps


def make_env():
    return gym.make("gym_causal:CausalDAG-v0", flatten=True, **small)


env = make_env()
net = Recurrent(layer_num=1, state_shape=env.observation_space.shape, action_shape=env.action_space.n, hidden_layer_size=64)
policy = DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.1)
algorithm = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=0.9, target_update_freq=100)
# The LSTM learns from the last five observations of a step: the buffer stacks them.
buffer = VectorReplayBuffer(20_000, 8, stack_num=5, ignore_obs_next=True)
params = OffPolicyTrainerParams(
    training_collector=Collector(algorithm, DummyVectorEnv([make_env] * 8), buffer, exploration_noise=True),
    test_collector=Collector(algorithm, DummyVectorEnv([make_env] * 8)),
    max_epochs=2,
    epoch_num_steps=steps // 2,
    collection_step_num_env_steps=80,
    test_step_num_episodes=100,
    batch_size=256,
    update_step_num_gradient_steps_per_sample=0.1,
    show_progress=False,
    verbose=False,
)
print("best return of a test", algorithm.run_training(params).best_reward)
