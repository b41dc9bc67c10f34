"""What PPO minimises: the clipped surrogate of the policy, the error of the values, less entropy, and the loss of explanations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from agents.algorithms.episode_buffer import EpisodeSamples
from agents.policies.actor_critic import TransformerActorCriticPolicy


@dataclass(frozen=True)
class PPOLossTerms:
    """Losses of one minibatch. All but ``total`` are detached."""

    total: Tensor  # () what is minimised
    policy_gradient: Tensor  # () clipped surrogate, of the steps whose actions have an effect
    value: Tensor  # () squared error, of all steps
    entropy: Tensor  # () the negative mean entropy, of the steps whose actions have an effect
    kl: Tensor | None  # () mean divergence from the reference policy, of the same steps; None if it has no weight
    explanation: Tensor | None  # () mean over the explanations; None if the policy predicts none
    clip_fraction: Tensor  # () share of these steps whose probability ratio is clipped
    approx_kl: Tensor  # () of the policy that played from the present one (Schulman's estimator k3)


@dataclass(frozen=True)
class PPOLoss:
    """The loss of stable-baselines3's PPO, on the steps of whole episodes, and the weighted loss of explanations.

    Attributes:
        clip_range: see :class:`agents.config.PPOConfig` for this and the next five.
        reference_policy: the one that the divergence is measured from; None: ``kl_coef`` is 0.
        value_scale: the value loss is divided by this.
        explanation_weight: of the explanation loss, if the policy predicts explanations.
    """

    clip_range: float
    clip_range_vf: float | None
    normalize_advantage: bool
    ent_coef: float
    vf_coef: float
    kl_coef: float = 0.0
    reference_policy: TransformerActorCriticPolicy | None = None
    value_scale: float = 1.0
    explanation_weight: float = 0.0

    def __call__(self, policy: TransformerActorCriticPolicy, samples: EpisodeSamples) -> PPOLossTerms:
        """The losses of a minibatch of episodes."""
        evaluated = policy.evaluate_episodes(samples.observations, samples.actions, samples.action_masks, samples.is_step.sum(1))
        acted = samples.has_effect
        log_ratio = (evaluated.log_probs - samples.old_log_prob)[acted]
        ratio, advantages = torch.exp(log_ratio), samples.advantages[acted]
        if self.normalize_advantage and len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = torch.clamp(ratio, 1 - self.clip_range, 1 + self.clip_range)
        policy_gradient = -torch.min(advantages * ratio, advantages * clipped).mean()
        values, old_values = evaluated.values[samples.is_step], samples.old_values[samples.is_step]
        if self.clip_range_vf is not None:
            values = old_values + torch.clamp(values - old_values, -self.clip_range_vf, self.clip_range_vf)
        value = torch.mean((samples.returns[samples.is_step] - values) ** 2) / self.value_scale
        entropy = -evaluated.entropies[acted].mean()
        total = policy_gradient + self.ent_coef * entropy + self.vf_coef * value
        kl = None
        if self.kl_coef:
            kl = self._divergence(evaluated.distributions, samples)[acted].mean()
            total = total + self.kl_coef * kl
        explanation = None
        if policy.model.explanation_head is not None and samples.explanations is not None:
            features = policy.model.network.explanation_features(evaluated.hidden_states)
            explanation = policy.model.explanation_head.loss(features, samples.explanations)
            total = total + self.explanation_weight * explanation
        with torch.no_grad():
            clip_fraction = ((ratio - 1).abs() > self.clip_range).float().mean()
            approx_kl = ((ratio - 1) - log_ratio).mean()
        return PPOLossTerms(
            total,
            policy_gradient.detach(),
            value.detach(),
            entropy.detach(),
            None if kl is None else kl.detach(),
            None if explanation is None else explanation.detach(),
            clip_fraction,
            approx_kl,
        )

    def _divergence(self, distributions: Tensor, samples: EpisodeSamples) -> Tensor:
        """(B, T) KL(reference || policy) of the distributions over actions, in nats."""
        assert self.reference_policy is not None
        with torch.no_grad():
            reference = self.reference_policy.evaluate_episodes(
                samples.observations, samples.actions, samples.action_masks, samples.is_step.sum(1)
            ).distributions
        return (reference.exp() * (reference - distributions)).sum(-1)
