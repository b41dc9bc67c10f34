"""Record an episode of an agent that says at each step what it believes and why it does what it does, as an animated GIF.

    python examples/thinking_aloud.py [--agent OddOneOutIntervention-v0] [--seed 0] [--split eval] [--out thinking_aloud.gif]

The words are the agent's own: its explanation head predicts them from its hidden states. It was trained to predict the expert's, but has
none to read when it acts. Needs the extra ``render``, and an agent that was trained with ``--explanations``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
import tyro
from PIL import Image

import agents
import gym_causal  # noqa: F401 - registers the ids
from agents.policies.checkpoints import load_config
from agents.policies.loading import folder_of
from gym_causal.odd_one_out.rendering import rgb_array


@dataclass(frozen=True)
class Args:
    """Record an episode of an agent with what it predicts at each step."""

    agent: str = "OddOneOutIntervention-v0"
    """Its folder, or the id of an environment with a pretrained one."""
    split: str = "eval"
    """Of its environment."""
    seed: int = 0
    """Of the episode."""
    out: Path = Path("thinking_aloud.gif")
    """The GIF."""


def main(args: Args) -> None:
    config, agent = load_config(folder_of(args.agent)), agents.load(args.agent, explains=True)
    env = gym.make(config.env_id, **{**config.env_kwargs, "split": args.split, "explain": config.training.explanations})
    task = env.unwrapped.task
    observation, _ = env.reset(seed=args.seed)
    frames, said, state, first, over = [], "", None, True, False
    while not over:
        batch = {key: np.asarray(value)[None] for key, value in observation.items()}
        actions, state = agent(batch, state, np.array([first]))
        (words,) = task.describe_tokens(agent.explanation)
        if words != said:
            print(f"trial {int(observation['trial']) + 1}: {words}")
        said = words
        frames.append(Image.fromarray(rgb_array(dataclasses.replace(task.snapshot(0), explanation=words))))
        observation, _, terminated, truncated, _ = env.step(actions[0])
        first, over = False, terminated or truncated
    frames.append(Image.fromarray(rgb_array(dataclasses.replace(task.snapshot(0), explanation=""))))
    durations = [500] * (len(frames) - 1) + [2_000]  # milliseconds
    frames[0].save(args.out, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    print(f"Wrote {args.out}")


if __name__ == "__main__":
    main(tyro.cli(Args))
