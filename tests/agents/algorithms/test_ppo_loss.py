"""The loss of PPO on known numbers."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import torch

from agents.algorithms.episode_buffer import EpisodeSamples
from agents.algorithms.ppo_loss import PPOLoss
from agents.policies.actor_critic import EvaluatedEpisodes


def test_the_loss_by_hand():
    """Of one episode of two steps and one of one: all terms are means over steps, not over padding."""
    samples = EpisodeSamples(
        observations={},
        actions=torch.zeros(2, 2, dtype=torch.long),
        action_masks=None,
        old_log_prob=torch.zeros(2, 2),
        old_values=torch.zeros(2, 2),
        advantages=torch.tensor([[1.0, -2.0], [3.0, 9.0]]),
        returns=torch.tensor([[1.0, 2.0], [3.0, 9.0]]),
        explanations=None,
        is_step=torch.tensor([[True, True], [True, False]]),
        has_effect=torch.tensor([[True, False], [True, False]]),
    )

    class Policy:
        model = SimpleNamespace(explanation_head=None)

        def __init__(self, first, other):
            """How likely it takes action 0 of two in the first step of either episode."""
            likely = torch.tensor([[first, 0.01], [other, 0.99]])
            self.distributions = torch.log(torch.stack([likely, 1 - likely], -1))

        def evaluate_episodes(self, *_):
            log_probs = torch.log(torch.tensor([[1.5, 9.0], [0.5, 9.0]]))  # ratios, since the old ones are 1
            return EvaluatedEpisodes(torch.zeros(0), log_probs, torch.tensor([[0.0, 1.0], [1.0, 7.0]]), self.distributions)

    policy, reference = Policy(0.25, 0.5), Policy(0.75, 0.5)

    loss = PPOLoss(clip_range=0.2, clip_range_vf=None, normalize_advantage=False, ent_coef=0.1, vf_coef=0.5, value_scale=2.0)
    terms = loss(policy, samples)
    entropy = (0.25 * math.log(4) + 0.75 * math.log(4 / 3) + math.log(2)) / 2
    assert terms.policy_gradient.item() == pytest.approx(-(1.2 * 1 + 0.5 * 3) / 2)  # the gain of 1.5 is clipped, the loss of 0.5 is not
    assert terms.value.item() == pytest.approx((1 + 1 + 4) / 3 / 2)
    assert terms.entropy.item() == pytest.approx(-entropy) and terms.clip_fraction.item() == 1
    assert terms.total.item() == pytest.approx(-1.35 + 0.1 * -entropy + 0.5 * 1.0) and terms.kl is None
    near = replace(loss, kl_coef=2.0, reference_policy=reference)(policy, samples)
    assert near.kl.item() == pytest.approx((0.75 * math.log(3) + 0.25 * math.log(1 / 3)) / 2)  # of the reference from the policy
    assert near.total.item() == pytest.approx(terms.total.item() + 2 * near.kl.item())
    clipped = replace(loss, clip_range_vf=0.5)(policy, samples)
    assert clipped.value.item() == pytest.approx((1 + 1.5**2 + 2.5**2) / 3 / 2)
