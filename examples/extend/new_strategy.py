"""Register a strategy for CausalDAG-v0: take the intervention that moved the goal furthest from its mean initial value.

    python examples/extend/new_strategy.py [EPISODES]

Files touched beside this one: none.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import baselines
import gym_causal
from baselines.causal_dag.interventional_data import InterventionalData
from gym_causal.causal_dag.config import CausalDAGConfig

ENV_ID = "CausalDAG-v0"


def mean_change(data: InterventionalData, goal: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Score every action by the goal's outcome minus its initial value, averaged over all trials: less noise than one trial's.

    Args:
        data: the exploration trials of B episodes.
        goal: (B,) int.
        relevant: (B, N) bool; the variables to consider.

    Returns:
        (B, 2N) preference over actions, higher is better: positive interventions first, then negative ones.
    """
    batch, num_trials, num_variables = data.outcomes.shape
    index = np.broadcast_to(goal[:, None, None], (batch, num_trials, 1))
    before = np.take_along_axis(data.initial_values, index, 2)[..., 0]  # (B, T) of the goal
    after = np.take_along_axis(data.outcomes, index, 2)[..., 0]
    change = (after - before.mean(axis=1, keepdims=True)) * np.sign(data.do_value)
    preferences = np.zeros((batch, num_variables))
    rows, trials = np.nonzero((data.do_target >= 0) & (data.do_target != goal[:, None]))
    preferences[rows, data.do_target[rows, trials]] = change[rows, trials]
    return np.concatenate([preferences, -preferences], axis=1)


def make_policy(seed: int, env_kwargs: dict[str, Any]) -> baselines.StrategyPolicy:
    """The strategy as a policy: it explores as the expert does, then takes the action of the highest preference."""
    return baselines.StrategyPolicy("mean_change", mean_change, CausalDAGConfig(**env_kwargs), seed)


baselines.register_strategy(ENV_ID, "mean_change", make_policy)

if __name__ == "__main__":
    num_episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    for name in baselines.compared_strategies(ENV_ID):  # `python -m baselines.compare` compares the same ones
        if name == "structure":
            continue  # the slow one
        policy = baselines.make(name, ENV_ID)
        result = gym_causal.evaluate(policy, ENV_ID, split="eval_target", num_episodes=num_episodes, seed=0, name=name)
        print(f"{name:20} {result.normalized_reward}")
