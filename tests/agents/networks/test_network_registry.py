"""Networks by name, ours and one's own."""

import pytest

pytest.importorskip("torch")

from torch import nn

import agents
import gym_causal
from agents.config import ArchitectureConfig
from agents.networks.attention import Transformer
from agents.networks.base import Network
from agents.networks.registry import build_network, network_names, register_network
from agents.policies.agent import Agent
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.registry import make_task, registered_ids, task_spec


class GoalNetwork(Network):
    """Sees the goal alone."""

    def __init__(self, architecture, num_variables):
        super().__init__()
        self.explanation_width = architecture.width
        self.embedding = nn.Embedding(num_variables + 1, architecture.width)
        self.temporal_transformer = Transformer(architecture.width, 1, 1, context=7)
        self.action_head = nn.Linear(architecture.width, 2 * num_variables)

    def encode(self, observations, cache=None):
        return self.temporal_transformer(self.embedding(observations["goal"].long())[:, :, None], cache=cache)[:, :, 0]


@pytest.fixture(scope="module")
def goal_network():
    register_network("goal alone", lambda architecture, task: GoalNetwork(architecture, task.config.num_variables))
    return "goal alone"


def test_every_network_that_a_task_names_is_registered():
    for env_id in registered_ids():
        spec = task_spec(env_id)
        assert set(spec.networks) <= set(network_names())
        task = make_task(env_id, 1, **spec.compact_kwargs)
        for kind in (*spec.networks, "generic"):
            network = build_network(ArchitectureConfig(kind=kind, width=16, num_heads=2), task)
            assert network.new_cache().capacity >= 7


def test_a_network_of_ones_own(goal_network):
    policy = SequencePolicy(make_task("CausalDAG-v0"), ArchitectureConfig(kind=goal_network, width=8, num_heads=1))
    episodes = gym_causal.collect(Agent(policy), "CausalDAG-v0", num_episodes=50, seed=0, explain="none")
    actions, goals = episodes.stacked(episodes.actions), episodes.stacked(episodes.observations["goal"])[:, :-1]
    assert len(set(actions[:, 0])) == 1  # it cannot tell episodes apart before there is a goal
    assert len(set(zip(goals[:, 5].tolist(), actions[:, 5].tolist(), strict=True))) == len(set(goals[:, 5].tolist()))
    assert goal_network in network_names() and agents.register_network is register_network


def test_names_are_unique_and_known(goal_network):
    with pytest.raises(ValueError, match="name must be a new one, got 'variable', which is registered"):
        register_network("variable", lambda architecture, task: None)
    with pytest.raises(ValueError, match=r"kind must be one of variable, .*goal alone, got 'unknown'"):
        build_network(ArchitectureConfig(kind="unknown"), make_task("CausalDAG-v0"))
