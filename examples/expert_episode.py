"""Print an episode of the expert, with what is explained to the learner."""

import gymnasium as gym

import gym_causal  # noqa: F401 - registers the ids
from gym_causal.causal_dag.config import Phase

env = gym.make("CausalDAG-v0", split="eval_path", explain="full")
names = env.unwrapped.task.config.names

observation, info = env.reset(seed=1)
over = False
while not over:
    phase = Phase(observation["phase"])
    if phase is Phase.EXPLORATION:
        print(f"trial {observation['trial']}, exploration:")
    else:
        print(f"trial {observation['trial']}, exploitation, the goal is {names[observation['goal']]}:")
    observation, reward, terminated, truncated, info = env.step(env.unwrapped.expert_action())
    over = terminated or truncated
    print("  outcome     ", "  ".join(f"{name} {value:+6.2f}" for name, value in zip(names, observation["last_outcome"], strict=True)))
    print("  explanation ", info["explanation"]["text"])
    if phase is Phase.EXPLOITATION:
        print(f"  reward       {reward:+.2f}")
