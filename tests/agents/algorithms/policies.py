"""Policies that demonstrate in envs of Gymnasium."""

import numpy as np


def balance(observations, state, episode_starts):
    """Balances the pole of CartPole-v1 as long as an episode lasts."""
    position, velocity, angle, angular_velocity = observations["observation"].T
    return (angle + 0.5 * angular_velocity + 0.05 * position + 0.1 * velocity > 0).astype(int), state


class Right:
    """stable-baselines3's way to act: always action 1."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.ones(len(episode_start), int), state
