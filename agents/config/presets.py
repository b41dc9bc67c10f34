"""Named defaults of an environment: how to train in minutes on two CPU cores ("quick"), or until it no longer helps ("full")."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from agents.config.architecture import ArchitectureConfig
from agents.config.ppo import PPOConfig
from agents.config.training import TrainingConfig
from gym_causal.arguments import check_one_of
from gym_causal.registry import task_spec

Algorithm = Literal["bc", "ppo"]
"""How an agent learns: by behavioral cloning from demonstrations, or by PPO from reward."""

ARCHITECTURES: dict[str, ArchitectureConfig] = {
    "variable": ArchitectureConfig(),
    "equivariant": ArchitectureConfig(kind="equivariant"),
    "trial": ArchitectureConfig(kind="trial"),
    "trial_linear": ArchitectureConfig(kind="trial", encoder="linear"),
    "object": ArchitectureConfig(kind="object", width=64),
    "convolutional": ArchitectureConfig(kind="convolutional", width=64),
    "generic": ArchitectureConfig(kind="generic", width=64),
}
"""Architectures by name; any other registered network is built with the defaults of ArchitectureConfig."""

GENERIC: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "training": {
            "num_batches": 100,
            "batch_size": 8,
            "chunk_size": 256,
            "validation_episodes": 32,
            "evaluate_every": 100,
            "evaluation_episodes": 32,
            "checkpoint_every": 100,
        },
        "ppo": {
            "training": {"num_batches": 100, "batch_size": 8, "learning_rate": 1e-3, "evaluate_every": 50, "evaluation_episodes": 32},
            "ppo": {"num_envs": 32, "num_epochs": 4},
        },
    },
    "full": {
        "training": {
            "num_batches": 5_000,
            "batch_size": 64,
            "chunk_size": 1_024,
            "validation_episodes": 256,
            "evaluate_every": 1_000,
            "evaluation_episodes": 256,
            "checkpoint_every": 500,
        },
        "ppo": {
            "training": {"num_batches": 2_000, "batch_size": 8, "learning_rate": 1e-3, "evaluation_episodes": 256},
            "ppo": {"num_envs": 32, "num_epochs": 4},
        },
    },
}
"""Presets of environments that bring none of their own. Their episodes may be long and slow to play, so there are few of them."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What suits an environment and an algorithm: a network, how long to train it, and arguments of the env."""

    training: TrainingConfig
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    ppo: PPOConfig | None = None

    def lasting(self, num_batches: int | None) -> Preset:
        """The same for another number of updates; None: the same."""
        return self if num_batches is None else dataclasses.replace(self, training=self.training.lasting(num_batches))


def preset(env_id: str, name: str, algorithm: Algorithm = "bc") -> Preset:
    """A preset of an env: the entries of its TaskSpec over the defaults.

    Raises:
        ValueError: an unknown id, name or algorithm.
    """
    check_one_of("algorithm", algorithm, get_args(Algorithm))
    spec = task_spec(env_id)
    presets = spec.presets or GENERIC
    check_one_of("preset", name, tuple(presets))
    entries = presets[name]
    default = named_architecture(spec.networks[0])
    learned = entries.get("ppo", {}) if algorithm == "ppo" else entries
    return Preset(
        training=TrainingConfig(**learned.get("training", {})),
        architecture=dataclasses.replace(default, **entries.get("architecture", {})),
        env_kwargs={**entries.get("env_kwargs", {}), **learned.get("env_kwargs", {})},
        demonstration_kwargs=dict(learned.get("demonstration_kwargs", {})),
        ppo=PPOConfig(**learned.get("ppo", {})) if algorithm == "ppo" else None,
    )


def named_architecture(name: str) -> ArchitectureConfig:
    """The architecture of a name: one of :data:`ARCHITECTURES`, or that of a registered network with default sizes."""
    return ARCHITECTURES.get(name) or ArchitectureConfig(kind=name)
