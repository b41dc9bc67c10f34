"""A single-file PPO in CleanRL's way, whose GRU remembers the experiments, in our native vector environment.

Usage: python examples/integrations/ppo_gru.py [ITERATIONS]
"""

import sys

import torch
from torch import nn
from torch.distributions import Categorical

import gym_causal

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 10
small = {"num_variables": 3, "explain": "none"}  # three experiments and two choices: 5 steps
gamma, gae_lambda, clip = 0.9, 0.95, 0.2


class Agent(nn.Module):
    def __init__(self, size, num_actions, width=64):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(size, width), nn.Tanh())
        self.gru = nn.GRU(width, width)
        self.actor, self.critic = nn.Linear(width, num_actions), nn.Linear(width, 1)

    def forward(self, observations, hidden=None):  # (T, B, D), (1, B, W); no hidden state: episodes begin
        features, hidden = self.gru(self.encoder(observations), hidden)
        return Categorical(logits=self.actor(features)), self.critic(features)[..., 0], hidden


torch.manual_seed(0)
envs = gym_causal.make_vec("CausalDAG-v0", 256, flatten=True, **small)
length, num_envs = envs.task.max_episode_steps, envs.num_envs  # all episodes are equally long: a rollout is one of each row
agent = Agent(envs.single_observation_space.shape[0], envs.single_action_space.n)
optimizer = torch.optim.Adam(agent.parameters(), lr=2e-3)
next_obs, _ = envs.reset(seed=0)
for iteration in range(iterations):
    obs, hidden = torch.zeros(length, num_envs, next_obs.shape[1]), None
    actions, logprobs, rewards, values = (torch.zeros(length, num_envs) for _ in range(4))
    for step in range(length):
        obs[step] = torch.as_tensor(next_obs)
        with torch.no_grad():
            policy, value, hidden = agent(obs[step : step + 1], hidden)
            action = policy.sample()
        actions[step], logprobs[step], values[step] = action[0], policy.log_prob(action)[0], value[0]
        next_obs, reward, *_ = envs.step(action[0].numpy())
        rewards[step] = torch.as_tensor(reward)
    advantages, following = torch.zeros(length, num_envs), torch.zeros(num_envs)
    for step in reversed(range(length)):
        next_value = values[step + 1] if step + 1 < length else 0.0
        following = advantages[step] = rewards[step] + gamma * next_value - values[step] + gamma * gae_lambda * following
    returns = advantages + values
    advantages = (advantages - advantages.mean()) / advantages.std()
    for rows in torch.randperm(num_envs).repeat(4).chunk(16):  # minibatches of whole episodes, four times each
        policy, value, _ = agent(obs[:, rows])
        ratio = (policy.log_prob(actions[:, rows]) - logprobs[:, rows]).exp()
        gain = torch.min(ratio * advantages[:, rows], ratio.clamp(1 - clip, 1 + clip) * advantages[:, rows]).mean()
        loss = 0.5 * (value - returns[:, rows]).square().mean() - gain - 0.003 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
    if iteration % 10 == 9:
        print(f"{(iteration + 1) * length * num_envs} steps, return {rewards.sum(0).mean():.2f}")
for name in ("random", "expert"):
    print(name, gym_causal.evaluate(name, "CausalDAG-v0", num_episodes=1_000, **small).reward)
