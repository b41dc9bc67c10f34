"""A trained policy as gym_causal's one policy signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.policies.sequence_policy import SequencePolicy
from gym_causal.core.task import Observations


class Agent:
    """A trained agent: ``agent(observations, state, episode_starts) -> (actions, state)``, like every policy here.

    Args:
        policy: what was trained.
        deterministic: take the likeliest action; False: sample it.
        seed: of these samples.
        name: in results.
        explains: also predict the explanation of each step; it has no influence on the actions.
        masked: it was trained with action masks, and needs them to act.

    Attributes:
        needs_action_masks: see :class:`gym_causal.policies.Policy`.
        explanation: (B, L) int64; the tokens of the explanations predicted at the last step; None if it does not explain.

    Raises:
        ValueError: ``explains`` for a policy that predicts no explanations.
    """

    def __init__(
        self,
        policy: SequencePolicy,
        *,
        deterministic: bool = True,
        seed: int = 0,
        name: str = "agent",
        explains: bool = False,
        masked: bool = False,
    ) -> None:
        if explains and policy.explanation_head is None:
            raise ValueError("explains must be False for an agent that predicts no explanations, got True")
        self.policy, self.deterministic, self.name, self.explains = policy, deterministic, name, explains
        self.needs_action_masks = masked
        self.explanation: np.ndarray | None = None
        self._rng = torch.Generator().manual_seed(seed)

    def __call__(
        self, observations: Observations, state: Any, episode_starts: np.ndarray, action_masks: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """Act one step; see :class:`gym_causal.policies.Policy`.

        Args:
            observations: (B, ...) each.
            state: what the last call returned, a :class:`~agents.networks.kv_cache.KVCache`; None at first.
            episode_starts: (B,) bool.
            action_masks: (B, A) bool; which actions are legal.

        Returns:
            (B,) int64 actions, and the state.

        Raises:
            ValueError: no ``action_masks`` for an agent that needs them.
        """
        if self.needs_action_masks and action_masks is None:
            raise ValueError("action_masks must be given to an agent that was trained with them, got None")
        self.policy.eval()
        tensors = {key: torch.as_tensor(value, device=self.policy.device) for key, value in observations.items()}
        hidden_states, cache = self.policy.encode_step(tensors, state, episode_starts)
        with torch.no_grad():
            logits = self.policy.network.action_logits(hidden_states)[:, 0]
            if self.explains:
                self.explanation = self.policy.explain(hidden_states).cpu().numpy()
        actions = sample_actions(mask_logits(logits.cpu(), action_masks), self.deterministic, self._rng)
        cache.previous_actions = actions.to(self.policy.device) + 1
        return actions.numpy(), cache


_ILLEGAL = -1e8
"""Logit of an illegal action, as in sb3-contrib: its probability is 0, and 0 times its logarithm is no NaN."""


def mask_logits(logits: Tensor, action_masks: np.ndarray | Tensor | None) -> Tensor:
    """(..., A) logits under which illegal actions, those whose mask (..., A) is false, have probability 0."""
    if action_masks is None:
        return logits
    return logits.masked_fill(~torch.as_tensor(action_masks, device=logits.device), _ILLEGAL)


def sample_actions(logits: Tensor, deterministic: bool, rng: torch.Generator | None = None) -> Tensor:
    """(B,) int64 actions for (B, A) logits: the likeliest ones, or sampled ones."""
    if deterministic:
        return logits.argmax(-1)
    return torch.multinomial(torch.softmax(logits, -1), 1, generator=rng)[:, 0]
