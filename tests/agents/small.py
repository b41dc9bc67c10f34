"""Agents and trainings small enough for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import gym_causal
from agents.config import AgentConfig, ArchitectureConfig, PPOConfig, TrainingConfig
from agents.data.collate import collate
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.registry import make_task

ENV_IDS = ("CausalDAG-v0", "CausalDAGCued-v0")
ARCHITECTURES = {
    "variable": ArchitectureConfig(width=16, num_layers=2, num_heads=2, name_size=4),
    "equivariant": ArchitectureConfig(kind="equivariant", width=16, num_layers=2, num_heads=2),
    "embedded": ArchitectureConfig(kind="embedded", width=16, num_layers=2, num_heads=2, name_size=4),
    "trial": ArchitectureConfig(kind="trial", width=16, num_layers=2, num_heads=2),
    "trial_linear": ArchitectureConfig(kind="trial", encoder="linear", width=16, num_layers=2, num_heads=2),
    "trial_names": ArchitectureConfig(kind="trial", encoder="names", width=16, num_layers=2, num_heads=2, name_size=4),
    "generic": ArchitectureConfig(kind="generic", width=16, num_layers=2, num_heads=2),
}
TRAINING = TrainingConfig(
    num_batches=12,
    batch_size=16,
    learning_rate=1e-2,
    validation_episodes=16,
    evaluate_every=4,
    evaluation_episodes=16,
    checkpoint_every=3,
    chunk_size=64,
)
ROOM_ARCHITECTURES = {
    "object": ArchitectureConfig(kind="object", width=16, num_layers=2, num_heads=2, look_size=8),
    "convolutional": ArchitectureConfig(kind="convolutional", width=16, num_layers=2, num_heads=2),
}
ROOM_ID = "OddOneOutIntervention-v0"
ROOM_KWARGS = {"num_experiments": 1, "max_trial_steps": 7}
"""Two trials, which the expert sometimes has no time for: ten steps or so, and now and then a transform."""
CONFIG = AgentConfig(architecture=dataclasses.replace(ARCHITECTURES["variable"], num_layers=1), training=TRAINING)

ROOM_CONFIG = AgentConfig(
    env_id=ROOM_ID,
    env_kwargs={**ROOM_KWARGS, "observation": "symbolic"},
    architecture=dataclasses.replace(ROOM_ARCHITECTURES["object"], num_layers=1),
    training=dataclasses.replace(TRAINING, explanations="full"),
)

PPO_TRAINING = TrainingConfig(
    num_batches=4, batch_size=16, learning_rate=1e-2, evaluate_every=2, evaluation_episodes=16, checkpoint_every=1
)
PPO_CONFIG = dataclasses.replace(CONFIG, training=PPO_TRAINING, ppo=PPOConfig(num_envs=32))
PPO_ROOM_CONFIG = dataclasses.replace(
    ROOM_CONFIG, training=dataclasses.replace(PPO_TRAINING, explanations="full", shuffled_explanations=True), ppo=PPO_CONFIG.ppo
)

every_kind = pytest.mark.parametrize("kind", ARCHITECTURES)
every_env = pytest.mark.parametrize("env_id", ENV_IDS)
every_room_kind = pytest.mark.parametrize("kind", ROOM_ARCHITECTURES)
every_sight = pytest.mark.parametrize("observation", ["symbolic", "pixels"])


def make_policy(kind: str, env_id: str = ENV_IDS[0], seed: int = 0, *, settled: bool = False, explains: bool = False) -> SequencePolicy:
    """A policy with initial weights, or (settled) with random ones everywhere, those that are initialised to zero included."""
    return make_policy_for(ARCHITECTURES[kind], env_id, {}, seed, settled=settled, explains=explains)


def make_room_policy(
    kind: str, observation: str = "symbolic", seed: int = 0, *, settled: bool = False, explains: bool = False
) -> SequencePolicy:
    """The same for ``ROOM_ID``."""
    env_kwargs = {**ROOM_KWARGS, "observation": observation}
    return make_policy_for(ROOM_ARCHITECTURES[kind], ROOM_ID, env_kwargs, seed, settled=settled, explains=explains)


def make_policy_for(
    architecture: ArchitectureConfig,
    env_id: str,
    env_kwargs: dict[str, Any],
    seed: int = 0,
    *,
    settled: bool = False,
    explains: bool = False,
) -> SequencePolicy:
    """The same for any architecture and env."""
    torch.manual_seed(seed)
    policy = SequencePolicy(make_task(env_id, 1, **env_kwargs), architecture, explains=explains)
    if settled:
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    return policy.eval()


def played(env_id: str = ENV_IDS[0], num_episodes: int = 6, policy: str = "random", seed: int = 0) -> tuple[dict[str, Any], torch.Tensor]:
    """Observations (B, T, ...) before each action of whole episodes, and those actions (B, T)."""
    episodes = gym_causal.collect(policy, env_id, num_episodes=num_episodes, seed=seed, explain="none")
    batch = collate(episodes, np.arange(num_episodes), make_task(env_id))
    return {key: torch.as_tensor(value) for key, value in batch["obs"].items()}, torch.as_tensor(batch["acts"])


def collected_rooms(num_episodes: int, seed: int = 0, policy: str = "expert", **env_kwargs: Any) -> gym_causal.Episodes:
    """Episodes of ``ROOM_ID``, of symbols and without explanations unless the arguments say otherwise."""
    arguments = {**ROOM_KWARGS, "observation": "symbolic", "explain": "none", **env_kwargs}
    return gym_causal.collect(policy, ROOM_ID, num_episodes=num_episodes, seed=seed, **arguments)


def played_rooms(
    observation: str = "symbolic", num_episodes: int = 6, seed: int = 0, **env_kwargs: Any
) -> tuple[dict[str, Any], torch.Tensor, np.ndarray]:
    """Observations (B, T, ...) of whole episodes of different lengths, targets (B, T, ...), and the lengths (B,)."""
    episodes = collected_rooms(num_episodes, seed, observation=observation, **env_kwargs)
    batch = collate(episodes, np.arange(num_episodes), make_task(ROOM_ID))
    observations = {key: torch.as_tensor(value) for key, value in batch["obs"].items()}
    return observations, torch.as_tensor(batch["acts"]), episodes.lengths


def logits_of(policy: SequencePolicy, observations: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, T, A); of whole episodes at once."""
    with torch.no_grad():
        return policy.network(observations)


def at(observations: dict[str, torch.Tensor], step: int) -> dict[str, np.ndarray]:
    """What an env shows a policy at one step: (B, ...) arrays."""
    return {key: value[:, step].numpy() for key, value in observations.items() if key != "previous_action"}
