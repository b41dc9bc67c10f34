"""TorchRL: PPO whose GRU remembers the experiments.

Usage: python examples/integrations/torchrl_gru.py [ITERATIONS]
"""

import sys

import torch
from tensordict.nn import TensorDictModule, TensorDictSequential
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import GymEnv, SerialEnv
from torchrl.modules import GRUModule, ProbabilisticActor, ValueOperator, set_recurrent_mode
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 3
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps


def make_env():
    return GymEnv("gym_causal:CausalDAG-v0", flatten=True, categorical_action_encoding=True, **small)


torch.manual_seed(0)
envs = SerialEnv(16, make_env)
envs.set_seed(0)
size, num_actions = envs.observation_spec["observation"].shape[-1], make_env().action_spec.n
gru = GRUModule(input_size=size, hidden_size=64, in_keys=["observation", "gru"], out_keys=["features", ("next", "gru")])
head = TensorDictModule(nn.Linear(64, num_actions), in_keys=["features"], out_keys=["logits"])
actor = ProbabilisticActor(
    TensorDictSequential(gru, head), in_keys=["logits"], distribution_class=torch.distributions.Categorical, return_log_prob=True
)
critic = ValueOperator(nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 1)))  # a baseline: it does without memory
loss, advantage = ClipPPOLoss(actor, critic), GAE(gamma=0.9, lmbda=0.95, value_network=critic)
optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)
# The collector adds what a GRU needs to the environments: where episodes begin, and its hidden states.
collector = Collector(envs, actor, frames_per_batch=16 * 40, total_frames=16 * 40 * iterations, auto_register_policy_transforms=True)
for data in collector:  # (16, 40)
    with torch.no_grad():
        advantage(data)
    for _ in range(4):
        with set_recurrent_mode(True):
            losses = loss(data)
        sum(losses[key] for key in ("loss_objective", "loss_critic", "loss_entropy")).backward()
        optimizer.step()
        optimizer.zero_grad()
    print("return", (data["next", "reward"].sum() / data["next", "done"].sum()).item())
collector.shutdown()
