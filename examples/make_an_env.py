"""Make the environments, one at a time and many at once, and play them at random."""

import gymnasium as gym

import gym_causal

# One environment, as any other of Gymnasium's. Every argument of CausalDAGConfig can be given here.
env = gym.make("gym_causal:CausalDAG-v0", split="train")
observation, info = env.reset(seed=0)
env.action_space.seed(0)
print({key: value.shape or int(value) for key, value in observation.items()})

episode_return, over = 0.0, False
while not over:
    action = env.action_space.sample(env.unwrapped.action_masks().astype("int8"))  # a legal action
    observation, reward, terminated, truncated, info = env.step(action)
    print(f"action {action}: reward {reward:+.2f}. {info['explanation']['text']}")
    episode_return += reward
    over = terminated or truncated
print(f"return {episode_return:+.2f}")

# A thousand at once: arrays with a leading axis, and a row whose episode is over begins the next one in the same step.
venv = gym_causal.make_vec("CausalDAGCued-v0", num_envs=1_000, split="train", explain="none")
observations, infos = venv.reset(seed=0)
venv.action_space.seed(0)
for _ in range(70):
    observations, rewards, terminated, truncated, infos = venv.step(venv.action_space.sample())
print(f"{venv.num_envs} rows, outcomes of shape {observations['last_outcome'].shape} a step")
