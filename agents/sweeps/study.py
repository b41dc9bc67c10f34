"""The parts of a study: variations of an agent and of its demonstrations, and the columns of their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.config import AgentConfig, Algorithm, ArchitectureConfig, Preset

HELD_OUT_RATIO = "held_out_ratio"
"""Metric: the slope of an agent's reaction to evidence on the held-out pair, divided by that on other pairs (agents.analysis.probe)."""
FRACTION_OF_EXPERT = "fraction_of_expert"
"""Metric: an agent's mean return divided by the expert's in the same episodes."""

EXPERT_REWARD = "expert_reward"
"""Metric: the expert's mean return in these episodes."""
DEMONSTRATED = "demonstrated_"
"""Prefix of the metrics of whoever demonstrates."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """How much of a quantity a variation has, for the figure that shows metrics against that quantity."""

    quantity: str
    """Label of the axis, and the name of the figure."""
    value: float
    line: str
    """Label of the line that joins this variation and others."""


@dataclass(frozen=True, kw_only=True)
class Variation:
    """An agent that differs in one or two respects from the study's first."""

    name: str
    """In tables and figures, and the name of its folder."""
    description: str
    """One line; a sentence."""
    architecture: ArchitectureConfig | None = None
    """None: the preset's."""
    algorithm: Algorithm = "bc"
    """How it learns; with "ppo", what a study fixes for all variations must mean something there too."""
    watches_first: bool = False
    """With the algorithm "ppo": it starts from the weights of an agent that behavioral cloning trained before, with the same seed."""
    ppo: dict[str, Any] = field(default_factory=dict)
    """Entries of :class:`~agents.config.PPOConfig` that differ from the preset's, with the algorithm "ppo"."""
    training: dict[str, Any] = field(default_factory=dict)
    """Entries of :class:`~agents.config.TrainingConfig` that differ from the preset's."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and in evaluations."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the env, in demonstrations only."""
    levels: tuple[Level, ...] = ()
    """Where it stands in figures of metrics against a quantity."""

    def config(self, env_id: str, seed: int, preset: Preset) -> AgentConfig:
        """The configuration of the agent.

        Args:
            env_id: the env it is trained and evaluated in.
            seed: of its training.
            preset: of the variation's algorithm; what all its variations share unless they change it.
        """
        return AgentConfig(
            env_id=env_id,
            env_kwargs={**preset.env_kwargs, **self.env_kwargs},
            demonstration_kwargs={**preset.demonstration_kwargs, **self.demonstration_kwargs},
            seed=seed,
            architecture=self.architecture or preset.architecture,
            training=replace(preset.training, **self.training),
            ppo=None if preset.ppo is None else replace(preset.ppo, **self.ppo),
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a study's table: a metric on a split."""

    title: str
    metric: str
    split: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """Variations, and what is reported about them."""

    env_ids: tuple[str, ...]
    """Envs in which it can be run; the first is the default."""
    splits: tuple[str, ...]
    """On which agents are evaluated."""
    metric: str
    """The one that the figure of rewards shows."""
    columns: tuple[Column, ...]
    """Of the printed table."""
    variations: tuple[Variation, ...]
    """The others are compared with the first."""

    def select(self, names: Sequence[str] = ()) -> tuple[Variation, ...]:
        """The variations with the given names, each once; all of them if none is given.

        Raises:
            ValueError: an unknown name.
        """
        variations = {variation.name: variation for variation in self.variations}
        if unknown := [name for name in names if name not in variations]:
            raise ValueError(f"variations must be among {', '.join(variations)}, got {', '.join(unknown)}")
        return tuple(variations[name] for name in dict.fromkeys(names or variations))
