"""What behavioral cloning minimises: cross-entropy of the demonstrated actions and, beside it, of explanations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from agents.data.collate import IGNORE_INDEX, Batch
from agents.policies.sequence_policy import SequencePolicy


@dataclass(frozen=True)
class LossTerms:
    """Losses of one batch. All but ``total`` are detached."""

    total: Tensor  # () what is minimised
    negative_log_likelihood: Tensor  # () mean over the actions
    likelihood: Tensor  # () mean probability of the actions
    explanation: Tensor | None  # () mean over the explanations; None if the policy predicts none


@dataclass(frozen=True)
class CloningLoss:
    """Cross-entropy of actions, with label smoothing (Szegedy et al. 2016), and the weighted loss of explanations.

    Attributes:
        label_smoothing: share of the target distribution that is spread uniformly over all actions.
        explanation_weight: of the explanation loss, if the policy predicts explanations.
        precision: of matrix products, "float32" or "bfloat16" (torch.autocast); weights, gradients and losses are float32 in either.
    """

    label_smoothing: float = 0.0
    explanation_weight: float = 0.0
    precision: str = "float32"

    def __call__(self, policy: SequencePolicy, observations: dict[str, Tensor], targets: Tensor, counts: Tensor | None = None) -> LossTerms:
        """The losses of whole episodes.

        Args:
            policy: with L tokens per explanation if ``targets`` has them.
            observations: (B, T, ...) each.
            targets: (B, T) actions, or (B, T, 1 + L) with the tokens of explanations beside them; IGNORE_INDEX where there is no target.
            counts: (2,) int; of how many actions and explanations the sums are divided by, those of a larger batch of which these episodes
                are a part; None: by their own (:func:`count_targets`), which makes them means.
        """
        num_actions, num_explanations = count_targets(targets) if counts is None else counts
        explanation = None
        with torch.autocast(targets.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            hidden_states = policy.network.encode(observations)
            logits = policy.network.action_logits(hidden_states).flatten(0, 1).float()  # (B * T, A)
            if policy.explanation_head is not None:
                explanation = policy.explanation_head.loss(
                    policy.network.explanation_features(hidden_states), targets[..., 1:], num_explanations
                )
        actions = (targets if targets.ndim == 2 else targets[..., 0]).flatten().long()
        summed = F.cross_entropy(logits, actions, ignore_index=IGNORE_INDEX, label_smoothing=self.label_smoothing, reduction="sum")
        total = summed / num_actions
        if explanation is not None:
            total = total + self.explanation_weight * explanation
        with torch.no_grad():
            per_action = F.cross_entropy(logits, actions, ignore_index=IGNORE_INDEX, reduction="none")[actions != IGNORE_INDEX]
            likelihood = torch.exp(-per_action).sum() / num_actions
        return LossTerms(total, per_action.sum() / num_actions, likelihood, None if explanation is None else explanation.detach())


def count_targets(targets: Tensor) -> Tensor:
    """(2,) int; how many actions and how many explanations there are to learn, of targets (B, T) or (B, T, 1 + L)."""
    actions, explanations = (targets, targets[:0]) if targets.ndim == 2 else (targets[..., 0], targets[..., 1])
    return torch.stack([(actions != IGNORE_INDEX).sum(), (explanations != IGNORE_INDEX).sum()])


def validation_losses(policy: SequencePolicy, batches: Iterable[Batch]) -> dict[str, float]:
    """Means over all batches: "validation_loss", the negative log-likelihood of the actions, and "validation_explanation_loss" if the
    policy predicts explanations."""
    policy.eval()
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    loss = CloningLoss()
    for batch in batches:
        observations, targets = to_tensors(batch, policy.device)
        with torch.no_grad():
            terms = loss(policy, observations, targets)
        means = ("validation_loss", terms.negative_log_likelihood), ("validation_explanation_loss", terms.explanation)
        for (name, mean), count in zip(means, count_targets(targets).tolist(), strict=True):
            if mean is not None:
                sums[name], counts[name] = sums.get(name, 0.0) + float(mean) * count, counts.get(name, 0) + count
    return {name: sums[name] / counts[name] for name in sums}


def to_tensors(batch: Batch, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], Tensor]:
    """Observations and targets of a batch as tensors."""
    observations = {key: torch.as_tensor(value, device=device) for key, value in batch["obs"].items()}
    return observations, torch.as_tensor(batch["acts"], device=device)
