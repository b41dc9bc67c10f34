"""How an agent learns from reward, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gym_causal.arguments import check_integer, check_number


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Proximal policy optimization (Schulman et al. 2017) on whole episodes, beside what :class:`~agents.config.TrainingConfig` says.

    An update of the training is an iteration here: ``num_envs`` episodes are played, then learned from in ``num_epochs`` passes, in
    minibatches of ``TrainingConfig.batch_size`` episodes.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    num_envs: int = 1_024
    """Episodes that each iteration plays, all at once. Native envs cost next to nothing, so many episodes that are looked at once or
    twice teach more in the same time than few that are looked at ten times."""
    num_epochs: int = 2
    """Passes over the episodes of an iteration; stable-baselines3 makes 10, where playing is what costs."""
    max_episode_steps: int = 1_024
    """Longer episodes are cut after so many steps, and the value of what is observed then stands for what would have come."""
    gamma: float = 0.99
    """Discount factor, stable-baselines3's; 1 where all episodes have the same, small number of steps."""
    gae_lambda: float = 0.95
    """Of generalized advantage estimation (Schulman et al. 2016), stable-baselines3's; 1: the return minus the value."""
    clip_range: float = 0.2
    """The probability ratio is clipped to 1 - this and 1 + this; stable-baselines3's."""
    clip_range_vf: float | None = None
    """Values are clipped to the ones while playing plus or minus this; None, stable-baselines3's: they are not."""
    normalize_advantage: bool = True
    """Advantages of a minibatch are shifted and scaled to mean 0 and standard deviation 1, as in stable-baselines3."""
    normalize_value_loss: bool = True
    """The value loss is divided by the variance of the returns of the iteration: ``vf_coef`` then means the same whatever the scale of
    the rewards, which stable-baselines3 leaves to its VecNormalize."""
    ent_coef: float = 0.01
    """Weight of the entropy bonus; stable-baselines3's 0 lets an agent stop experimenting before it has learned what experiments are
    good for."""
    vf_coef: float = 0.5
    """Weight of the value loss; stable-baselines3's."""
    kl_coef: float = 0.0
    """Weight of the KL divergence of the policy from the one that the training starts from (``init``), KL(initial || policy), a mean over
    steps in nats. What demonstrations have taught is then not forgotten where reward does not ask for it: kickstarting (Schmitt et al.
    2018), the loss of Baker et al. (2022) after their behavioral cloning. 0: no such loss, as in stable-baselines3."""
    target_kl: float | None = None
    """An iteration makes no further steps once the approximate KL divergence from the policy that played is 1.5 times this; None,
    stable-baselines3's: no limit."""
    action_masks: bool = True
    """Whether illegal actions have probability 0, in training and when the agent acts."""

    def __post_init__(self) -> None:
        check_integer("num_envs", self.num_envs, 2, 10**6)
        check_integer("num_epochs", self.num_epochs, 1, 10**6)
        check_integer("max_episode_steps", self.max_episode_steps, 1, 10**9)
        for name in ("gamma", "gae_lambda"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("clip_range", self.clip_range, 0, math.inf, low_included=False)
        for name in ("clip_range_vf", "target_kl"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 0, math.inf, low_included=False)
        for name in ("ent_coef", "vf_coef", "kl_coef"):
            check_number(name, getattr(self, name), 0, math.inf)
