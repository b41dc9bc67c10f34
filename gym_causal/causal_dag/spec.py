"""What is registered of the causal DAG tasks."""

from __future__ import annotations

from gym_causal.core.task_spec import TaskSpec

_TASK = "gym_causal.causal_dag.task:CausalDAGTask"
_SPLITS = ("train", "eval_target", "eval_path")
_NETWORKS = ("variable", "embedded", "equivariant", "trial")
# All episodes have the same few steps: nothing is gained by discounting. With half the learning rate it learns half as fast.
_PPO = {"gamma": 1.0}
_PPO_TRAINING = {"learning_rate": 2e-3}
_PRESETS = {
    "quick": {
        "training": {"num_batches": 1_000},
        "ppo": {"training": {**_PPO_TRAINING, "num_batches": 100, "evaluate_every": 10, "checkpoint_every": 10}, "ppo": _PPO},
    },
    "full": {
        "training": {"num_batches": 6_000, "evaluate_every": 1_000, "evaluation_episodes": 2_000, "checkpoint_every": 500},
        "ppo": {
            "training": {
                **_PPO_TRAINING,
                "num_batches": 1_500,
                "evaluate_every": 150,
                "evaluation_episodes": 2_000,
                "checkpoint_every": 50,
            },
            "ppo": _PPO,
        },
    },
}
_SYMBOLIC = {"observation": "symbolic"}  # networks read arrays

SPECS = (
    TaskSpec(
        env_id="CausalDAG-v0",
        task=_TASK,
        config="gym_causal.causal_dag.config:CausalDAGConfig",
        splits=_SPLITS,
        metrics=("normalized_reward", "optimal_action_rate"),
        networks=_NETWORKS,
        presets=_PRESETS,
        env="gym_causal.causal_dag.env:CausalDAGEnv",
        vector_env="gym_causal.causal_dag.env:CausalDAGVectorEnv",
    ),
    TaskSpec(
        env_id="CausalDAGCued-v0",
        task=_TASK,
        config="gym_causal.causal_dag.config:CausalDAGCuedConfig",
        splits=_SPLITS,
        metrics=("normalized_reward", "optimal_action_rate", "exploration_relevance", "exploration_coverage"),
        networks=_NETWORKS,
        presets=_PRESETS,
        env="gym_causal.causal_dag.env:CausalDAGCuedEnv",
        vector_env="gym_causal.causal_dag.env:CausalDAGCuedVectorEnv",
    ),
    TaskSpec(
        env_id="CausalDAGText-v0",
        task="gym_causal.causal_dag.text_task:CausalDAGTextTask",
        config="gym_causal.causal_dag.text_task:CausalDAGTextConfig",
        splits=_SPLITS,
        metrics=("normalized_reward", "optimal_action_rate"),
        compact_kwargs=_SYMBOLIC,
        networks=_NETWORKS,
        presets={name: {**preset, "env_kwargs": _SYMBOLIC} for name, preset in _PRESETS.items()},
        env="gym_causal.causal_dag.env:CausalDAGTextEnv",
        vector_env="gym_causal.causal_dag.env:CausalDAGTextVectorEnv",
    ),
)
