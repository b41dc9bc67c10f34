"""The optimiser of training: Muon for the matrices of the Transformers' blocks, AdamW for everything else."""

from __future__ import annotations

from typing import Any

import torch

from agents.config import TrainingConfig
from agents.policy import TransformerPolicy
from agents.transformer import Block

_MUON_RATE = 5.0
"""Muon's learning rate as a multiple of AdamW's: its updates are orthogonal matrices, AdamW's about one in every entry."""


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) and AdamW (Loshchilov and Hutter 2019) as one optimiser, which imitation's BC can step.

    Args:
        policy: what is trained.
        training: with what weight decay.
    """

    def __init__(self, policy: TransformerPolicy, training: TrainingConfig) -> None:
        blocks = [module for module in policy.network.modules() if isinstance(module, Block)]
        matrices = [p for block in blocks for p in block.parameters() if p.ndim == 2]
        taken = {id(p) for p in matrices}
        others = [p for p in policy.parameters() if id(p) not in taken]
        super().__init__([*matrices, *others], {})
        rate, decay = training.learning_rate, training.weight_decay
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=_MUON_RATE * rate, momentum=0.95, weight_decay=decay),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=decay, fused=True),
        )
        # One state and one list of groups, so that whoever saves, restores or schedules this need not know that there are two.
        for part in self._parts:
            part.state = self.state
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    def set_learning_rate(self, rate: float) -> None:
        """The rate of AdamW; Muon's follows."""
        for group, scale in zip(self.param_groups, (_MUON_RATE, 1.0), strict=True):
            group["lr"] = scale * rate

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for part in self._parts:
            part.step()
