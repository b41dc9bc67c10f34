"""Train stable-baselines3's plain PPO on the flattened CausalDAG-v0, and see whether it beats random play.

    python examples/train_ppo.py [--variables 3] [--steps 60000] [--seed 0]

Needs stable-baselines3, tqdm and rich (the extra `trainer` has them). The default budget, 60,000 steps with three variables, takes about a
minute on one core; five variables, the environment's own default, take some 200,000 steps. This PPO sees the last trial only, while the
best intervention follows from all of them. So the claim is that it beats random play, not that it matches the expert: the 95% intervals
must not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro
from gymnasium.spaces.utils import flatten
from gymnasium.wrappers import FlattenObservation
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

import gym_causal

ENV_ID = "CausalDAG-v0"


class FlatPolicy:
    """A stable-baselines3 model trained on flattened, normalized observations, with the signature of all policies here."""

    name = "ppo"

    def __init__(self, model: PPO, normalize: VecNormalize, space: Any) -> None:
        self.model, self.normalize, self.space = model, normalize, space

    def __call__(self, observations: dict[str, np.ndarray], state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        rows = [{key: values[row] for key, values in observations.items()} for row in range(len(episode_starts))]
        flat = np.array([flatten(self.space, row) for row in rows])
        actions, _ = self.model.predict(self.normalize.normalize_obs(flat), deterministic=True)
        return actions, state


@dataclass(frozen=True)
class Args:
    """Train Stable-Baselines3's PPO on the flattened CausalDAG-v0 and compare it with random play."""

    variables: int = 3
    """Of the causal model."""
    steps: int = 60_000
    """Environment steps to train for."""
    episodes: int = 2_000
    """Episodes to evaluate on."""
    seed: int = 0


def main(args: Args) -> None:
    env_kwargs = {"num_variables": args.variables, "explain": "none"}
    venv = make_vec_env(ENV_ID, n_envs=16, seed=args.seed, wrapper_class=FlattenObservation, env_kwargs=env_kwargs)
    # Without memory, an experiment pays only if it is the last before the goal is named: a short horizon.
    venv = VecNormalize(venv, gamma=0.5)
    model = PPO("MlpPolicy", venv, n_steps=128, batch_size=256, gamma=0.5, ent_coef=0.003, learning_rate=1e-3, seed=args.seed, device="cpu")
    model.learn(args.steps, progress_bar=True)

    ppo_policy = FlatPolicy(model, venv, gym_causal.make_vec(ENV_ID, **env_kwargs).single_observation_space)
    random, ppo, expert = (
        gym_causal.evaluate(policy, ENV_ID, num_episodes=args.episodes, seed=args.seed, **env_kwargs)
        for policy in ("random", ppo_policy, "expert")
    )
    print(f"mean return of an episode, {args.episodes} episodes of split train, with 95% intervals")
    for result in (random, ppo, expert):
        print(f"{result.policy:>8}  {result.reward}")
    beats_random = ppo.reward.low > random.reward.high
    print(f"after {args.steps} steps PPO {'beats' if beats_random else 'does not beat'} random play")


if __name__ == "__main__":
    main(tyro.cli(Args))
