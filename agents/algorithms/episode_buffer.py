"""A rollout buffer that holds whole episodes, one of each env, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor

from agents.algorithms.episode_sources import State
from agents.data.collate import IGNORE_INDEX
from agents.data.explanation_controls import ExplanationControl
from gym_causal.core.task import Observations

_OBSERVATIONS = "observations/"


@dataclass(frozen=True)
class EpisodeSamples:
    """B episodes, padded to the T steps of the longest."""

    observations: dict[str, Tensor]  # (B, T, ...) each, "previous_action" among them
    actions: Tensor  # (B, T) int64
    action_masks: Tensor | None  # (B, T, A) bool; None: every action is legal
    old_log_prob: Tensor  # (B, T) of the actions, when they were taken
    old_values: Tensor  # (B, T) when the actions were taken
    advantages: Tensor  # (B, T)
    returns: Tensor  # (B, T) what values should be
    explanations: Tensor | None  # (B, T, L) tokens; IGNORE_INDEX after an episode's end; None: there are none to learn
    is_step: Tensor  # (B, T) bool; false after an episode's end
    has_effect: Tensor  # (B, T) bool; whether the action of a step could do anything; false after an episode's end


class EpisodeRolloutBuffer(RolloutBuffer):
    """Filled step by step with :meth:`add`, then closed with :meth:`close`, then read with :meth:`get`, in minibatches of episodes.

    The constructor is that of stable-baselines3's RolloutBuffer; ``buffer_size`` is the most steps that an episode can have.

    Attributes:
        observations: (B, T, ...) each, before each action; padded, as all that follows, to the T steps of the longest episode.
        actions: (B, T) int64.
        rewards: (B, T).
        values: (B, T) predicted when the action was taken.
        log_probs: (B, T).
        advantages: (B, T) after :meth:`compute_returns_and_advantage`.
        returns: (B, T) advantages + values.
        is_step: (B, T) bool; false after an episode's end.
        has_effect: (B, T) bool; false where an action can do nothing, and after an episode's end.
    """

    is_step: np.ndarray
    has_effect: np.ndarray
    action_masks: np.ndarray | None
    explanations: np.ndarray | None

    def reset(self) -> None:
        self._steps: dict[str, list[np.ndarray]] = {}
        self.pos, self.full = 0, False

    def add(self, state: State, **step: np.ndarray) -> None:  # type: ignore[override]
        """A step of every env. Arrays are kept, not copied.

        Args:
            state: before the actions.
            step: "actions", "rewards", "values", "log_probs" and "playing" (whether this is a step of the env's episode), (B,) each.
        """
        observations = {f"{_OBSERVATIONS}{key}": value for key, value in state.observations.items()}
        optional = {"action_masks": state.action_masks, "explanations": state.explanations}
        for name, value in {**observations, **optional, **step}.items():
            if value is not None:
                self._steps.setdefault(name, []).append(value)
        self.pos += 1

    def close(self) -> None:
        """All episodes are over: put the steps of each side by side."""
        stacked = {name: np.stack(values, axis=1) for name, values in self._steps.items()}
        self._steps = {}
        self.full = True
        names = [name for name in stacked if name.startswith(_OBSERVATIONS)]
        self.observations: Any = {name.removeprefix(_OBSERVATIONS): stacked.pop(name) for name in names}
        self.is_step = self.has_effect = stacked.pop("playing")
        self.actions = np.where(self.is_step, stacked.pop("actions"), 0)
        self.rewards, self.values, self.log_probs = (
            np.where(self.is_step, stacked.pop(name), 0).astype(np.float32) for name in ("rewards", "values", "log_probs")
        )
        self.action_masks, self.explanations = stacked.pop("action_masks", None), stacked.pop("explanations", None)
        if self.explanations is not None:
            self.explanations = self._padded(self.explanations)
        previous_actions = np.zeros_like(self.actions)
        previous_actions[:, 1:] = self.actions[:, :-1] + 1
        self.observations["previous_action"] = previous_actions

    def control_explanations(self, control: ExplanationControl, rng: np.random.Generator) -> None:
        """Exchange explanations for those of a control, with random numbers of ``rng``."""
        assert self.explanations is not None
        self.explanations = self._padded(control.on_steps(self.explanations, self.is_step, rng))

    def _padded(self, tokens: np.ndarray) -> np.ndarray:
        return np.where(self.is_step[..., None], tokens, IGNORE_INDEX)

    def with_last(self, rows: np.ndarray, last_observations: Observations) -> Observations:
        """(n, T + 1, ...) observations of some episodes, (n,) ints, with the one after the last step: ``last_observations``, (n, ...)."""
        ends = np.arange(len(rows)), self.lengths[rows]
        last_actions = self.actions[rows, ends[1] - 1]
        extended = {}
        for key, last in {**last_observations, "previous_action": last_actions + 1}.items():
            values = self.observations[key][rows]
            extended[key] = np.concatenate([values, values[:, -1:]], axis=1)
            extended[key][ends] = last
        return extended

    @property
    def lengths(self) -> np.ndarray:
        """(B,) int; steps of each episode."""
        return self.is_step.sum(axis=1)

    def compute_returns_and_advantage(self, last_values: Any, dones: Any = None) -> None:
        """Generalized advantage estimation of whole episodes.

        Args:
            last_values: (B,) the value of what is observed after each episode's last step: 0 where the episode terminated.
            dones: ignored; all episodes are over.
        """
        self.advantages = generalized_advantages(
            self.rewards, self.values, np.asarray(last_values, np.float32), self.lengths, self.gamma, self.gae_lambda
        )
        self.returns = np.where(self.is_step, self.advantages + self.values, 0)

    def get(self, batch_size: int | None = None, rng: np.random.Generator | None = None) -> Iterator[EpisodeSamples]:  # type: ignore[override]
        """All episodes once, in a random order.

        Args:
            batch_size: episodes in each minibatch; the last one may be smaller. None: all.
            rng: of the order; None: NumPy's global one, as in stable-baselines3.
        """
        assert self.full, "the episodes must be over: call close first"
        count = len(self.actions)
        order = np.random.permutation(count) if rng is None else rng.permutation(count)  # noqa: NPY002 - stable-baselines3's way
        for first in range(0, count, batch_size or count):
            yield self._samples(order[first : first + (batch_size or count)])

    def _samples(self, rows: np.ndarray) -> EpisodeSamples:
        steps = int(self.lengths[rows].max())

        def tensor(values: np.ndarray) -> Tensor:
            return torch.as_tensor(values[rows, :steps], device=self.device)

        return EpisodeSamples(
            observations={key: tensor(values) for key, values in self.observations.items()},
            actions=tensor(self.actions),
            action_masks=None if self.action_masks is None else tensor(self.action_masks),
            old_log_prob=tensor(self.log_probs),
            old_values=tensor(self.values),
            advantages=tensor(self.advantages),
            returns=tensor(self.returns),
            explanations=None if self.explanations is None else tensor(self.explanations),
            is_step=tensor(self.is_step),
            has_effect=tensor(self.has_effect),
        )


def generalized_advantages(
    rewards: np.ndarray, values: np.ndarray, last_values: np.ndarray, lengths: np.ndarray, gamma: float, gae_lambda: float
) -> np.ndarray:
    """(B, T) advantages A_t = d_t + gamma * lambda * A_(t + 1) with d_t = r_t + gamma * V_(t + 1) - V_t (Schulman et al. 2016).

    Args:
        rewards: (B, T) float32.
        values: (B, T) float32.
        last_values: (B,) float32; the value after an episode's last step.
        lengths: (B,) int; steps of each episode. What stands behind them is ignored, and the advantages there are 0.
        gamma: discount factor.
        gae_lambda: lambda.
    """
    rows, num_steps = np.arange(len(rewards)), rewards.shape[1]
    values_after = np.concatenate([values, np.zeros_like(last_values)[:, None]], axis=1)
    values_after[rows, lengths] = last_values
    is_step = np.arange(num_steps) < lengths[:, None]
    differences = np.where(is_step, rewards + gamma * values_after[:, 1:] - values, 0).astype(np.float32)
    advantages = np.zeros_like(differences)
    following = np.zeros_like(last_values)
    for step in reversed(range(num_steps)):
        # Behind an episode's end all are zeros, so its last step has nothing to follow.
        following = differences[:, step] + np.float32(gamma * gae_lambda) * following
        advantages[:, step] = following
    return advantages
