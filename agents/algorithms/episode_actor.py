"""Acts in one whole episode of each of many envs."""

from __future__ import annotations

import numpy as np
import torch

from agents.algorithms.episode_sources import State
from agents.networks.kv_cache import KVCache
from agents.policies.actor_critic import TransformerActorCriticPolicy


class EpisodeActor:
    """Samples the actions of one episode of each of B envs.

    Episodes end at different times. Once half of those in the cache are over, the network goes on with the others alone.

    Args:
        policy: which acts.
        num_envs: B.
        rng: of the actions.
    """

    def __init__(self, policy: TransformerActorCriticPolicy, num_envs: int, rng: torch.Generator) -> None:
        self.policy, self._num_envs, self._rng = policy, num_envs, rng
        self._rows = np.arange(num_envs)  # the envs that the cache has a row for
        self._cache: KVCache | None = None

    def __call__(self, state: State, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Act one step.

        Args:
            state: of all envs.
            playing: (B,) bool; whose episode is not over.

        Returns:
            Actions (B,) int64, values (B,) and log-probabilities (B,); where an episode is over, a legal action and zeros.
        """
        actions = np.zeros(self._num_envs, int) if state.action_masks is None else state.action_masks.argmax(axis=1)
        values, log_probs = np.zeros((2, self._num_envs), np.float32)
        self._forget(playing)
        rows = self._rows
        device = self.policy.device
        observations = {key: torch.as_tensor(value[rows], device=device) for key, value in state.observations.items()}
        masks = None if state.action_masks is None else state.action_masks[rows]
        starts = None if self._cache else np.ones(len(rows), bool)
        acted, valued, log_prob, self._cache = self.policy(observations, self._cache, starts, masks, self._rng)
        actions[rows], values[rows], log_probs[rows] = acted.numpy(), valued.numpy(), log_prob.numpy()
        return actions, values, log_probs

    def _forget(self, playing: np.ndarray) -> None:
        """Take episodes that are over from the cache, if they are half of those in it."""
        kept = np.flatnonzero(playing[self._rows])
        if self._cache is not None and 2 * len(kept) <= len(self._rows):
            self._rows = self._rows[kept]
            self._cache.keep(torch.as_tensor(kept, device=self.policy.device))
