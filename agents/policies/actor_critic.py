"""A sequence policy with a value head as a stable-baselines3 policy, for algorithms that learn from reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from agents.config import ArchitectureConfig
from agents.networks.kv_cache import KVCache
from agents.policies.agent import mask_logits, sample_actions
from agents.policies.sb3 import TransformerPolicy
from agents.policies.sequence_policy import SequencePolicy
from agents.policies.spaces_task import SpacesTask
from gym_causal.core.task import BatchedTask


@dataclass(frozen=True)
class EvaluatedEpisodes:
    """What the present weights say about B episodes of T steps."""

    hidden_states: Tensor  # (B, T, ...)
    log_probs: Tensor  # (B, T) of the actions that were taken
    values: Tensor  # (B, T)
    distributions: Tensor  # (B, T, A) log-probabilities of all actions; illegal ones have probability 0

    @property
    def entropies(self) -> Tensor:
        """(B, T) of the distributions."""
        return -(self.distributions.exp() * self.distributions).sum(-1)


class TransformerActorCriticPolicy(TransformerPolicy):
    """Trained on whole episodes, acting one step at a time; action head and value head share one network.

    Args:
        observation_space: of one env.
        action_space: of one env.
        lr_schedule: not used: the algorithm makes the optimiser.
        use_sde: must be False.
        task: what is played; it tells the network its arguments, which steps have an effect and what explanations there are. None: only
            spaces are known, which the network "generic" can read.
        architecture: of the network; None: "generic" with its default sizes.
        explains: whether it also predicts explanations.
        model: the network and its heads, to go on with; None: with freshly drawn weights.

    Raises:
        ValueError: the action space is not Discrete, the spaces are not the task's, or the network cannot read them.
    """

    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        observation_space: gym.Space,
        action_space: gym.Space,
        lr_schedule: Any = None,
        use_sde: bool = False,
        *,
        task: BatchedTask | None = None,
        architecture: ArchitectureConfig | None = None,
        explains: bool = False,
        model: SequencePolicy | None = None,
    ) -> None:
        if not isinstance(action_space, spaces.Discrete):
            raise ValueError(f"action_space must be Discrete for a TransformerPolicy, got {action_space}")
        if use_sde:
            raise ValueError("use_sde must be False for a TransformerPolicy, got True")
        known = SpacesTask(observation_space, action_space)
        played = known if task is None else task
        if (played.observation_space, played.action_space) != (known.observation_space, known.action_space):
            raise ValueError("task must have the observations and actions of the env")
        if model is None:
            model = SequencePolicy(played, architecture or ArchitectureConfig(kind="generic"), explains=explains, values=True)
        if model.value_head is None:
            raise ValueError("model must have a value head: SequencePolicy(..., values=True)")
        super().__init__(model, observation_space)
        self.task = played

    def forward(
        self,
        observations: dict[str, Tensor],
        cache: KVCache | None,
        episode_starts: np.ndarray,
        action_masks: np.ndarray | None = None,
        rng: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, KVCache]:
        """Act one step, without gradients.

        Args:
            observations: (B, ...) each.
            cache: what the last call returned, changed in place; None at first.
            episode_starts: (B,) bool; see :meth:`agents.policies.sequence_policy.SequencePolicy.encode_step`.
            action_masks: (B, A) bool, which actions are legal; None: all.
            rng: of the actions; None: torch's own.

        Returns:
            (B,) int64 actions, their values (B,) and log-probabilities (B,), on the CPU, and the cache.
        """
        hidden_states, cache = self.model.encode_step(observations, cache, episode_starts)
        with torch.no_grad():
            logits = mask_logits(self.model.network.action_logits(hidden_states)[:, 0].cpu(), action_masks)
            values = self.values_of(hidden_states)[:, 0].cpu()
        actions = sample_actions(logits, False, rng)
        cache.previous_actions = actions.to(self.device) + 1
        return actions, values, torch.log_softmax(logits, dim=-1).gather(1, actions[:, None])[:, 0], cache

    def values_of(self, hidden_states: Tensor) -> Tensor:
        """(B, T) values of hidden states (B, T, ...)."""
        assert self.model.value_head is not None
        return self.model.value_head(self.model.network.explanation_features(hidden_states))

    def evaluate_episodes(
        self, observations: dict[str, Tensor], actions: Tensor, action_masks: Tensor | None, lengths: Tensor
    ) -> EvaluatedEpisodes:
        """Evaluate whole episodes, all steps at once. What is returned of steps after an episode's end means nothing.

        Args:
            observations: (B, T, ...) each, "previous_action" among them.
            actions: (B, T) int64.
            action_masks: (B, T, A) bool; None: every action is legal.
            lengths: (B,) int; steps of each episode.
        """
        hidden_states = self.model.network.encode_episodes(observations, lengths)
        distributions = torch.log_softmax(mask_logits(self.model.network.action_logits(hidden_states), action_masks), dim=-1)
        taken = distributions.gather(-1, actions[..., None])[..., 0]
        return EvaluatedEpisodes(hidden_states, taken, self.values_of(hidden_states), distributions)
