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
    """

    def __init__(self, policy: SequencePolicy, *, deterministic: bool = True, seed: int = 0, name: str = "agent") -> None:
        self.policy, self.deterministic, self.name = policy, deterministic, name
        self._rng = torch.Generator().manual_seed(seed)

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        """Act one step; see :class:`gym_causal.policies.Policy`.

        Args:
            observations: (B, ...) each.
            state: what the last call returned, a :class:`~agents.networks.kv_cache.KVCache`; None at first.
            episode_starts: (B,) bool.

        Returns:
            (B,) int64 actions, and the state.
        """
        self.policy.eval()
        tensors = {key: torch.as_tensor(value, device=self.policy.device) for key, value in observations.items()}
        logits, cache = self.policy.step(tensors, state, episode_starts)
        actions = sample_actions(logits.cpu(), self.deterministic, self._rng)
        cache.previous_actions = actions.to(self.policy.device) + 1
        return actions.numpy(), cache


def sample_actions(logits: Tensor, deterministic: bool, rng: torch.Generator | None = None) -> Tensor:
    """(B,) int64 actions for (B, A) logits: the likeliest ones, or sampled ones."""
    if deterministic:
        return logits.argmax(-1)
    return torch.multinomial(torch.softmax(logits, -1), 1, generator=rng)[:, 0]
