"""Record an episode with what the player says at each step, as an animated GIF: an agent, or the expert.

    python examples/thinking_aloud.py [--agent OddOneOutIntervention-v0] [--player expert] [--split eval] [--seed 0] [--out played.gif]

An agent's words are its own: its explanation head predicts them from its hidden states. It was trained to predict the expert's, but has
none to read when it acts. One that was trained without ``--explanations`` says nothing. Needs the extras ``agents`` and ``render``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gymnasium as gym
import numpy as np
import tyro
from PIL import Image

import agents
import gym_causal  # noqa: F401 - registers the ids
from agents.policies.checkpoints import load_config
from agents.policies.loading import folder_of
from gym_causal.causal_dag import rendering as causal_dag_rendering
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.odd_one_out import rendering as room_rendering

MILLISECONDS, TO_READ, LAST = 400, 1_200, 2_500  # of a frame; of one with new words; of the last one


@dataclass(frozen=True)
class Args:
    """Record an episode with what the player says at each step."""

    agent: str = "OddOneOutIntervention-v0"
    """Its folder, or the id of an environment with a pretrained one."""
    player: Literal["agent", "expert"] = "agent"
    """Who plays: the agent, or the expert that it learned from."""
    split: str = "eval"
    """Of its environment."""
    seed: int = 0
    """Of the episode."""
    out: Path = Path("thinking_aloud.gif")
    """The GIF."""


def main(args: Args) -> None:
    config = load_config(folder_of(args.agent))
    explains = config.training.predicts_explanations
    agent = agents.load(args.agent, explains=explains)
    arguments = {**config.env_kwargs, "split": args.split, "explain": config.training.explanations if explains else "reasoning"}
    env = gym.make(config.env_id, **{**arguments, **(config.demonstration_kwargs if args.player == "expert" else {})})
    task = env.unwrapped.task
    rendering = causal_dag_rendering if isinstance(task, CausalDAGTask) else room_rendering
    frames, durations = [], []

    def add_frame(words: str, duration: int) -> None:
        picture = rendering.render(dataclasses.replace(task.snapshot(0), explanation=words), "rgb_array")
        frames.append(Image.fromarray(picture).quantize(64, dither=Image.Dither.NONE))
        durations.append(duration)

    observation, info = env.reset(seed=args.seed)
    said, state, first, over = "", None, True, False
    while not over:
        if args.player == "expert":
            action, words = env.unwrapped.expert_action(), str(info["explanation"]["text"])
        else:
            batch = {key: np.asarray(value)[None] for key, value in observation.items()}
            (action,), state = agent(batch, state, np.array([first]))
            words = task.describe_tokens(agent.explanation)[0] if explains else ""
        if words != said:
            print(f"trial {int(observation['trial']) + 1}: {words}")
        has_news = words != said or isinstance(task, CausalDAGTask)  # there every step leads to new values
        add_frame(words, TO_READ if has_news else MILLISECONDS)
        observation, _, terminated, truncated, info = env.step(action)
        said, first, over = words, False, terminated or truncated
    add_frame("", LAST)
    frames[0].save(args.out, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    print(f"Wrote {args.out}")


if __name__ == "__main__":
    main(tyro.cli(Args))
