"""Behavioral cloning of whole episodes through imitation's BC; a training can be killed at any time and resumed."""

from __future__ import annotations

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
from agents.algorithms.callbacks import Callback, Evaluate, LogUpdates, ProgressBar, SaveCheckpoint
from agents.algorithms.learning_curve import HISTORY, History, TensorBoard
from agents.algorithms.losses import CloningLoss
from agents.algorithms.optimizers import MuonAdamW
from agents.algorithms.schedules import WarmupCosine
from agents.algorithms.trainer import Trainer
from agents.algorithms.training_data import checked_task, training_data
from agents.config.agent import AgentConfig
from agents.data.collate import Batch
from agents.data.demonstrations import fingerprint
from agents.policies.agent import Agent
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, load_weights, save_config
from agents.policies.loading import build_policy
from agents.policies.sb3 import TransformerPolicy
from agents.policies.sequence_policy import SequencePolicy
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
) -> Agent:
    """Train an agent, or go on with its training.

    After a kill at any moment, training resumed on the same CPU with as many threads ends at the same weights, bit for bit.

    Args:
        config: all that the result depends on (of ``demonstrations`` it gets the fingerprint).
        folder: gets ``config.json``, ``checkpoint.safetensors``, ``learning_curve.csv`` and TensorBoard's files.
        resume: go on from the checkpoint in ``folder``, if there is one.
        splits: what it is evaluated on now and then; None: all that the env's results are reported on.
        demonstrations: train on these, instead of collecting ``config.training.num_demonstrations`` or streaming.
        progress: show a bar with the remaining time.
        device: torch's name of where to train.

    Returns:
        The agent, ready to act.

    Raises:
        FileExistsError: ``folder`` holds an agent and ``resume`` is False.
        ValueError: it holds one of another configuration, or something unreadable; or an argument is out of range. Nothing is written
            then.
    """
    folder, splits = Path(folder), task_spec(config.env_id).splits if splits is None else splits
    config = dataclasses.replace(config, demonstrations=None if demonstrations is None else fingerprint(demonstrations))
    _check_device(device)
    task = checked_task(config, splits, demonstrations)
    torch.manual_seed(config.seed)
    policy = build_policy(config).to(device)
    agent = Agent(policy, seed=config.seed)
    saved = _earlier(folder, config, resume)
    if saved is not None:
        load_weights(policy, saved.weights, folder)
        if saved.batch >= config.training.num_batches:
            return agent
    first_batch = 0 if saved is None else saved.batch
    batches, validation = training_data(config, task, demonstrations, first_batch)
    optimizer = MuonAdamW(policy, config.training)
    if saved is not None:
        _restore(optimizer, policy, saved, folder)
    save_config(folder, config)

    history, tensorboard = History(folder / HISTORY, first_batch), TensorBoard(folder / "tensorboard", first_batch)
    logger = HierarchicalLogger(Logger(str(folder), [tensorboard]))
    callbacks: list[Callback] = [
        LogUpdates(logger, tensorboard),
        Evaluate(agent, config, splits, validation, history, tensorboard),
        SaveCheckpoint(folder, config.training.checkpoint_every),
        *([ProgressBar(folder.name, history, task_spec(config.env_id).metrics[0])] if progress else []),
    ]
    _clone(_trainer(config, policy, optimizer, callbacks, first_batch), batches, config, logger)
    return agent


def _trainer(config: AgentConfig, policy: SequencePolicy, optimizer: MuonAdamW, callbacks: Sequence[Callback], updates: int) -> Trainer:
    training = config.training
    schedule = WarmupCosine.of(training)
    norm = training.max_grad_norm
    return Trainer(policy, optimizer, schedule, callbacks, num_updates=training.num_batches, max_grad_norm=norm, updates=updates)


def _clone(trainer: Trainer, batches: Iterable[Batch], config: AgentConfig, logger: HierarchicalLogger) -> None:
    """Have imitation's BC make the updates that remain."""
    training, policy = config.training, TransformerPolicy(trainer.policy)
    algorithm = bc.BC(
        observation_space=policy.observation_space,
        action_space=policy.action_space,
        rng=np.random.default_rng(config.seed),
        policy=policy,  # type: ignore[arg-type]  # all that BC asks of an ActorCriticPolicy is its device
        demonstrations=_DictObsBatches(batches),  # type: ignore[arg-type]  # its types know transitions alone; batches pass as they are
        batch_size=training.batch_size,
        optimizer_cls=lambda *_, **__: trainer.optimizer,  # type: ignore[arg-type]  # made from named parameters, not from a list
        ent_weight=0.0,
        device=policy.device,
        custom_logger=logger,
    )
    algorithm.loss_calculator = ImitationLoss(CloningLoss(training.label_smoothing, training.explanation_weight, training.precision))
    with warnings.catch_warnings(), trainer:
        warnings.filterwarnings("ignore", "Converting a tensor with requires_grad")  # imitation logs the loss itself
        remaining = trainer.num_updates - trainer.updates
        algorithm.train(n_batches=remaining, on_batch_end=trainer.after_update, log_interval=50, progress_bar=False)


class ImitationLoss(bc.BehaviorCloningLossCalculator):
    """A :class:`CloningLoss` as imitation's BC calls it."""

    def __init__(self, loss: CloningLoss) -> None:
        super().__init__(ent_weight=0.0, l2_weight=0.0)
        object.__setattr__(self, "loss", loss)  # the base class is a frozen dataclass

    def __call__(self, policy: Any, obs: Any, acts: Any) -> bc.BCTrainingMetrics:
        terms, zero = self.loss(policy.model, obs, acts), torch.zeros(())  # type: ignore[attr-defined]
        return bc.BCTrainingMetrics(terms.negative_log_likelihood, None, zero, terms.likelihood, zero, zero, terms.total)


class _DictObsBatches:
    """Batches whose observations are imitation's DictObs; iterable again and again."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            yield {**batch, "obs": DictObs(batch["obs"])}


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch's way to say that it was built without CUDA
        raise ValueError(f"device must be one that torch finds here, got {device!r}: {str(error).splitlines()[0]}") from error


def _earlier(folder: Path, config: AgentConfig, resume: bool) -> Checkpoint | None:
    """What an earlier training in the folder left to go on from. See :func:`train` for what is raised."""
    if not (folder / CONFIG).exists():
        if (folder / CHECKPOINT).exists():
            raise ValueError(f"folder: {str(folder)!r} holds a {CHECKPOINT} without a {CONFIG}; choose another one")
        return None
    if not resume:
        raise FileExistsError(f"folder: {str(folder)!r} holds an agent; choose another one, or resume its training")
    if differences := load_config(folder).differences(config):
        raise ValueError(f"folder: {str(folder)!r} holds an agent of another configuration ({', '.join(differences)}); choose another one")
    return load_checkpoint(folder) if (folder / CHECKPOINT).exists() else None


def _restore(optimizer: MuonAdamW, policy: SequencePolicy, saved: Checkpoint, folder: Path) -> None:
    try:
        optimizer.load_named_state(policy, saved.optimizer)
    except ValueError as error:
        raise ValueError(f"{str(folder / CHECKPOINT)!r} has {error}: training cannot go on from it") from error
    if saved.rng is not None:
        torch.set_rng_state(saved.rng)
