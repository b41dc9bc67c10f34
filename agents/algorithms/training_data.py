"""What an agent is trained and validated on, as its config says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import gym_causal
from agents.config.agent import AgentConfig
from agents.data.collate import Batch, iterate_batches
from agents.data.demonstrations import FixedDemonstrations, StreamedDemonstrations, check_learnable, collect
from agents.data.experts import ImperfectExpert, load_expert
from agents.data.explanation_controls import ExplanationControl
from gym_causal.arguments import check_one_of
from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask
from gym_causal.policies import has_expert
from gym_causal.registry import make_task, task_spec


@dataclass(frozen=True)
class Validation:
    """Demonstrations that are not learned from; the loss on them is watched."""

    episodes: gym_causal.Episodes
    task: BatchedTask
    batch_size: int
    split: str
    seed: int

    def batches(self) -> Iterable[Batch]:
        """All of them, once."""
        return iterate_batches(self.episodes, self.batch_size, self.task)


def checked_task(config: AgentConfig, splits: Sequence[str], demonstrations: gym_causal.Episodes | None) -> BatchedTask:
    """The task that the agent acts in. See :func:`agents.algorithms.behavioral_cloning.train` for what is raised."""
    task, demonstrated = acted_task(config, splits)
    if demonstrations is not None:
        if config.training.expert_is_imperfect:
            raise ValueError("error_rate and random_player_share must be 0 with recorded demonstrations: nobody plays new ones")
        check_learnable(demonstrations, config.env_id, task, config.training.explanations)
    elif config.expert is None and not has_expert(demonstrated):
        raise ValueError(
            f"expert must be given for {config.env_id}, which has none of its own: module:name of a policy that demonstrates, "
            "or recorded episodes as demonstrations"
        )
    return task


def acted_task(config: AgentConfig, splits: Sequence[str]) -> tuple[BatchedTask, BatchedTask]:
    """The task that the agent acts in, and the one that it is trained in.

    Raises:
        TypeError: ``splits`` is a word.
        ValueError: something in the config cannot be written, an argument of the env is out of range, a split has no episodes, there are no
            such explanations, or training has other observations or actions.
    """
    config.to_json()  # raises for what cannot be written
    if isinstance(splits, str):
        raise TypeError(f"splits must be names of splits, got the word {splits!r}")
    for split in splits:
        _begin_episode(make_task(config.env_id, 1, **config.env_kwargs, split=split))
    task = make_task(config.env_id, 1, **config.env_kwargs)
    check_one_of("explanations", config.training.explanations, tuple(task.explanations.modes))
    demonstrated = make_task(config.env_id, 1, **demonstration_kwargs(config))
    if (demonstrated.observation_space, demonstrated.action_space) != (task.observation_space, task.action_space):
        raise ValueError(f"demonstration_kwargs must leave observations and actions as they are, got {config.demonstration_kwargs}")
    return task, demonstrated


def _begin_episode(task: BatchedTask) -> None:
    """Raise a ValueError now, not in the middle of a training, if a split has no episodes: no model of one's own may be of it."""
    task.seed(0, SeedDomain.LEARNING_CURVE)
    task.begin(np.arange(task.num_envs), np.arange(task.num_envs))


def demonstration_kwargs(config: AgentConfig) -> dict[str, Any]:
    """Arguments of the env in which is demonstrated, or in which PPO plays."""
    return {**config.env_kwargs, **config.demonstration_kwargs, "explain": config.training.explanations}


def demonstrator(config: AgentConfig) -> Any:
    """The policy that demonstrates, as :func:`gym_causal.collect` takes it.

    Raises:
        ValueError: there is no expert of the config's name.
    """
    expert, training = load_expert(config.expert), config.training
    return ImperfectExpert(expert, training.error_rate, training.random_player_share) if training.expert_is_imperfect else expert


def training_data(
    config: AgentConfig, task: BatchedTask, recorded: gym_causal.Episodes | None, first_batch: int, shard: slice = slice(None)
) -> tuple[Iterable[Batch], Validation | None]:
    """What an agent is trained and validated on.

    Held-out episodes are played as demonstrations are, in a seed domain of their own. Without an expert they are a tenth of the recorded
    ones.

    Args:
        config: of the agent.
        task: that it acts in.
        recorded: episodes to train on; None: as the config says.
        first_batch: updates made before.
        shard: which rows of each batch are given out.

    Returns:
        Endless batches from that update on, and the held-out demonstrations; None: there are too few.
    """
    training, kwargs = config.training, demonstration_kwargs(config)
    if recorded is not None and config.expert is None and not has_expert(make_task(config.env_id, 1, **kwargs)):
        count = min(training.validation_episodes, len(recorded) // 10)
        held_out, recorded = recorded[len(recorded) - count :], recorded[: len(recorded) - count]
    else:
        count = training.validation_episodes
        held_out = collect(demonstrator(config), config.env_id, count, config.seed, kwargs, domain=SeedDomain.VALIDATION)
    split = kwargs.get("split", task_spec(config.env_id).splits[0])
    validation = Validation(held_out, task, training.batch_size, split, config.seed) if count else None
    return _batches(config, task, recorded, first_batch, shard), validation


def _batches(
    config: AgentConfig, task: BatchedTask, recorded: gym_causal.Episodes | None, first_batch: int, shard: slice
) -> Iterable[Batch]:
    """Endless batches to train on."""
    training, seed, kwargs = config.training, config.seed, demonstration_kwargs(config)
    options: dict[str, Any] = {"batch_size": training.batch_size, "first_batch": first_batch, "bucket_size": training.bucket_size}
    options["shard"] = shard
    expert = demonstrator(config)
    spec = make_task(config.env_id, 1, **kwargs).explanations
    control = ExplanationControl(spec, training.shuffled_share if training.shuffled_explanations else 0.0, training.explanation_delay)
    if recorded is not None:
        episodes = control(recorded, seed)
    elif training.num_demonstrations is not None:
        episodes = collect(expert, config.env_id, training.num_demonstrations, seed, kwargs, control=control)
    else:
        options |= {"seed": seed, "env_kwargs": kwargs, "control": control, "chunk_size": training.chunk_size}
        return StreamedDemonstrations(expert, config.env_id, **options)
    return FixedDemonstrations(episodes, task, seed=seed, **options)
