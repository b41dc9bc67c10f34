"""What happens between updates: evaluations, checkpoints, logs and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger
from tqdm.auto import tqdm

import gym_causal
from agents.algorithms.learning_curve import History, TensorBoard
from agents.algorithms.losses import validation_losses
from agents.algorithms.ranks import Ranks
from agents.algorithms.trainer import Callback, Trainer
from agents.algorithms.training_data import Validation
from agents.config.agent import AgentConfig
from agents.policies.agent import Agent
from agents.policies.checkpoints import Checkpoint, save_checkpoint
from gym_causal.core.streams import SeedDomain
from gym_causal.registry import task_spec


class LogUpdates(Callback):
    """Tells TensorBoard how many updates were made, and the logger the learning rate.

    Args:
        logger: of the algorithm.
        tensorboard: gets what is logged.
        learning_rate_name: of the learning rate; None: the algorithm logs it.
    """

    def __init__(self, logger: Logger, tensorboard: TensorBoard, learning_rate_name: str | None) -> None:
        self.logger, self.tensorboard, self.learning_rate_name = logger, tensorboard, learning_rate_name

    def on_start(self, trainer: Trainer) -> None:
        if self.learning_rate_name is not None:
            self.logger.record(self.learning_rate_name, trainer.learning_rate)

    def on_update(self, trainer: Trainer) -> None:
        self.tensorboard.batch = trainer.updates
        self.on_start(trainer)

    def on_end(self, trainer: Trainer) -> None:
        self.tensorboard.close()


class Evaluate(Callback):
    """Adds evaluations on all splits and the validation loss to the learning curve.

    What it plays is of a seed domain of its own: no episode of a reported evaluation is looked at while training.

    Args:
        agent: acts with the policy that is trained.
        config: of the agent; says how often and how many episodes.
        splits: to evaluate on.
        validation: None: no loss is watched.
        history: the learning curve.
        tensorboard: gets some of the metrics.
    """

    def __init__(
        self,
        agent: Agent,
        config: AgentConfig,
        splits: Sequence[str],
        validation: Validation | None,
        history: History,
        tensorboard: TensorBoard,
    ) -> None:
        self.agent, self.config, self.splits, self.validation = agent, config, splits, validation
        self.history, self.tensorboard = history, tensorboard

    def on_update(self, trainer: Trainer) -> None:
        if not trainer.is_due(self.config.training.evaluate_every):
            return
        with torch.random.fork_rng():  # how often it is evaluated changes nothing that is learned
            for split in self.splits:
                self.history.add(trainer.updates, self._evaluated(split).rows())
            if self.validation is not None:
                self.history.add(trainer.updates, self._validated(self.validation))
        self.history.save()
        shown = ("validation_loss", task_spec(self.config.env_id).metrics[0])  # the learning curve has all metrics
        self.tensorboard.add({f"{metric}/{split}": x for metric in shown for split, x in self.history.latest(metric).items()})
        trainer.policy.train()

    def _evaluated(self, split: str) -> gym_causal.evaluation.EvaluationResult:
        config = self.config
        return gym_causal.evaluate(
            self.agent,
            config.env_id,
            split=split,
            num_episodes=config.training.evaluation_episodes,
            seed=config.seed,
            domain=SeedDomain.LEARNING_CURVE,
            **config.env_kwargs,
        )

    def _validated(self, validation: Validation) -> list[dict[str, Any]]:
        """Tidy rows of the losses on held-out demonstrations."""
        about = {"env_id": self.config.env_id, "split": validation.split, "policy": self.agent.name}
        losses = validation_losses(self.agent.policy, validation.batches())
        counts = {"episodes": len(validation.episodes), "seed": validation.seed}
        return [{**about, "metric": metric, "mean": mean, **counts} for metric, mean in losses.items()]


class SeedUpdates(Callback):
    """Seeds torch's random numbers before each update, where several processes train together: the checkpoint holds those of one alone."""

    def __init__(self, ranks: Ranks, seed: int) -> None:
        self.ranks, self.seed = ranks, seed

    def on_start(self, trainer: Trainer) -> None:
        self.on_update(trainer)

    def on_update(self, trainer: Trainer) -> None:
        torch.manual_seed(self.ranks.seed_of_update(self.seed, trainer.updates))


class SaveCheckpoint(Callback):
    """Saves a checkpoint from which training can go on; the last one holds the weights alone."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_update(self, trainer: Trainer) -> None:
        if not trainer.is_due(self.every):
            return
        weights = trainer.policy.state_dict()
        if trainer.is_finished:
            save_checkpoint(self.folder, Checkpoint(weights, trainer.updates))
        else:
            state = trainer.optimizer.named_state(trainer.policy)
            save_checkpoint(self.folder, Checkpoint(weights, trainer.updates, state, torch.get_rng_state()))


class ProgressBar(Callback):
    """A bar with the remaining time and the last evaluation's ``metric`` on every split."""

    def __init__(self, name: str, history: History, metric: str) -> None:
        self.name, self.history, self.metric = name, history, metric

    def on_start(self, trainer: Trainer) -> None:
        interval = 0.1 if sys.stderr.isatty() else 60  # seconds; a log keeps every line
        self.bar = tqdm(
            total=trainer.num_updates,
            initial=trainer.updates,
            unit="batch",
            desc=self.name,
            mininterval=interval,
            maxinterval=max(interval, 10),
        )

    def on_update(self, trainer: Trainer) -> None:
        if self.history.last_batch == trainer.updates:
            self.bar.set_postfix(self.history.latest(self.metric), refresh=False)
        self.bar.update()

    def on_end(self, trainer: Trainer) -> None:
        self.bar.close()
