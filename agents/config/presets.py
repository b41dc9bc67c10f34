"""Named defaults of an environment: how to train in minutes on two CPU cores ("quick"), or until it no longer helps ("full")."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.config.architecture import ArchitectureConfig
from agents.config.training import TrainingConfig
from gym_causal.arguments import check_one_of
from gym_causal.registry import task_spec

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
        }
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
        }
    },
}
"""Presets of environments that bring none of their own. Their episodes may be long and slow to play, so there are few of them."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What suits an environment: a network, how long to train it, and arguments of the env."""

    training: TrainingConfig
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)

    def lasting(self, num_batches: int | None) -> Preset:
        """The same for another number of updates; None: the same."""
        return self if num_batches is None else dataclasses.replace(self, training=self.training.lasting(num_batches))


def preset(env_id: str, name: str) -> Preset:
    """A preset of an env: the entries of its TaskSpec over the defaults.

    Raises:
        ValueError: an unknown id or name.
    """
    spec = task_spec(env_id)
    presets = spec.presets or GENERIC
    check_one_of("preset", name, tuple(presets))
    entries = presets[name]
    default = named_architecture(spec.networks[0])
    return Preset(
        training=TrainingConfig(**entries.get("training", {})),
        architecture=dataclasses.replace(default, **entries.get("architecture", {})),
        env_kwargs=dict(entries.get("env_kwargs", {})),
        demonstration_kwargs=dict(entries.get("demonstration_kwargs", {})),
    )


def named_architecture(name: str) -> ArchitectureConfig:
    """The architecture of a name: one of :data:`ARCHITECTURES`, or that of a registered network with default sizes."""
    return ARCHITECTURES.get(name) or ArchitectureConfig(kind=name)
