"""What an agent is and how it is trained: everything that a result depends on, as data."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from gym_causal.arguments import check_integer, check_number, check_one_of
from gym_causal.odd_one_out.config import EXPLAIN_MODES

CAUSAL_DAG_KINDS = ("variable", "embedded", "equivariant", "trial")
ROOM_KINDS = ("object", "convolutional")
GENERIC_KINDS = ("generic",)
ENCODERS = ("mlp", "linear", "names")


@dataclass(frozen=True, kw_only=True)
class ArchitectureConfig:
    """The network; see :mod:`agents.networks`.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    kind: str = "variable"
    """In causal DAGs variable, embedded or equivariant: a token for each variable and trial; or trial: a token a trial. In the odd-one-out
    rooms object: looks at each object; or convolutional: reads the view by a standard convolutional network."""
    width: int = 48
    """Numbers a token."""
    num_layers: int = 2
    """Blocks of attention and perceptron."""
    num_heads: int = 4
    """Attention heads; they divide the width."""
    name_size: int = 16
    """Numbers in the learned name of a variable, where names are learned."""
    encoder: str = "mlp"
    """How ``trial`` reads a trial: mlp, linear or names."""
    look_size: int = 32
    """Numbers in the embedding of what an object looks like; for ``object`` alone."""
    comparisons: int = 0
    """Learned directions in which the looks of objects are compared, for ``object`` alone; 0: each number of the embedding by itself."""
    dropout: float = 0.0
    """Share of each block's output that is dropped in training."""

    def __post_init__(self) -> None:
        check_one_of("kind", self.kind, CAUSAL_DAG_KINDS + ROOM_KINDS + GENERIC_KINDS)
        check_one_of("encoder", self.encoder, ENCODERS)
        for name in ("width", "num_layers", "num_heads", "name_size", "look_size"):
            check_integer(name, getattr(self, name), 1, 4_096)
        check_integer("comparisons", self.comparisons, 0, 4_096)
        check_number("dropout", self.dropout, 0, 0.95)
        if self.width % self.num_heads:
            raise ValueError(f"num_heads must divide the width, {self.width}, got {self.num_heads}")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Behavioral cloning.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    num_batches: int = 1_000
    """Updates of the weights."""
    batch_size: int = 128
    """Whole episodes a batch."""
    learning_rate: float = 3e-3
    """Its peak: it rises linearly during warmup and falls to zero along a cosine."""
    warmup: float = 0.05
    """Share of the updates in which it rises."""
    weight_decay: float = 0.01
    """Of Muon and AdamW."""
    muon: str = "blocks"
    """Which matrices Muon trains: those of the Transformers' blocks, or all but the last ones. AdamW trains everything else."""
    max_grad_norm: float = 1.0
    """The gradient is scaled down to this norm."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all actions."""
    explanations: str = "none"
    """Which explanations of what is demonstrated are to be predicted: none, properties, reward, outcome or full."""
    explanation_weight: float = 1.0
    """Of their loss beside that of actions."""
    shuffled_explanations: bool = False
    """A control: each explanation is that of another state of which as much is said."""
    num_demonstrations: int | None = None
    """Episodes in a fixed dataset; None: fresh episodes in every batch."""
    validation_episodes: int = 1_024
    """Held-out demonstrations of the training split on which the loss is watched."""
    evaluate_every: int = 250
    """Updates between active evaluations on all splits."""
    evaluation_episodes: int = 1_000
    """Episodes a split in each of these."""
    checkpoint_every: int = 250
    """Updates between checkpoints."""

    def __post_init__(self) -> None:
        for name in ("num_batches", "batch_size", "validation_episodes", "evaluate_every", "evaluation_episodes", "checkpoint_every"):
            check_integer(name, getattr(self, name), 1, 10**9)
        if self.num_demonstrations is not None:
            check_integer("num_demonstrations", self.num_demonstrations, self.batch_size, 10**9)
        check_number("learning_rate", self.learning_rate, 0, 10, low_included=False)
        check_number("max_grad_norm", self.max_grad_norm, 0, math.inf, low_included=False)
        check_number("warmup", self.warmup, 0, 1)
        check_number("label_smoothing", self.label_smoothing, 0, 1)
        check_number("weight_decay", self.weight_decay, 0, 10)
        check_one_of("muon", self.muon, ("blocks", "all"))
        check_one_of("explanations", self.explanations, EXPLAIN_MODES)
        check_number("explanation_weight", self.explanation_weight, 0, 1e6)
        if self.shuffled_explanations and self.explanations == "none":
            raise ValueError("shuffled_explanations must be False where explanations are none, got True")

    def lasting(self, num_batches: int) -> TrainingConfig:
        """The same for another number of updates, evaluated as often over the whole."""
        every = max(1, self.evaluate_every * num_batches // self.num_batches)
        return dataclasses.replace(self, num_batches=num_batches, evaluate_every=every)

    def learning_rate_at(self, batch: int) -> float:
        """The learning rate of update ``batch``, counted from 0."""
        warmup = self.warmup * self.num_batches
        rising = min(1.0, (batch + 1) / (warmup + 1))
        return self.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * batch / self.num_batches))


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """An agent, all of it."""

    env_id: str = "CausalDAG-v0"
    """Where it acts."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further ones of the env of the demonstrations; their split is train unless this says otherwise."""
    seed: int = 0
    """Of the first weights, of the demonstrations and of the agent's own random choices."""
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    demonstrations: str | None = None
    """Fingerprint of the recorded episodes that it was trained on (agents.data.demonstrations); None: it watched the expert itself."""

    def __post_init__(self) -> None:
        check_integer("seed", self.seed, 0, 2**32 - 1)
        if "split" in self.env_kwargs:
            raise ValueError(f"env_kwargs must hold no split: an agent is evaluated on several, got {self.env_kwargs['split']!r}")

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> AgentConfig:
        """The config of what :meth:`to_json` made.

        Raises:
            TypeError: unknown or missing entries.
            ValueError: values out of range.
        """
        document = dict(document)
        architecture, training = ArchitectureConfig(**document.pop("architecture")), TrainingConfig(**document.pop("training"))
        return cls(architecture=architecture, training=training, **document)


ARCHITECTURES: dict[str, ArchitectureConfig] = {
    "variable": ArchitectureConfig(),
    "equivariant": ArchitectureConfig(kind="equivariant"),
    "trial": ArchitectureConfig(kind="trial"),
    "trial_linear": ArchitectureConfig(kind="trial", encoder="linear"),
    "object": ArchitectureConfig(kind="object", width=64),
    "convolutional": ArchitectureConfig(kind="convolutional", width=64),
}
"""Architectures by name."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A network and how long to train it, as suits an environment."""

    training: TrainingConfig
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)

    def lasting(self, num_batches: int | None) -> Preset:
        """The same for another number of updates; None: the same."""
        return self if num_batches is None else dataclasses.replace(self, training=self.training.lasting(num_batches))


_CAUSAL_DAG = {
    "quick": Preset(training=TrainingConfig(num_batches=1_000)),
    "full": Preset(training=TrainingConfig(num_batches=6_000, evaluate_every=1_000, evaluation_episodes=2_000, checkpoint_every=500)),
}


_LOOKING = {"expert_sight": "view"}
"""An expert that knows what nobody can see teaches to walk to where something may be, and never to look around first."""


def _rooms(architecture: ArchitectureConfig, quick: TrainingConfig, observation: str, full: int) -> dict[str, Preset]:
    """Presets for an odd-one-out environment.

    Args:
        architecture: of the quick one; that of the full one is twice as wide.
        quick: how the quick one is trained.
        observation: what is seen in it.
        full: updates of the full one, which sees pixels.
    """
    longer = dataclasses.replace(
        quick, num_batches=full, batch_size=512, evaluate_every=full // 10, evaluation_episodes=1_000, checkpoint_every=500
    )
    wider = dataclasses.replace(architecture, width=2 * architecture.width)
    return {
        "quick": Preset(training=quick, architecture=architecture, env_kwargs={"observation": observation}, demonstration_kwargs=_LOOKING),
        "full": Preset(training=longer, architecture=wider, env_kwargs={"observation": "pixels"}, demonstration_kwargs=_LOOKING),
    }


_ONE_TRIAL = TrainingConfig(num_batches=1_200, batch_size=64, validation_episodes=512, evaluate_every=300, evaluation_episodes=500)
_FOUR_TRIALS = TrainingConfig(
    num_batches=900,
    batch_size=32,
    muon="all",
    explanation_weight=2.0,
    validation_episodes=512,
    evaluate_every=300,
    evaluation_episodes=300,
)
_OBJECT = ArchitectureConfig(kind="object", width=64, num_layers=1)
_REASONING = ArchitectureConfig(kind="object", width=64, num_layers=3, comparisons=64)

PRESETS: dict[str, dict[str, Preset]] = {
    "CausalDAG-v0": _CAUSAL_DAG,
    "CausalDAGCued-v0": _CAUSAL_DAG,
    "OddOneOut-v0": _rooms(_OBJECT, _ONE_TRIAL, "pixels", 10_000),
    "OddOneOutConfounded-v0": _rooms(_OBJECT, _ONE_TRIAL, "pixels", 10_000),
    "OddOneOutIntervention-v0": _rooms(_REASONING, _FOUR_TRIALS, "symbolic", 20_000),
}
"""By env: how to train in minutes on two CPU cores, or until it no longer helps."""


def preset(env_id: str, name: str) -> Preset:
    """A preset of an env.

    Raises:
        ValueError: an unknown id or name.
    """
    presets = PRESETS.get(env_id.removeprefix("gym_causal:"))
    if presets is None:
        raise ValueError(f"env_id must be one of {', '.join(PRESETS)}, got {env_id!r}")
    check_one_of("preset", name, tuple(presets))
    return presets[name]
