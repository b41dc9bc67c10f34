"""What is registered of the odd-one-out tasks."""

from __future__ import annotations

from typing import Any

from gym_causal.core.task_spec import TaskSpec


def _spec(name: str, *more_metrics: str, **more: Any) -> TaskSpec:
    return TaskSpec(
        env_id=f"{name}-v0",
        task=f"gym_causal.odd_one_out.variants:{name}Task",
        config=f"gym_causal.odd_one_out.config:{name}Config",
        metrics=("normalized_reward", *more_metrics),
        compact_kwargs={"observation": "symbolic"},
        networks=("object", "convolutional"),
        env=f"gym_causal.odd_one_out.env:{name}Env",
        vector_env=f"gym_causal.odd_one_out.env:{name}VectorEnv",
        **more,
    )


SPECS = (
    _spec("OddOneOut"),
    _spec("OddOneOutConfounded", "choice_color", "choice_texture", "choice_shape", "choice_none", splits=("train", "eval")),
    _spec("OddOneOutIntervention", "test_correct_rate", splits=("train", "eval")),
)
