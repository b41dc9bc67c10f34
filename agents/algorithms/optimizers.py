"""The optimiser of all training: Muon for the matrices of the Transformer blocks, AdamW for everything else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from agents.config.training import TrainingConfig
from agents.networks.attention import Block
from agents.policies.sequence_policy import SequencePolicy

_NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315  # coefficients of the quintic iteration, as in torch.optim.Muon


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) and AdamW (Loshchilov and Hutter 2019) as one optimiser, which imitation's BC can step.

    Args:
        module: what is trained.
        matrices: the parameters of it that Muon trains; AdamW trains the others.
        learning_rate: of AdamW.
        muon_ratio: Muon's learning rate as a multiple of AdamW's.
        muon_momentum: decay rate of Muon's running average of the gradient.
        adamw_betas: decay rates of AdamW's running averages of the gradient and of its square.
        weight_decay: of both, decoupled.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        matrices: list[torch.nn.Parameter],
        *,
        learning_rate: float,
        muon_ratio: float,
        muon_momentum: float,
        adamw_betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        by_muon = {id(p) for p in matrices}
        others = [p for p in module.parameters() if id(p) not in by_muon]
        super().__init__([*matrices, *others], {})
        self._ratio = muon_ratio
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.AdamW(others, lr=learning_rate, betas=adamw_betas, weight_decay=weight_decay, fused=True),
        )
        if matrices:  # a network may have none
            muon = Muon(matrices, lr=muon_ratio * learning_rate, weight_decay=weight_decay, momentum=muon_momentum)
            self._parts = (muon, *self._parts)
        self.param_groups = [group for part in self._parts for group in part.param_groups]
        self._share()

    def _share(self) -> None:
        # One state and one list of groups, so that whoever saves, restores or schedules this need not know that there are two.
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.state, part.param_groups = self.state, [group]

    def load_state_dict(self, state_dict: Any) -> None:
        super().load_state_dict(state_dict)
        self._share()

    def set_learning_rate(self, rate: float) -> None:
        """Set AdamW's learning rate, and Muon's to its multiple."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = self._ratio * rate if isinstance(part, Muon) else rate

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for part in self._parts:
            part.step()

    def named_state(self, module: torch.nn.Module) -> dict[str, Tensor]:
        """The state of every parameter, as "PARAMETER/NAME" -> tensor."""
        return {f"{name}/{key}": value for name, p in module.named_parameters() for key, value in self.state[p].items()}

    def load_named_state(self, module: torch.nn.Module, saved: Mapping[str, Tensor]) -> None:
        """Restore what :meth:`named_state` returned.

        Raises:
            ValueError: a parameter has no saved state.
        """
        for name, parameter in module.named_parameters():
            prefix = f"{name}/"
            state = {key.removeprefix(prefix): value for key, value in saved.items() if key.startswith(prefix)}
            if not state:
                raise ValueError(f"no state of the optimizer for {name}")
            self.state[parameter] = {key: value.to(parameter.device) for key, value in state.items()}


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum, as ``torch.optim.Muon``, in single precision: in bfloat16 a CPU takes four times as long.

    Args:
        params: matrices.
        lr: learning rate, of updates whose singular values are about 1.
        weight_decay: decoupled, as AdamW's.
        momentum: decay rate of the running average of the gradient.
    """

    def __init__(self, params: list[torch.nn.Parameter], *, lr: float, weight_decay: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                momentum_buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                momentum_buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalize(p.grad.lerp(momentum_buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * math.sqrt(max(1.0, p.shape[0] / p.shape[1])))


def make_optimizer(policy: SequencePolicy, training: TrainingConfig) -> MuonAdamW:
    """The optimiser of a policy, as a training's configuration says."""
    return MuonAdamW(
        policy,
        muon_parameters(policy, training.muon),
        learning_rate=training.learning_rate,
        muon_ratio=training.muon_learning_rate_ratio,
        muon_momentum=training.muon_momentum,
        adamw_betas=training.adamw_betas,
        weight_decay=training.weight_decay,
    )


def muon_parameters(policy: SequencePolicy, muon: str) -> list[torch.nn.Parameter]:
    """The matrices that Muon trains: those of the network's Transformer blocks ("blocks"), or all but the action head's ("all")."""
    if muon == "all":
        head = {id(p) for p in policy.network.action_head.parameters()}
        return [p for p in policy.network.parameters() if p.ndim == 2 and id(p) not in head]
    blocks = [module for module in policy.network.modules() if isinstance(module, Block)]
    return [p for block in blocks for p in block.parameters() if p.ndim == 2]


def orthogonalize(matrix: Tensor) -> Tensor:
    """About the nearest matrix with orthogonal rows or columns: singular values near 1, by five Newton-Schulz iterations."""
    a, b, c = _NEWTON_SCHULZ
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x
