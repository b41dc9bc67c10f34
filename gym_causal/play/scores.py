"""What others get in the episode that a player has just played: the expert, a random player and the pretrained agent."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gym_causal.extras import needs_extra
from gym_causal.policies import Policy, bind
from gym_causal.registry import make_task, task_spec

PLAYER, EXPERT, RANDOM, AGENT = "you", "expert", "random player", "pretrained agent"


@dataclass(frozen=True)
class Scores:
    """The rewards of one episode, by player, and why one is missing."""

    rewards: dict[str, float]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{reward:+8.2f}  {name}" for name, reward in self.rewards.items()]
        return "\n".join(["Reward of this episode:", *lines, *self.notes])


def reference_scores(env_id: str, seed: int, episode: int, **env_kwargs: Any) -> Scores:
    """The rewards of the expert, a random player and the pretrained agent in an episode.

    Args:
        env_id: a registered id.
        seed: of the episodes, and of the random player.
        episode: which one of the seed, >= 0: that of ``reset`` number ``episode`` + 1 after ``reset(seed=seed)``.
        env_kwargs: arguments of the env.

    Returns:
        Their rewards; without the expert where the task has none, and without the agent, but with a note, where none can be loaded.
    """
    rewards, notes = {}, []
    try:
        rewards[EXPERT] = episode_reward("expert", env_id, seed, episode, **env_kwargs)
    except NotImplementedError as error:
        notes.append(str(error))
    rewards[RANDOM] = episode_reward("random", env_id, seed, episode, **env_kwargs)
    try:
        agent, observed = pretrained_agent(env_id)
    except (ImportError, ValueError) as error:
        notes.append(f"Without the pretrained agent: {error}")
    else:
        rewards[AGENT] = episode_reward(agent, env_id, seed, episode, **{**env_kwargs, **observed})
    return Scores(rewards, tuple(notes))


def episode_reward(policy: Policy | str, env_id: str, seed: int, episode: int, **env_kwargs: Any) -> float:
    """The undiscounted reward of a policy in one episode of a seed."""
    with closing(make_task(env_id, 1, **env_kwargs)) as task:
        task.seed(seed)
        task.begin(np.zeros(1, int), np.array([episode]))
        policy, state, starts, total = bind(policy, task, seed), None, np.ones(1, bool), 0.0
        while True:
            actions, state = policy(task.observations(), state, starts)
            rewards, terminated, truncated = task.step(actions)
            total += float(rewards[0])
            starts = terminated | truncated
            if starts[0]:
                return total


@cache
def pretrained_agent(env_id: str) -> tuple[Policy, dict[str, Any]]:
    """The agent that ships for an env, and the arguments of the env that say in which form it observes the same episodes.

    Raises:
        ImportError: the extra ``agents`` is not installed; the message says how to install it.
        ValueError: there is none.
    """
    with needs_extra("the pretrained agent", "agents"):
        from agents.policies.checkpoints import load_config  # noqa: PLC0415 - an optional part, which needs torch
        from agents.policies.loading import SHIPPED, load  # noqa: PLC0415
    folder = SHIPPED / env_id
    if not folder.is_dir():
        raise ValueError(f"none ships with the package for {env_id}")
    agent, trained_with = load(folder), load_config(folder).env_kwargs
    return agent, {key: trained_with[key] for key in task_spec(env_id).compact_kwargs if key in trained_with}
