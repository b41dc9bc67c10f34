"""What is registered of the odd-one-out game in words."""

from __future__ import annotations

from gym_causal.core.task_spec import TaskSpec

_SYMBOLIC = {"env_kwargs": {"observation": "symbolic"}}  # networks read arrays

SPECS = (
    TaskSpec(
        env_id="OddOneOutText-v0",
        task="gym_causal.odd_one_out_text.task:OddOneOutTextTask",
        config="gym_causal.odd_one_out_text.config:OddOneOutTextConfig",
        metrics=("normalized_reward", "test_correct_rate", "experiment_correct_rate", "informative_experiment_rate"),
        compact_kwargs={"observation": "symbolic"},
        presets={
            "quick": {**_SYMBOLIC, "training": {"num_batches": 1_000}},
            "full": {**_SYMBOLIC, "training": {"num_batches": 6_000, "evaluate_every": 1_000, "evaluation_episodes": 2_000}},
        },
        env="gym_causal.odd_one_out_text.env:OddOneOutTextEnv",
        vector_env="gym_causal.odd_one_out_text.env:OddOneOutTextVectorEnv",
    ),
)
