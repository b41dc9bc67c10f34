"""A training in a folder, whichever algorithm makes its updates: begun, or gone on with after an interruption."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from stable_baselines3.common.logger import Logger

from agents.algorithms.callbacks import Callback, Evaluate, LogUpdates, ProgressBar, SaveCheckpoint, SeedUpdates
from agents.algorithms.learning_curve import HISTORY, TENSORBOARD, History, TensorBoard, Tracker, Wandb, import_wandb
from agents.algorithms.optimizers import MuonAdamW, make_optimizer
from agents.algorithms.ranks import Ranks
from agents.algorithms.schedules import WarmupCosine
from agents.algorithms.trainer import Trainer
from agents.algorithms.training_data import Validation
from agents.config.agent import AgentConfig
from agents.policies.agent import Agent
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, load_weights, save_config
from agents.policies.loading import build_policy
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.arguments import check_one_of
from gym_causal.registry import task_spec


@dataclass(frozen=True)
class TrainingRun:
    """An agent to be trained and the folder for it. :meth:`open` begins one, or goes on with one.

    Of several processes that train it together, all read the folder and the first alone evaluates and writes.
    """

    config: AgentConfig
    folder: Path
    agent: Agent
    saved: Checkpoint | None  # what an earlier process left; None: there was none
    ranks: Ranks
    track: Tracker = "tensorboard"

    @classmethod
    def open(cls, config: AgentConfig, folder: Path, *, resume: bool, device: str, track: Tracker) -> TrainingRun:
        """The agent with freshly drawn weights, or with those of the checkpoint in the folder. Nothing is written.

        Raises:
            FileExistsError: ``folder`` holds an agent and ``resume`` is False.
            ValueError: it holds one of another configuration, or something unreadable; or there is no such device or tracker; or other
                processes see another folder.
            ExtraNotInstalled: Weights & Biases is not installed, and ``track`` says "wandb".
        """
        check_one_of("track", track, get_args(Tracker))
        if track == "wandb":
            import_wandb()
        _check_device(device)
        torch.manual_seed(config.seed)
        policy = build_policy(config).to(device)
        saved = _earlier(folder, config, resume)
        if saved is not None:
            load_weights(policy, saved.weights, folder)
        ranks = Ranks.current()
        ranks.check_same_updates(0 if saved is None else saved.batch)  # and wait until all have read the folder
        return cls(config, folder, Agent(policy, seed=config.seed, masked=config.masks_actions), saved, ranks, track)

    @property
    def policy(self) -> SequencePolicy:
        """What is trained."""
        return self.agent.policy

    @property
    def updates(self) -> int:
        """Made by earlier processes."""
        return 0 if self.saved is None else self.saved.batch

    @property
    def is_finished(self) -> bool:
        """Whether all updates are made."""
        return self.updates >= self.config.training.num_batches

    def restored_optimizer(self) -> MuonAdamW:
        """The optimiser, and torch's random numbers, as the earlier process left them.

        Raises:
            ValueError: the checkpoint lacks some of its state.
        """
        optimizer = make_optimizer(self.policy, self.config.training)
        if self.saved is not None:
            try:
                optimizer.load_named_state(self.policy, self.saved.optimizer)
            except ValueError as error:
                raise ValueError(f"{str(self.folder / CHECKPOINT)!r} has {error}: training cannot go on from it") from error
            if self.saved.rng is not None:
                torch.set_rng_state(self.saved.rng)
        return optimizer

    def trainer(
        self,
        splits: Sequence[str],
        validation: Validation | None = None,
        *,
        learning_rate_name: str | None = None,
        max_grad_norm: float | None = None,
        progress: bool = True,
    ) -> tuple[Trainer, Logger]:
        """Write the config, and make what goes on around the updates.

        Args:
            splits: to evaluate on.
            validation: demonstrations whose loss is watched.
            learning_rate_name: under which the logger gets the learning rate; None: the algorithm logs it.
            max_grad_norm: see :class:`~agents.algorithms.trainer.Trainer`.
            progress: show a bar with the remaining time.

        Returns:
            The trainer, and a logger whose entries TensorBoard gets.
        """
        training, optimizer = self.config.training, self.restored_optimizer()
        callbacks: list[Callback] = []
        logger = Logger(None, [])
        if self.ranks.writes:
            callbacks, logger = self._callbacks(splits, validation, learning_rate_name, progress)
        if self.ranks.world_size > 1:
            optimizer.register_step_pre_hook(lambda *_: self.ranks.sum_gradients(self.policy.parameters()))  # before they are clipped
            callbacks.append(SeedUpdates(self.ranks, self.config.seed))
        trainer = Trainer(
            self.policy,
            optimizer,
            WarmupCosine.of(training),
            callbacks,
            num_updates=training.num_batches,
            max_grad_norm=max_grad_norm,
            updates=self.updates,
        )
        return trainer, logger

    def _callbacks(
        self, splits: Sequence[str], validation: Validation | None, learning_rate_name: str | None, progress: bool
    ) -> tuple[list[Callback], Logger]:
        """Write the config; what happens around the updates, and the logger. For the arguments see :meth:`trainer`."""
        config, folder, updates = self.config, self.folder, self.updates
        save_config(folder, config)
        history = History(folder / HISTORY, updates)
        tensorboard = (
            TensorBoard(folder / TENSORBOARD, updates) if self.track == "tensorboard" else Wandb(folder, updates, config.to_json())
        )
        logger = Logger(str(folder), [tensorboard])
        callbacks: list[Callback] = [
            LogUpdates(logger, tensorboard, learning_rate_name),
            Evaluate(self.agent, config, splits, validation, history, tensorboard),
            SaveCheckpoint(folder, config.training.checkpoint_every),
            *([ProgressBar(folder.name, history, task_spec(config.env_id).metrics[0])] if progress else []),
        ]
        return callbacks, logger


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch's way to say that it was built without CUDA
        raise ValueError(f"device must be one that torch finds here, got {device!r}: {str(error).splitlines()[0]}") from error


def _earlier(folder: Path, config: AgentConfig, resume: bool) -> Checkpoint | None:
    """What an earlier training in the folder left to go on from. See :meth:`TrainingRun.open` for what is raised."""
    if not (folder / CONFIG).exists():
        if (folder / CHECKPOINT).exists():
            raise ValueError(f"folder: {os.fspath(folder)!r} holds a {CHECKPOINT} without a {CONFIG}; choose another one")
        return None
    if not resume:
        raise FileExistsError(f"folder: {os.fspath(folder)!r} holds an agent; choose another one, or resume its training")
    if differences := load_config(folder).differences(config):
        raise ValueError(
            f"folder: {os.fspath(folder)!r} holds an agent of another configuration ({', '.join(differences)}); choose another one"
        )
    return load_checkpoint(folder) if (folder / CHECKPOINT).exists() else None
