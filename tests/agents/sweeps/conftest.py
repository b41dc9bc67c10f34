"""Presets of a few updates, so that studies take seconds."""

from __future__ import annotations

import pytest

from gym_causal.registry import task_spec

TRAINING = {
    "num_batches": 4,
    "batch_size": 16,
    "chunk_size": 64,
    "validation_episodes": 16,
    "evaluate_every": 2,
    "evaluation_episodes": 20,
    "checkpoint_every": 2,
}
PPO = {
    "training": {
        name: TRAINING[name] for name in ("num_batches", "batch_size", "evaluate_every", "evaluation_episodes", "checkpoint_every")
    },
    "ppo": {"num_envs": 32},
}
ARCHITECTURE = {"width": 32, "num_layers": 1, "num_heads": 2}
ROOM_ARCHITECTURE = {"width": 16, "num_layers": 1, "num_heads": 2, "look_size": 8}
PRESETS = {
    "CausalDAG-v0": {"training": TRAINING, "architecture": ARCHITECTURE, "ppo": PPO},
    "OddOneOutConfounded-v0": {
        "training": TRAINING,
        "architecture": ROOM_ARCHITECTURE,
        "env_kwargs": {"observation": "symbolic", "max_trial_steps": 10},
        "demonstration_kwargs": {"expert_sight": "view"},
        "ppo": {**PPO, "demonstration_kwargs": {"max_trial_steps": 5}},
    },
    "OddOneOutIntervention-v0": {
        "training": TRAINING,
        "architecture": ROOM_ARCHITECTURE,
        "env_kwargs": {"observation": "symbolic", "max_trial_steps": 6, "num_experiments": 1},
        "demonstration_kwargs": {"expert_sight": "view"},
    },
}


@pytest.fixture(scope="module")
def tiny_presets():
    with pytest.MonkeyPatch.context() as patch:
        for env_id, preset in PRESETS.items():
            patch.setitem(task_spec(env_id).presets, "quick", preset)
        yield PRESETS
