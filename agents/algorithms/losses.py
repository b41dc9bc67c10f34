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

    def __call__(self, policy: SequencePolicy, observations: dict[str, Tensor], targets: Tensor) -> LossTerms:
        """The losses of whole episodes.

        Args:
            policy: with L tokens per explanation if ``targets`` has them.
            observations: (B, T, ...) each.
            targets: (B, T) actions, or (B, T, 1 + L) with the tokens of explanations beside them; IGNORE_INDEX where there is no target.
        """
        explanation = None
        with torch.autocast(targets.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            hidden_states = policy.network.encode(observations)
            logits = policy.network.action_logits(hidden_states).flatten(0, 1).float()  # (B * T, A)
            if policy.explanation_head is not None:
                explanation = policy.explanation_head.loss(policy.network.explanation_features(hidden_states), targets[..., 1:])
        actions = (targets if targets.ndim == 2 else targets[..., 0]).flatten().long()
        total = F.cross_entropy(logits, actions, ignore_index=IGNORE_INDEX, label_smoothing=self.label_smoothing)
        if explanation is not None:
            total = total + self.explanation_weight * explanation
        with torch.no_grad():
            per_action = F.cross_entropy(logits, actions, ignore_index=IGNORE_INDEX, reduction="none")[actions != IGNORE_INDEX]
            likelihood = torch.exp(-per_action).mean()
        return LossTerms(total, per_action.mean(), likelihood, None if explanation is None else explanation.detach())


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
        actions, explanations = (targets, None) if targets.ndim == 2 else (targets[..., 0], targets[..., 1])
        for name, mean, target in (
            ("validation_loss", terms.negative_log_likelihood, actions),
            ("validation_explanation_loss", terms.explanation, explanations),
        ):
            if mean is not None and target is not None:
                count = int((target != IGNORE_INDEX).sum())
                sums[name], counts[name] = sums.get(name, 0.0) + float(mean) * count, counts.get(name, 0) + count
    return {name: sums[name] / counts[name] for name in sums}


def to_tensors(batch: Batch, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], Tensor]:
    """Observations and targets of a batch as tensors."""
    observations = {key: torch.as_tensor(value, device=device) for key, value in batch["obs"].items()}
    return observations, torch.as_tensor(batch["acts"], device=device)
