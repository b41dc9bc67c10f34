"""Register a network: a GRU over the trials of an episode, in place of a Transformer.

    python examples/extend/new_network.py [UPDATES]

Files touched beside this one: none. Code that loads the agent must import this module.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from gymnasium import spaces
from torch import Tensor, nn

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig
from agents.networks.base import Network
from agents.networks.kv_cache import KVCache
from agents.networks.registry import register_network
from gym_causal.core.task import BatchedTask


class GRUState(KVCache):
    """The GRU's hidden state between steps, one row per episode."""

    def __init__(self, width: int) -> None:
        super().__init__(capacity=1)
        self.hidden_states = torch.zeros(0, width)

    def reset(self, rows: Tensor) -> None:
        """Begin new episodes in some rows, (B,) bool."""
        super().reset(rows)
        if len(self.hidden_states) != len(rows):
            self.hidden_states = self.hidden_states.new_zeros(len(rows), self.hidden_states.shape[1])
        self.hidden_states = torch.where(rows[:, None], 0.0, self.hidden_states)


class GRUNetwork(Network):
    """All vectors of a step, concatenated, and the one-hot goal go through a linear layer and a GRU.

    Args:
        architecture: ``width`` and ``num_layers`` are read.
        task: gives the observation space and the number of actions.
    """

    def __init__(self, architecture: ArchitectureConfig, task: BatchedTask) -> None:
        super().__init__()
        items = task.observation_space.spaces.items()
        self.vectors = [key for key, space in items if isinstance(space, spaces.Box)]
        self.numbers = {key: int(space.n) for key, space in items if isinstance(space, spaces.Discrete)}
        size = sum(task.observation_space[key].shape[0] for key in self.vectors) + sum(self.numbers.values())
        self.width = self.explanation_width = architecture.width
        self.encoder = nn.Linear(size, self.width)
        self.gru = nn.GRU(self.width, self.width, batch_first=True)
        self.action_head = nn.Linear(self.width, int(task.action_space.n))

    def encode(self, observations: dict[str, Tensor], cache: KVCache | None = None) -> Tensor:
        """(B, T, W) hidden states of observations (B, T, ...) each. With a cache T is 1."""
        inputs = [observations[key].float() for key in self.vectors]
        inputs += [nn.functional.one_hot(observations[key].long(), count).float() for key, count in self.numbers.items()]
        x = self.encoder(torch.cat(inputs, dim=-1))
        if cache is None:
            return self.gru(x)[0]
        assert isinstance(cache, GRUState)
        hidden_states, last = self.gru(x, cache.hidden_states[None])
        cache.hidden_states = last[0]
        cache.advance()
        return hidden_states

    def new_cache(self) -> GRUState:
        """The state before an episode's first step."""
        return GRUState(self.width)


def build(architecture: ArchitectureConfig, task: BatchedTask) -> Network:
    """A GRU for a task whose observations are vectors and integers; ValueError for another."""
    for key, space in task.observation_space.spaces.items():
        if not isinstance(space, spaces.Discrete) and not (isinstance(space, spaces.Box) and len(space.shape) == 1):
            raise ValueError(f"the network gru reads vectors and integers, got {space} for {key!r}")
    return GRUNetwork(architecture, task)


register_network("gru", build)

if __name__ == "__main__":
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    config = AgentConfig(
        env_id="CausalDAG-v0",
        architecture=ArchitectureConfig(kind="gru", width=128),
        training=TrainingConfig(num_batches=updates, validation_episodes=64, evaluation_episodes=64),
    )
    agent = train(config, Path("results/gru_agent"), resume=True)
    for split in ("train", "eval_target"):
        print(split, gym_causal.evaluate(agent, "CausalDAG-v0", split=split, num_episodes=500, seed=0).normalized_reward)
