"""How an agent is trained, as data."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from gym_causal.arguments import check_integer, check_number, check_one_of

_LARGEST_DECAY = 0.99999  # of a running average; with 1 it would stay as it began

CLONING_ONLY = (
    "precision",
    "label_smoothing",
    "error_rate",
    "random_player_share",
    "num_demonstrations",
    "chunk_size",
    "bucket_size",
    "validation_episodes",
)
"""Fields of :class:`TrainingConfig` that mean something in behavioral cloning alone."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How weights are updated. What only behavioral cloning knows (:data:`CLONING_ONLY`) must be left as it is for PPO.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    num_batches: int = 1_000
    """Updates of the weights; of PPO, iterations: playing, then several updates."""
    batch_size: int = 128
    """Episodes per batch; of PPO, per minibatch."""
    learning_rate: float = 3e-3
    """Peak learning rate of AdamW: linear warmup, then cosine decay to zero."""
    warmup: float = 0.05
    """Fraction of the updates that warm up."""
    weight_decay: float = 0.01
    """Of Muon and AdamW."""
    muon: str = "blocks"
    """Which matrices Muon trains: blocks (those of the Transformer blocks), or all but that of the action head. AdamW trains the rest."""
    muon_learning_rate_ratio: float = 5.0
    """Muon's learning rate as a multiple of AdamW's: Muon's updates are orthogonal matrices, AdamW's are about one in every entry."""
    muon_momentum: float = 0.95
    """Nesterov momentum of Muon."""
    adamw_betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of AdamW's running averages of the gradient and of its square."""
    precision: str = "float32"
    """Of matrix products in updates: float32, or bfloat16, which takes two thirds of the time on CPUs with avx512_bf16 and some five times
    as long on CPUs without avx512. Weights, gradients and losses are float32 in either."""
    max_grad_norm: float = 1.0
    """The gradient is clipped to this norm."""
    label_smoothing: float = 0.0
    """Share of the target distribution that is spread uniformly over all actions."""
    explanations: str = "none"
    """Which of the task's explanations are predicted as an auxiliary target: none, or another of its modes, full say."""
    explanation_weight: float = 1.0
    """Weight of the explanation loss; the action loss has weight 1."""
    shuffled_explanations: bool = False
    """A control: each explanation is replaced by that of another state with the same kind of statement."""
    shuffled_share: float = 1.0
    """Share of the statements that shuffled explanations replace; below 1 the expert explains falsely at times."""
    explanation_delay: int = 0
    """A control: explanations are shown this many steps late."""
    error_rate: float = 0.0
    """Probability, in each step, that the expert's action is replaced by a legal one, uniformly drawn."""
    random_player_share: float = 0.0
    """Probability, in each episode, that a random player plays it instead of the expert."""
    num_demonstrations: int | None = None
    """Episodes in a fixed dataset; None: fresh episodes in every batch."""
    chunk_size: int = 16_384
    """Fresh episodes are collected this many at a time; with a larger batch, one batch at a time."""
    bucket_size: int = 8
    """Batches among which episodes of different lengths are sorted, so that those of one batch are about as long."""
    validation_episodes: int = 1_024
    """Held-out demonstrations of the training split for the validation loss."""
    evaluate_every: int = 250
    """Updates between evaluations on all splits."""
    evaluation_episodes: int = 1_000
    """Episodes per split in each of these."""
    checkpoint_every: int = 250
    """Updates between checkpoints."""

    def __post_init__(self) -> None:
        for name in ("num_batches", "batch_size", "chunk_size", "bucket_size", "validation_episodes"):
            check_integer(name, getattr(self, name), 1, 10**9)
        for name in ("evaluate_every", "evaluation_episodes", "checkpoint_every"):
            check_integer(name, getattr(self, name), 1, 10**9)
        if self.num_demonstrations is not None:
            check_integer("num_demonstrations", self.num_demonstrations, self.batch_size, 10**9)
        for name in ("learning_rate", "muon_learning_rate_ratio"):
            check_number(name, getattr(self, name), 0, 1_000, low_included=False)
        check_number("max_grad_norm", self.max_grad_norm, 0, math.inf, low_included=False)
        check_number("weight_decay", self.weight_decay, 0, 10)
        for name in ("warmup", "label_smoothing"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("muon_momentum", self.muon_momentum, 0, _LARGEST_DECAY)
        if not isinstance(self.adamw_betas, (tuple, list)) or len(self.adamw_betas) != 2:
            raise ValueError(f"adamw_betas must be two numbers, got {self.adamw_betas!r}")
        for beta in self.adamw_betas:
            check_number("adamw_betas", beta, 0, _LARGEST_DECAY)
        object.__setattr__(self, "adamw_betas", tuple(self.adamw_betas))  # a file has a list
        check_one_of("muon", self.muon, ("blocks", "all"))
        check_one_of("precision", self.precision, ("float32", "bfloat16"))
        check_number("explanation_weight", self.explanation_weight, 0, 1e6)
        for name in ("shuffled_share", "error_rate", "random_player_share"):
            check_number(name, getattr(self, name), 0, 1)
        check_integer("explanation_delay", self.explanation_delay, 0, 10**6)
        if self.shuffled_explanations and not self.predicts_explanations:
            raise ValueError("shuffled_explanations must be False where explanations are none, got True")
        if self.explanation_delay and not self.predicts_explanations:
            raise ValueError(f"explanation_delay must be 0 where explanations are none, got {self.explanation_delay}")
        if self.shuffled_share != 1 and not self.shuffled_explanations:
            raise ValueError(f"shuffled_share must be 1 unless shuffled_explanations is True, got {self.shuffled_share}")

    @property
    def predicts_explanations(self) -> bool:
        """Whether explanations are predicted at all."""
        return self.explanations != "none"

    @property
    def expert_is_imperfect(self) -> bool:
        """Whether the expert errs, or a random player replaces it in some episodes."""
        return self.error_rate > 0 or self.random_player_share > 0

    def lasting(self, num_batches: int) -> TrainingConfig:
        """The same for another number of updates, with as many evaluations over the whole training."""
        evaluate_every = max(1, self.evaluate_every * num_batches // self.num_batches)
        return dataclasses.replace(self, num_batches=num_batches, evaluate_every=evaluate_every)
