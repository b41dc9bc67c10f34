"""What is registered of the odd-one-out tasks."""

from __future__ import annotations

from typing import Any

from gym_causal.core.task_spec import TaskSpec

# An expert that knows what cannot be seen teaches to walk to where something may be, and never to look around first. One that does not look
# again after a transform teaches to touch what was transformed, whatever has become odd (docs/results.md).
_LOOKS_FIRST, _LOOKS_AGAIN = {"expert_sight": "view"}, {"expert_sight": "review"}


def _presets(
    num_batches: int, observation: str, expert: dict[str, Any], architecture: dict[str, Any], training: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Presets of a room.

    Args:
        num_batches: updates of "full", which observes pixels.
        expert: its arguments in demonstrations.
        observation: of "quick".
        architecture: of "quick"; the network of "full" is twice as wide.
        training: of "quick".
    """
    full = {
        **training,
        "num_batches": num_batches,
        "batch_size": 512,
        "evaluate_every": num_batches // 10,
        "evaluation_episodes": 1_000,
        "checkpoint_every": 500,
    }
    # An iteration of PPO has hundreds of steps an episode at first: untrained agents let most trials time out. So there are few episodes.
    iterations = {"learning_rate": 1e-3, "batch_size": 16, "evaluate_every": 40, "evaluation_episodes": 200, "checkpoint_every": 20}
    explained = {"muon": training.get("muon", "blocks"), "explanation_weight": training.get("explanation_weight", 1.0)}
    quick_ppo = {"training": {**iterations, **explained, "num_batches": 200}, "ppo": {"num_envs": 64}}
    full_ppo = {
        "training": {**iterations, **explained, "num_batches": num_batches, "batch_size": 32, "evaluate_every": num_batches // 10},
        "ppo": {"num_envs": 256},
    }
    return {
        "quick": {
            "architecture": architecture,
            "training": training,
            "env_kwargs": {"observation": observation},
            "demonstration_kwargs": expert,
            "ppo": quick_ppo,
        },
        "full": {
            "architecture": {**architecture, "width": 2 * architecture["width"]},
            "training": full,
            "env_kwargs": {"observation": "pixels"},
            "demonstration_kwargs": expert,
            "ppo": full_ppo,
        },
    }


_ONE_TRIAL = _presets(
    10_000,
    "pixels",
    _LOOKS_FIRST,
    {"width": 64, "num_layers": 1},
    {"num_batches": 1_200, "batch_size": 64, "validation_episodes": 512, "evaluate_every": 300, "evaluation_episodes": 500},
)
_FOUR_TRIALS = _presets(
    20_000,
    "symbolic",
    _LOOKS_AGAIN,
    {"width": 64, "num_layers": 3, "comparisons": 64},
    {
        "num_batches": 1_800,
        "batch_size": 32,
        "muon": "all",
        "explanation_weight": 2.0,
        "validation_episodes": 512,
        "evaluate_every": 300,
        "evaluation_episodes": 300,
    },
)


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
    _spec("OddOneOut", presets=_ONE_TRIAL),
    _spec(
        "OddOneOutConfounded",
        "choice_color",
        "choice_texture",
        "choice_shape",
        "choice_none",
        splits=("train", "eval"),
        presets=_ONE_TRIAL,
    ),
    _spec("OddOneOutIntervention", "test_correct_rate", splits=("train", "eval"), presets=_FOUR_TRIALS),
)
