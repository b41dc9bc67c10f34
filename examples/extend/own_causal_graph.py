"""Play, evaluate and train with causal graphs of your own, fixed or sampled: the argument ``models``.

    python examples/extend/own_causal_graph.py [UPDATES]

Files touched beside this one: none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium as gym
import numpy as np

import gym_causal
from gym_causal.scm import StructuralCausalModels

ENV_ID = "CausalDAG-v0"
A, B, C, D, E = range(5)


def confounder() -> StructuralCausalModels:
    """One fixed model: C causes A and B, so these are correlated, but neither causes the other. D causes E."""
    weights = np.zeros((5, 5))
    weights[C, A], weights[C, B], weights[D, E] = 2.0, 1.5, 1.0  # [cause, effect]
    return StructuralCausalModels.from_weights(weights, noise_scale=0.5)


def chains(rng: np.random.Generator, count: int) -> StructuralCausalModels:
    """A sampler: in each episode the five variables form a chain in a random order, with random weights.

    Args:
        rng: the only source of randomness, so that an episode is a function of its seed.
        count: models to draw.
    """
    order = rng.permuted(np.tile(np.arange(5), (count, 1)), axis=1)  # (count, 5)
    parents = np.full((count, 5, 1), -1)  # (count, N, P); -1 = no cause
    np.put_along_axis(parents[..., 0], order[:, 1:], order[:, :-1], axis=1)
    weights = rng.choice([-1.0, 1.0], size=parents.shape) * rng.uniform(0.5, 1.5, size=parents.shape)
    return StructuralCausalModels(parents, weights * (parents >= 0), np.full((count, 5), 0.5))


def main(updates: int) -> None:
    # A split admits only models that meet its condition: "train" none in which D is an ancestor of E, "unrestricted" any.
    env = gym.make("gym_causal:" + ENV_ID, models=confounder(), split="unrestricted")
    env.reset(seed=0)
    print(env.step(C)[4]["explanation"]["text"])  # set C to +5

    venv = gym_causal.make_vec(ENV_ID, num_envs=4, models=chains, split="train", graph_info=True)
    _, infos = venv.reset(seed=0)
    print("edges of four sampled chains:", (infos["weights"] != 0).sum(axis=(1, 2)))

    for name, models in (("fixed", confounder()), ("sampled", chains)):
        result = gym_causal.evaluate("random", ENV_ID, split="unrestricted", num_episodes=200, seed=0, models=models)
        print(f"random play, {name} models: normalized reward {result.normalized_reward}")

    from agents.algorithms.behavioral_cloning import train  # noqa: PLC0415 - playing and evaluating need no torch
    from agents.config import AgentConfig, TrainingConfig  # noqa: PLC0415

    # A config is saved as JSON, so it names the sampler; a fixed model would be given as confounder().to_dict().
    env_kwargs = {"models": "own_causal_graph:chains"}
    training = TrainingConfig(num_batches=updates, batch_size=64, validation_episodes=64, evaluation_episodes=64)
    agent = train(
        AgentConfig(env_id=ENV_ID, env_kwargs=env_kwargs, training=training), Path("results/chain_agent"), splits=("train",), resume=True
    )
    for split in ("train", "eval_target"):  # in the latter D is an ancestor of E
        result = gym_causal.evaluate(agent, ENV_ID, split=split, num_episodes=200, seed=0, **env_kwargs)
        print(f"agent, sampled models, {split}: normalized reward {result.normalized_reward}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
