"""A network and its explanation head as one module: evaluates whole episodes, and acts one step at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from agents.config.architecture import ArchitectureConfig
from agents.data.collate import IGNORE_INDEX
from agents.networks.base import Observations
from agents.networks.explanation_head import ExplanationHead
from agents.networks.kv_cache import KVCache
from agents.networks.registry import build_network
from agents.networks.value_head import ValueHead
from gym_causal.core.task import BatchedTask


class SequencePolicy(nn.Module):
    """A policy over whole episodes, with freshly drawn weights.

    Args:
        task: what it acts in; gives the spaces, the network's arguments and, in the mode of its argument ``explain``, the explanations.
        architecture: of the network.
        explains: whether it also predicts explanations.
        values: whether it also predicts returns, as reinforcement learning needs.

    Attributes:
        network: :class:`agents.networks.base.Network`.
        explanation_head: :class:`agents.networks.explanation_head.ExplanationHead`; None if it predicts no explanations.
        value_head: :class:`agents.networks.value_head.ValueHead`; None if it predicts no returns.
        observation_space: of one row of the task.
        action_space: of one row of the task.

    Raises:
        ValueError: an architecture for another task, or a task without explanations for a policy that predicts them.
    """

    def __init__(self, task: BatchedTask, architecture: ArchitectureConfig, *, explains: bool = False, values: bool = False) -> None:
        super().__init__()
        self.observation_space, self.action_space = task.observation_space, task.action_space
        self.network = build_network(architecture, task)
        self.explanation_head: ExplanationHead | None = None
        if explains:
            explanations = task.explanations
            if not explanations.num_tokens:
                raise ValueError(f"explanations must be none: a {type(task).__name__} has no explanations to predict")
            num_features = self.network.explanation_width
            # No fewer hidden units than features: after 150 updates the loss of a causal DAG agent is 3.8 nats, with 2 W units 6.3.
            hidden_size = max(2 * architecture.width, num_features)
            self.explanation_head = ExplanationHead(
                num_features, hidden_size, len(explanations.vocabulary), explanations.num_tokens, explanations.starts
            )
        # Last, so that a policy without it draws the same weights.
        self.value_head = ValueHead(self.network.explanation_width, 2 * architecture.width) if values else None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def evaluate_sequence(self, observations: Observations, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluate whole episodes.

        Args:
            observations: (B, T, ...) each, "previous_action" among them.
            targets: (B, T) actions, or (B, T, 1 + L) actions with the tokens of explanations; IGNORE_INDEX where there is none to learn.

        Returns:
            hidden_states (B, T, ...) of all steps; log_probs (n, A) of all actions and action_log_probs (n,) of the targets, at the n
            steps whose target is not IGNORE_INDEX.
        """
        hidden_states = self.network.encode(observations)
        actions = (targets if targets.ndim == 2 else targets[..., 0]).long()
        mask = actions != IGNORE_INDEX
        log_probs = torch.log_softmax(self.network.action_logits(hidden_states)[mask], dim=-1)
        return hidden_states, log_probs, log_probs.gather(-1, actions[mask][:, None])[:, 0]

    def step(
        self, observations: Observations, cache: KVCache | None = None, episode_starts: np.ndarray | None = None
    ) -> tuple[Tensor, KVCache]:
        """(B, A) logits of one more step of B episodes, and the cache: of the arguments of :meth:`encode_step`."""
        hidden_states, cache = self.encode_step(observations, cache, episode_starts)
        with torch.no_grad():
            return self.network.action_logits(hidden_states)[:, 0], cache

    def explain(self, hidden_states: Tensor) -> Tensor:
        """(B, L) int64; the tokens of the predicted explanation, of hidden states (B, 1, ...) of :meth:`encode_step`."""
        assert self.explanation_head is not None
        with torch.no_grad():
            return self.explanation_head.decode_greedy(self.network.explanation_features(hidden_states)[:, 0])

    def encode_step(
        self, observations: Observations, cache: KVCache | None = None, episode_starts: np.ndarray | None = None
    ) -> tuple[Tensor, KVCache]:
        """Encode one more step of B episodes, without gradients.

        Whoever picks the actions stores them: ``cache.previous_actions = actions + 1``.

        Args:
            observations: (B, ...) each, without "previous_action", which the cache holds.
            cache: of the steps before; None: there were none.
            episode_starts: (B,) bool, true for rows whose episode has just begun; None: for no row.

        Returns:
            Hidden states (B, 1, ...), and the cache with this step: the given one, changed in place.

        Raises:
            ValueError: a cache of another number of rows, or a row whose episode has had all its steps.
        """
        count = len(next(iter(observations.values())))
        if cache is None:
            cache, episode_starts = self.network.new_cache(), np.ones(count, bool)
        elif len(cache.positions) != count:
            raise ValueError(f"state must be of the same rows as the observations, {count}, got a cache of {len(cache.positions)}")
        if episode_starts is not None:
            cache.reset(torch.as_tensor(np.atleast_1d(episode_starts), dtype=torch.bool, device=self.device))
        max_steps = self.network.max_steps
        if max_steps is not None and int(cache.positions.max()) >= max_steps:
            raise ValueError(f"episode_starts must be true where an episode begins: a row has had {max_steps} steps, all there are")
        step = {**observations, "previous_action": cache.previous_actions}
        with torch.no_grad():
            return self.network.encode({key: value[:, None] for key, value in step.items()}, cache), cache
