"""Clone an env's own bot: MiniGrid's BabyAIBot, which walks to a red ball.

    python examples/extend/clone_minigrid.py [UPDATES]

Files touched beside this one: none. Needs ``pip install minigrid``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
from minigrid.utils.baby_ai_bot import BabyAIBot
from minigrid.wrappers import ImgObsWrapper

import gym_causal
from agents.algorithms.behavioral_cloning import train
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig

ENV_ID = "GoToRedBallWithBot-v0"


class BotExpert(gym.Wrapper):
    """The env with the method ``expert_action``: this is all that makes the policy "expert" exist in it."""

    def reset(self, **kwargs: Any) -> Any:
        result = self.env.reset(**kwargs)
        self.bot = BabyAIBot(self.env)
        self.last_action: int | None = None
        self.planned: int | None = None
        return result

    def step(self, action: int) -> Any:
        self.last_action, self.planned = action, None
        return self.env.step(action)

    def expert_action(self) -> int:
        """The bot's action in the present state; the bot is asked once in each state."""
        if self.planned is None:
            self.planned = int(self.bot.replan(self.last_action))
        return self.planned


def make_env(**kwargs: Any) -> gym.Env:
    """The agent sees the 7x7 cells in front of it as an image of symbols, not the mission, which is always the same."""
    return BotExpert(ImgObsWrapper(gym.make("minigrid:BabyAI-GoToRedBallNoDists-v0", **kwargs)))


gym.register(ENV_ID, entry_point=make_env)

if __name__ == "__main__":
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    config = AgentConfig(
        env_id=ENV_ID,
        architecture=ArchitectureConfig(kind="generic", width=64, context=32),
        training=TrainingConfig(
            num_batches=updates,
            batch_size=16,
            num_demonstrations=512,
            validation_episodes=16,
            evaluate_every=updates,
            evaluation_episodes=16,
        ),
    )
    agent = train(config, Path("results/minigrid_agent"), resume=True)
    for policy in ("random", "expert", agent):
        result = gym_causal.evaluate(policy, ENV_ID, num_episodes=64, seed=0)
        print(f"{result.policy:8} return {result.reward}")  # 1 - 0.9 * steps / 64 for an episode that reaches the ball
