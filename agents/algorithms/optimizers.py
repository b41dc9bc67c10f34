"""The optimiser of training: Muon for the matrices of the Transformers' blocks, AdamW for everything else."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from agents.config.agent import TrainingConfig
from agents.networks.attention import Block
from agents.policies.sb3 import TransformerPolicy

_MUON_RATE = 5.0
"""Muon's learning rate as a multiple of AdamW's: its updates are orthogonal matrices, AdamW's about one in every entry."""
_MOMENTUM = 0.95
_COEFFICIENTS = 3.4445, -4.7750, 2.0315


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) and AdamW (Loshchilov and Hutter 2019) as one optimiser, which imitation's BC can step.

    Args:
        policy: what is trained.
        training: with what weight decay.
    """

    def __init__(self, policy: TransformerPolicy, training: TrainingConfig) -> None:
        network = policy.network
        blocks = [module for module in network.modules() if isinstance(module, Block)]
        matrices = [p for block in blocks for p in block.parameters() if p.ndim == 2]
        if training.muon == "all":
            matrices = [p for p in network.parameters() if p.ndim == 2 and p is not network.logits.weight]
        taken = {id(p) for p in matrices}
        others = [p for p in policy.parameters() if id(p) not in taken]
        super().__init__([*matrices, *others], {})
        rate, decay = training.learning_rate, training.weight_decay
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, {"lr": _MUON_RATE * rate, "weight_decay": decay}),
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


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum, as ``torch.optim.Muon``, in single precision: in bfloat16 a CPU takes four times as long."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                momentum = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - _MOMENTUM)
                update = orthogonalized(p.grad.lerp(momentum, _MOMENTUM))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * math.sqrt(max(1.0, p.shape[0] / p.shape[1])))


def orthogonalized(matrix: Tensor) -> Tensor:
    """About the nearest matrix with orthogonal rows or columns: singular values near 1, by five Newton-Schulz iterations."""
    a, b, c = _COEFFICIENTS
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x
