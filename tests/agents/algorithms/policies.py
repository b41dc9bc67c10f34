"""What configs name as "module:name": policies and envs that demonstrate, and causal graphs."""

import gymnasium as gym
import numpy as np

from gym_causal.scm import StructuralCausalModels


def balance(observations, state, episode_starts):
    """Balances the pole of CartPole-v1 as long as an episode lasts."""
    position, velocity, angle, angular_velocity = observations["observation"].T
    return (angle + 0.5 * angular_velocity + 0.05 * position + 0.1 * velocity > 0).astype(int), state


class Right:
    """stable-baselines3's way to act: always action 1."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.ones(len(episode_start), int), state


class BotEnv(gym.Wrapper):
    """A MiniGrid level with the bot that comes with MiniGrid as its expert."""

    def reset(self, **kwargs):
        from minigrid.utils.baby_ai_bot import BabyAIBot  # noqa: PLC0415 - only where it is installed

        result = self.env.reset(**kwargs)
        self.bot, self.last = BabyAIBot(self.env.unwrapped), None
        return result

    def expert_action(self):
        self.last = int(self.bot.replan(self.last))
        return self.last


def make_bot_env(**kwargs):
    return BotEnv(gym.make("minigrid:BabyAI-GoToRedBallNoDists-v0", **kwargs))


def chain(rng, count):
    """A -> B -> C, always."""
    return StructuralCausalModels.from_weights(np.tile([[0, 1.5, 0], [0, 0, -1], [0, 0, 0]], (count, 1, 1)))
