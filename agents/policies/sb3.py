"""A sequence policy as a stable-baselines3 policy, which imitation trains and both can roll out."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor

from agents.policies.agent import mask_logits, sample_actions
from agents.policies.sequence_policy import SequencePolicy
from agents.policies.spaces_task import as_dict
from gym_causal.core.task import Observations


class TransformerPolicy(BasePolicy):
    """Trained on whole episodes, acting one step at a time.

    Args:
        model: whose weights these are.
        observation_space: of one env; None: the model's.
    """

    action_space: gym.spaces.Discrete

    def __init__(self, model: SequencePolicy, observation_space: gym.Space | None = None) -> None:
        super().__init__(observation_space or model.observation_space, model.action_space)
        self.model = model

    def evaluate_actions(self, observations: dict[str, Tensor], actions: Tensor) -> tuple[None, Tensor, None]:
        """What imitation's BC asks for: values (none), log-probabilities of the actions, entropies (none).

        Args:
            observations: (B, T, ...) each, of whole episodes.
            actions: (B, T), or (B, T, 1 + L); IGNORE_INDEX where there is none to learn.

        Returns:
            The log-probabilities (n,) of the n actions that there are, in their order.
        """
        return None, self.model.evaluate_sequence(observations, actions)[2], None

    def predict(
        self,
        observation: np.ndarray | Observations,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Act one step as stable-baselines3 does, in one env or in a batch.

        Args:
            observation: (...) or (B, ...) each.
            state: what the last call returned; None at first.
            episode_start: (B,) bool, true for rows whose episode has just begun; None: for no row.
            deterministic: take the likeliest action; False: sample it.
            action_masks: (A,) or (B, A) bool, which actions are legal; None: all.

        Returns:
            () or (B,) int64 actions, and the state.
        """
        self.set_training_mode(False)
        tensors, is_batch = self.obs_to_tensor(observation)
        logits, cache = self.model.step(as_dict(tensors), state, episode_start)
        masks = None if action_masks is None else np.reshape(action_masks, logits.shape)
        sampled = sample_actions(mask_logits(logits, masks), deterministic)
        cache.previous_actions = sampled + 1
        actions = sampled.cpu().numpy()
        return (actions if is_batch else actions[0]), cache

    def _predict(self, observation: Tensor | dict[str, Tensor], deterministic: bool = False) -> Tensor:
        raise NotImplementedError("acting takes a state: call predict")
