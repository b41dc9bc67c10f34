"""All that is particular to a task, in one record: what :func:`gym_causal.register_task` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A registered task.

    Classes are given as ``"module:Class"``, so that registering imports none of them, or as the class itself.

    Attributes:
        env_id: "Name-v0".
        task: a :class:`~gym_causal.core.task.BatchedTask`, called as ``task(config, num_envs)``.
        config: the frozen dataclass of the env's arguments; it has at least ``split``, ``explain`` and ``expert_info``.
        splits: those that results are reported on; the first is what agents are trained on.
        metrics: headline metrics, printed by every command; the first is drawn. "reward" always exists.
        compact_kwargs: arguments under which observations are smaller and faster to make but say the same. Strategies are compared and
            demonstrations recorded with them; networks expand what they read.
        networks: names in ``agents.networks.registry`` of the networks that read its observations; the first is the default.
        presets: name ("quick", "full") -> entries of ``agents.config.AgentConfig`` that differ from its defaults, as nested dicts.
        env: the ``gymnasium.Env`` that ``gym.make`` makes, as ``env(render_mode=..., **arguments)``; None: a plain one.
        vector_env: likewise, what ``make_vec`` makes.
    """

    env_id: str
    task: str | type
    config: str | type
    splits: tuple[str, ...] = ("train",)
    metrics: tuple[str, ...] = ("reward",)
    compact_kwargs: Mapping[str, Any] = field(default_factory=dict)
    networks: tuple[str, ...] = ("generic",)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: str | None = None
    vector_env: str | None = None
