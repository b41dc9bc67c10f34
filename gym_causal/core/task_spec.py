"""The record that registers a task, for :func:`gym_causal.register_task`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """Everything that the library has to know about a task.

    A class is given as ``"module:Class"``, so that registering does not import it, or as the class itself.

    Attributes:
        env_id: "Name-v0".
        task: a :class:`~gym_causal.core.task.BatchedTask`, called as ``task(config, num_envs)``.
        config: the frozen dataclass of the env's arguments; it has at least ``split``, ``explain`` and ``expert_info``.
        splits: those that results are reported on; agents are trained on the first.
        metrics: the metrics that commands print; figures show the first. "reward" always exists.
        compact_kwargs: arguments under which observations hold the same information in less memory. Strategies are compared and
            demonstrations recorded with them; networks expand what they read.
        networks: names in ``agents.networks.registry`` of the networks that read its observations; the first is the default.
        presets: name ("quick", "full") -> entries of ``agents.config.AgentConfig`` that differ from its defaults, as nested dicts.
            Under "ppo": those for reinforcement learning, "training", "ppo", "demonstration_kwargs" (of what it plays) and further
            "env_kwargs", beside the same architecture.
        env: the ``gymnasium.Env`` of ``gym.make``, called as ``env(render_mode=..., **arguments)``; None: a plain
            :class:`~gym_causal.core.env.TaskEnv`. The arguments hold ``flatten`` where it is given.
        vector_env: the vector env of ``make_vec``, called as ``vector_env(num_envs=..., explanation_text=..., **arguments)``; None: a
            plain :class:`~gym_causal.core.vector_env.TaskVectorEnv`. The arguments hold its others where they are given.
    """

    env_id: str
    task: str | type
    config: str | type
    splits: tuple[str, ...] = ("train",)
    metrics: tuple[str, ...] = ("reward",)
    compact_kwargs: Mapping[str, Any] = field(default_factory=dict)
    networks: tuple[str, ...] = ("generic",)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: str | type | None = None
    vector_env: str | type | None = None
