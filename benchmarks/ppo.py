"""Steps per second of learning from reward: EpisodePPO's whole loop beside stable-baselines3's PPO and a CleanRL-style loop.

    python -m benchmarks.ppo [--env CausalDAG-v0] [--num-envs 1024] [--rollouts 3] [--rounds 3] [--threads 1] [--out FILE]

All play the same env on one thread, in turns. EpisodePPO trains the suite's Transformer with its own defaults; the others train an MLP of
two layers of 64 with theirs. stable-baselines3 plays the flattened env in its DummyVecEnv ("MlpPolicy", what its users start with) and the
native batch as a VecEnv ("MultiInputPolicy"); the CleanRL-style loop plays the native batch and has no logger and no callbacks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from gymnasium.wrappers import FlattenObservation
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from torch import Tensor, nn

import gym_causal
from agents.algorithms.ppo import EpisodePPO
from agents.config import preset
from agents.vec_env import BatchedVecEnv
from benchmarks.reports import save_report


@dataclass(frozen=True)
class Args:
    """Measure steps per second of PPO: playing and learning."""

    env: str = "CausalDAG-v0"
    """Id of an environment whose episodes have one length."""
    num_envs: int = 1_024
    """Played at once."""
    episode_steps: int = 7
    """Steps of an episode."""
    rollouts: int = 3
    """Of one episode of each env, in a round; one more before goes uncounted."""
    rounds: int = 3
    """Of which the median counts."""
    threads: int = 1
    """Of torch."""
    dummy: bool = True
    """Also measure a DummyVecEnv of so many envs, which takes longest."""
    out: Path | None = None
    """A JSON file."""


def episode_ppo(args: Args) -> EpisodePPO:
    """With the env's quick preset."""
    chosen = preset(args.env, "quick", "ppo")
    assert chosen.ppo is not None
    venv = BatchedVecEnv(gym_causal.make_vec(args.env, args.num_envs, explain="none"))
    epochs, batch_size = chosen.ppo.num_epochs, chosen.training.batch_size
    options: dict[str, Any] = {"n_epochs": epochs, "batch_size": batch_size, "device": "cpu", "seed": 0}
    return EpisodePPO("TransformerPolicy", venv, policy_kwargs={"architecture": chosen.architecture}, **options)


def stock_ppo(args: Args, policy: str) -> PPO:
    """stable-baselines3's PPO with its defaults, but for rollouts of one episode."""
    if policy == "MlpPolicy":
        kwargs: dict[str, Any] = {"env_kwargs": {"explain": "none"}, "wrapper_class": FlattenObservation}
        venv: Any = make_vec_env(f"gym_causal:{args.env}", args.num_envs, **kwargs)
    else:
        venv = BatchedVecEnv(gym_causal.make_vec(args.env, args.num_envs, explain="none"))
    return PPO(policy, venv, n_steps=args.episode_steps, device="cpu", seed=0)


def learn(model: PPO, args: Args) -> tuple[float, float]:
    """Seconds of the rollouts of a round, and of learning from them."""
    steps = args.num_envs * args.episode_steps
    learning = 0.0
    train = model.train

    def timed() -> None:
        nonlocal learning
        start = time.perf_counter()
        train()
        learning += time.perf_counter() - start

    model.learn(steps)
    model.train = timed  # type: ignore[method-assign]
    start = time.perf_counter()
    model.learn(args.rollouts * steps, reset_num_timesteps=False)
    model.train = train  # type: ignore[method-assign]
    return time.perf_counter() - start, learning


class CleanLoop:
    """A loop as CleanRL's ``ppo.py`` has it, with its defaults of 4 epochs of 4 minibatches, in a few lines."""

    def __init__(self, args: Args) -> None:
        torch.manual_seed(0)
        self.args, self.venv = args, gym_causal.make_vec(args.env, args.num_envs, explain="none")
        self.observation = self._flat(self.venv.reset(seed=0)[0])
        size, num_actions = self.observation.shape[1], int(self.venv.single_action_space.n)
        self.actor, self.critic = self._mlp(size, num_actions), self._mlp(size, 1)
        self.parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=2.5e-4, eps=1e-5)

    @staticmethod
    def _mlp(size: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))

    @staticmethod
    def _flat(observations: dict[str, np.ndarray]) -> Tensor:
        parts = [np.asarray(value, np.float32).reshape(len(value), -1) for value in observations.values()]
        return torch.as_tensor(np.concatenate(parts, axis=1))

    def rollout(self) -> tuple[float, float]:
        """Play a rollout and learn from it; seconds of both."""
        start = time.perf_counter()
        steps = []
        for _ in range(self.args.episode_steps):
            with torch.no_grad():
                policy = torch.distributions.Categorical(logits=self.actor(self.observation))
                action, value = policy.sample(), self.critic(self.observation)[:, 0]
            observations, reward, terminated, truncated, _ = self.venv.step(action.numpy())
            done = torch.as_tensor(terminated | truncated)
            steps.append((self.observation, action, policy.log_prob(action), value, torch.as_tensor(reward, dtype=torch.float32), done))
            self.observation = self._flat(observations)
        played = time.perf_counter()
        self._learn(*(torch.stack(part) for part in zip(*steps, strict=True)))
        return played - start, time.perf_counter() - played

    def _learn(self, seen: Tensor, action: Tensor, log_prob: Tensor, value: Tensor, reward: Tensor, done: Tensor) -> None:
        advantage, following, after = torch.zeros_like(reward), torch.zeros(len(reward[0])), torch.zeros(len(reward[0]))
        for step in reversed(range(len(reward))):
            going_on = 1.0 - done[step].float()
            following = reward[step] + 0.99 * after * going_on - value[step] + 0.99 * 0.95 * going_on * following
            advantage[step], after = following, value[step]
        data = [part.flatten(0, 1) for part in (seen, action, log_prob, advantage, advantage + value)]
        for _ in range(4):
            for rows in torch.randperm(len(data[0])).chunk(4):
                seen_rows, action_rows, old, gain, target = (part[rows] for part in data)
                policy = torch.distributions.Categorical(logits=self.actor(seen_rows))
                ratio = torch.exp(policy.log_prob(action_rows) - old)
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                surrogate = -torch.min(gain * ratio, gain * ratio.clamp(0.8, 1.2)).mean()
                error = 0.5 * ((self.critic(seen_rows)[:, 0] - target) ** 2).mean()
                loss = surrogate + 0.5 * error - 0.01 * policy.entropy().mean()
                self.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.parameters, 0.5)
                self.optimizer.step()


def clean(loop: CleanLoop, args: Args) -> tuple[float, float]:
    """Seconds of the rollouts of a round, and of learning from them."""
    loop.rollout()
    times = [loop.rollout() for _ in range(args.rollouts)]
    return sum(played + learned for played, learned in times), sum(learned for _, learned in times)


def main(args: Args) -> None:
    torch.set_num_threads(args.threads)
    contestants: dict[str, Callable[[Args], tuple[float, float]]] = {
        "EpisodePPO, Transformer": partial(learn, episode_ppo(args)),
        "SB3 PPO, MultiInputPolicy, native batch": partial(learn, stock_ppo(args, "MultiInputPolicy")),
        "CleanRL-style, MLP, native batch": partial(clean, CleanLoop(args)),
    }
    if args.dummy:
        contestants["SB3 PPO, MlpPolicy, DummyVecEnv"] = partial(learn, stock_ppo(args, "MlpPolicy"))
    rounds = [{name: run(args) for name, run in contestants.items()} for _ in range(args.rounds)]
    steps = args.rollouts * args.num_envs * args.episode_steps
    print(f"{args.env}, {args.num_envs} envs, {args.threads} threads; median of {args.rounds} rounds [lowest, highest]")
    ours = next(iter(contestants))
    for name in contestants:
        rates = sorted(steps / times[name][0] for times in rounds)
        ratio = statistics.median(times[name][0] / times[ours][0] for times in rounds)
        learning = statistics.median(times[name][1] / times[name][0] for times in rounds)
        print(
            f"  {name:40} {statistics.median(rates):8,.0f} steps/s [{rates[0]:,.0f}, {rates[-1]:,.0f}], "
            f"{learning:.0%} of the time learning; EpisodePPO is {ratio:.2f} times as fast"
        )
    if args.out:
        save_report(args.out, {"env_id": args.env, "num_envs": args.num_envs, "torch": torch.__version__, "rounds": rounds})


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.ppo"))
