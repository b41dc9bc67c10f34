"""Networks by name: ours, and those that others register."""

from __future__ import annotations

from collections.abc import Callable

from agents.config.architecture import ArchitectureConfig
from agents.networks import causal_dag, generic, odd_one_out
from agents.networks.base import Network
from gym_causal.core.task import BatchedTask

Build = Callable[[ArchitectureConfig, BatchedTask], Network]

_BUILDS: dict[str, Build] = {
    **dict.fromkeys(("variable", "embedded", "equivariant", "trial"), causal_dag.build),
    **dict.fromkeys(("object", "convolutional"), odd_one_out.build),
    "generic": generic.build,
}


def register_network(name: str, build: Build) -> None:
    """Register a network of your own: ``ArchitectureConfig(kind=name)`` then means it.

    Args:
        name: a new one.
        build: called as ``build(architecture, task)``; returns a network with freshly drawn weights that reads the task's observations,
            or raises ValueError if it cannot.

    Raises:
        ValueError: the name is taken.
    """
    if name in _BUILDS:
        raise ValueError(f"name must be a new one, got {name!r}, which is registered")
    _BUILDS[name] = build


def network_names() -> tuple[str, ...]:
    """The names of all registered networks, ours first."""
    return tuple(_BUILDS)


def build_network(architecture: ArchitectureConfig, task: BatchedTask) -> Network:
    """The network of a configuration for a task, with freshly drawn weights.

    Raises:
        ValueError: no such network is registered, or it cannot read the task's observations.
    """
    if architecture.kind not in _BUILDS:
        raise ValueError(f"kind must be one of {', '.join(_BUILDS)}, got {architecture.kind!r}")
    return _BUILDS[architecture.kind](architecture, task)
