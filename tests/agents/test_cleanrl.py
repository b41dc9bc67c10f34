"""CleanRL's PPO, shortened: the one script plays CartPole and our native env, of which only the id differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.distributions import Categorical

from gym_causal.registry import registered_ids
from tests.conftest import short_arrays

pytestmark = pytest.mark.skipif(gym.__version__.startswith("0.29"), reason="its make_vec drops the arguments of an id")


@dataclass
class Args:
    env_id: str
    seed: int = 1
    num_envs: int = 8
    num_steps: int = 32
    num_iterations: int = 2
    num_minibatches: int = 4
    learning_rate: float = 1e-3
    gamma: float = 0.99
    clip_coef: float = 0.2


class Agent(nn.Module):
    def __init__(self, envs: Any) -> None:
        super().__init__()
        inputs = int(np.array(envs.single_observation_space.shape).prod())
        self.critic = nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, 1))
        self.actor = nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, int(envs.single_action_space.n)))


def ppo(args: Args) -> list[float]:
    """Returns of all episodes that ended."""
    torch.manual_seed(args.seed)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(gym.make_vec(args.env_id, num_envs=args.num_envs))
    assert isinstance(envs.single_action_space, gym.spaces.Discrete)
    agent = Agent(envs)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate)
    obs = torch.zeros((args.num_steps, args.num_envs, *envs.single_observation_space.shape))
    actions = torch.zeros((args.num_steps, args.num_envs, *envs.single_action_space.shape))
    logprobs, rewards, dones, values = (torch.zeros((args.num_steps, args.num_envs)) for _ in range(4))
    next_obs, _ = envs.reset(seed=args.seed)
    next_obs, next_done, returns = torch.Tensor(next_obs), torch.zeros(args.num_envs), []
    for _ in range(args.num_iterations):
        for step in range(args.num_steps):
            obs[step], dones[step] = next_obs, next_done
            with torch.no_grad():
                policy = Categorical(logits=agent.actor(next_obs))
                action = policy.sample()
                values[step] = agent.critic(next_obs).flatten()
            actions[step], logprobs[step] = action, policy.log_prob(action)
            next_obs, reward, terminations, truncations, infos = envs.step(action.cpu().numpy())
            next_done = torch.Tensor(np.logical_or(terminations, truncations))
            rewards[step], next_obs = torch.tensor(reward).view(-1), torch.Tensor(next_obs)
            if "episode" in infos:
                returns += infos["episode"]["r"][infos["_episode"]].tolist()
        update(args, agent, optimizer, obs, actions, logprobs, rewards, dones, values)
    envs.close()
    return returns


def update(args: Args, agent: Agent, optimizer: Any, obs: Any, actions: Any, logprobs: Any, rewards: Any, dones: Any, values: Any) -> None:
    targets, following = torch.zeros_like(rewards), torch.zeros(args.num_envs)
    for step in reversed(range(args.num_steps)):
        following = targets[step] = rewards[step] + args.gamma * following * (1 - dones[step])
    advantages = (targets - values).flatten()
    for minibatch in torch.randperm(advantages.numel()).chunk(args.num_minibatches):
        seen = obs.flatten(0, 1)[minibatch]
        ratio = (Categorical(logits=agent.actor(seen)).log_prob(actions.flatten()[minibatch]) - logprobs.flatten()[minibatch]).exp()
        gain = advantages[minibatch]
        loss = -torch.min(gain * ratio, gain * ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)).mean()
        loss = loss + (agent.critic(seen).flatten() - targets.flatten()[minibatch]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.fixture(params=[*registered_ids(), "CartPole-v1"])
def env_id(request: pytest.FixtureRequest) -> Any:
    """An id whose observations are vectors: a user's own registration of ours, as docs/environments.md shows it."""
    if request.param == "CartPole-v1":
        yield request.param
        return
    arguments = short_arrays(request.param)
    gym.register(
        "tests/Flat-v0",
        entry_point=f"gym_causal.entry_points:env/{request.param}",
        vector_entry_point=f"gym_causal.entry_points:vector_env/{request.param}",
        kwargs={"flatten": True, **arguments},
    )
    yield "tests/Flat-v0"
    del gym.registry["tests/Flat-v0"]


def test_the_script_plays_and_learns(env_id):
    returns = ppo(Args(env_id))
    assert len(returns) >= 8 and np.isfinite(returns).all()
