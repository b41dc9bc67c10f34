"""``CausalDAG-v0`` and ``CausalDAGCued-v0``."""

from __future__ import annotations

from typing import Any

from gym_causal.batched import TaskEnv, TaskVectorEnv
from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig
from gym_causal.causal_dag.task import CausalDAGTask


class CausalDAGEnv(TaskEnv):
    """TODO docs."""

    metadata = CausalDAGTask.metadata

    def __init__(self, *, render_mode: str | None = None, **config: Any) -> None:
        super().__init__(CausalDAGTask(CausalDAGConfig(**config), num_envs=1), render_mode)


class CausalDAGCuedEnv(TaskEnv):
    metadata = CausalDAGTask.metadata

    def __init__(self, *, render_mode: str | None = None, **config: Any) -> None:
        super().__init__(CausalDAGTask(CausalDAGCuedConfig(**config), num_envs=1), render_mode)


class CausalDAGVectorEnv(TaskVectorEnv):
    """The native batched ``CausalDAG-v0``; the arguments of :class:`CausalDAGEnv` but ``render_mode``."""

    def __init__(self, *, num_envs: int, explanation_text: bool = False, **config: Any) -> None:
        super().__init__(CausalDAGTask(CausalDAGConfig(**config), num_envs), explanation_text=explanation_text)


class CausalDAGCuedVectorEnv(TaskVectorEnv):
    """The native batched ``CausalDAGCued-v0``; the arguments of :class:`CausalDAGCuedEnv` but ``render_mode``."""

    def __init__(self, *, num_envs: int, explanation_text: bool = False, **config: Any) -> None:
        super().__init__(CausalDAGTask(CausalDAGCuedConfig(**config), num_envs), explanation_text=explanation_text)
