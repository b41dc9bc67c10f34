"""Behavioral cloning of whole episodes through imitation's BC; a training can be killed at any time and resumed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from imitation.algorithms import bc
from imitation.data.types import DictObs
from imitation.util.logger import HierarchicalLogger
from stable_baselines3.common.logger import Logger

import gym_causal
from agents.algorithms.folder_lock import locked
from agents.algorithms.learning_curve import Tracker
from agents.algorithms.losses import CloningLoss, count_targets
from agents.algorithms.ranks import Ranks
from agents.algorithms.trainer import Trainer
from agents.algorithms.training_data import checked_task, training_data
from agents.algorithms.training_run import TrainingRun
from agents.config.agent import AgentConfig
from agents.data.collate import Batch
from agents.data.demonstrations import fingerprint
from agents.policies.agent import Agent
from agents.policies.sb3 import TransformerPolicy
from gym_causal.registry import task_spec


def train(
    config: AgentConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    splits: Sequence[str] | None = None,
    demonstrations: gym_causal.Episodes | None = None,
    progress: bool = True,
    device: str = "cpu",
    track: Tracker = "tensorboard",
) -> Agent:
    """Train an agent, or go on with its training.

    After a kill at any moment, training resumed on the same CPU with as many threads ends at the same weights, bit for bit.

    Where torch has a process group (``torchrun -m agents.train``), its processes train together: each learns from an equal part of every
    batch. The result is that of one process but for the order in which numbers are added, and for what dropout draws. It is the same, bit
    for bit, for the same number of processes, also after kills. ``folder`` must be one that all of them see.

    Args:
        config: all that the result depends on (of ``demonstrations`` it gets the fingerprint).
        folder: gets ``config.json``, ``checkpoint.safetensors``, ``learning_curve.csv`` and TensorBoard's files.
        resume: go on from the checkpoint in ``folder``, if there is one.
        splits: what it is evaluated on now and then; None: all that the env's results are reported on.
        demonstrations: train on these, instead of collecting ``config.training.num_demonstrations`` or streaming.
        progress: show a bar with the remaining time.
        device: torch's name of where to train.
        track: "tensorboard": its files alone; "wandb": Weights & Biases too.

    Returns:
        The agent, ready to act.

    Raises:
        FileExistsError: ``folder`` holds an agent and ``resume`` is False.
        BlockingIOError: another process is writing to it.
        ValueError: it holds one of another configuration, or something unreadable; or an argument is out of range, or the config is one
            of reinforcement learning, or its batches cannot be divided equally among the processes. Nothing is written then.
    """
    if config.ppo is not None:
        raise ValueError("config: ppo must be None for behavioral cloning; agents.algorithms.reinforcement_learning trains with PPO")
    folder, splits = Path(folder), task_spec(config.env_id).splits if splits is None else splits
    config = dataclasses.replace(config, demonstrations=None if demonstrations is None else fingerprint(demonstrations))
    ranks = Ranks.current()
    shard = ranks.shard(config.training.batch_size)
    task = checked_task(config, splits, demonstrations)
    with locked(folder) if ranks.writes else contextlib.nullcontext():
        run = TrainingRun.open(config, folder, resume=resume, device=device, track=track)
        if run.is_finished:
            return run.agent
        batches, validation = training_data(config, task, demonstrations, run.updates, shard)
        trainer, logger = run.trainer(
            splits,
            validation,
            learning_rate_name="bc/learning_rate",
            max_grad_norm=config.training.max_grad_norm,
            progress=progress,
        )
        _clone(trainer, batches, config, logger)
        return run.agent


def _clone(trainer: Trainer, batches: Iterable[Batch], config: AgentConfig, ranks: Ranks, logger: Logger) -> None:
    """Have imitation's BC make the updates that remain."""
    training, policy = config.training, TransformerPolicy(trainer.policy)
    algorithm = bc.BC(
        observation_space=policy.observation_space,
        action_space=policy.action_space,
        rng=np.random.default_rng(config.seed),
        policy=policy,  # type: ignore[arg-type]  # all that BC asks of an ActorCriticPolicy is its device
        demonstrations=_DictObsBatches(batches),  # type: ignore[arg-type]  # its types know transitions alone; batches pass as they are
        batch_size=training.batch_size // ranks.world_size,
        optimizer_cls=lambda *_, **__: trainer.optimizer,  # type: ignore[arg-type]  # made from named parameters, not from a list
        ent_weight=0.0,
        device=policy.device,
        custom_logger=HierarchicalLogger(logger),
    )
    loss = CloningLoss(training.label_smoothing, training.explanation_weight, training.precision)
    algorithm.loss_calculator = ImitationLoss(loss, ranks)
    with warnings.catch_warnings(), trainer:
        warnings.filterwarnings("ignore", "Converting a tensor with requires_grad")  # imitation logs the loss itself
        remaining = trainer.num_updates - trainer.updates
        algorithm.train(n_batches=remaining, on_batch_end=trainer.after_update, log_interval=50, progress_bar=False)


class ImitationLoss(bc.BehaviorCloningLossCalculator):
    """A :class:`CloningLoss` as imitation's BC calls it.

    Args:
        loss: of this process's part of a batch.
        ranks: the processes whose parts make up the batch.
    """

    loss: CloningLoss
    ranks: Ranks

    def __init__(self, loss: CloningLoss, ranks: Ranks) -> None:
        super().__init__(ent_weight=0.0, l2_weight=0.0)
        for name, value in (("loss", loss), ("ranks", ranks)):
            object.__setattr__(self, name, value)  # the base class is a frozen dataclass

    def __call__(self, policy: Any, obs: Any, acts: Any) -> bc.BCTrainingMetrics:
        terms = self.loss(policy.model, obs, acts, self.ranks.sum(count_targets(acts)))
        # The values are those of the whole batch, for the log. The gradient is that of this process's part: the optimizer sums them.
        part = terms.total.detach()
        total, negative_log_likelihood, likelihood = self.ranks.sum(torch.stack([part, terms.negative_log_likelihood, terms.likelihood]))
        zero = torch.zeros(())
        return bc.BCTrainingMetrics(negative_log_likelihood, None, zero, likelihood, zero, zero, terms.total + (total - part))


class _DictObsBatches:
    """Batches whose observations are imitation's DictObs; iterable again and again."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            yield {**batch, "obs": DictObs(batch["obs"])}
