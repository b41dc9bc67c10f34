"""Learning from reward through :class:`~agents.algorithms.ppo.EpisodePPO`; a training can be killed at any time and resumed."""

from __future__ import annotations

import copy
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from agents.algorithms.folder_lock import locked
from agents.algorithms.initial_weights import InitialWeights
from agents.algorithms.learning_curve import Tracker
from agents.algorithms.ppo import EpisodePPO
from agents.algorithms.ranks import Ranks
from agents.algorithms.trainer import Trainer
from agents.algorithms.training_data import acted_task, demonstration_kwargs
from agents.algorithms.training_run import TrainingRun
from agents.config.agent import AgentConfig
from agents.data.explanation_controls import ExplanationControl
from agents.policies.actor_critic import TransformerActorCriticPolicy
from agents.policies.agent import Agent
from agents.policies.sequence_policy import SequencePolicy
from agents.vec_env import BatchedVecEnv
from gym_causal.core.streams import SeedDomain
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.registry import make_task, task_spec


def train(
    config: AgentConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    splits: Sequence[str] | None = None,
    init: str | os.PathLike[str] | None = None,
    progress: bool = True,
    device: str = "cpu",
    track: Tracker = "tensorboard",
) -> Agent:
    """Train an agent with PPO, or go on with its training.

    Iteration i plays episodes i * B to (i + 1) * B - 1 of the seed, in a seed domain of their own. After a kill at any moment, training
    resumed on the same CPU with as many threads ends at the same weights, bit for bit.

    Args:
        config: all that the result depends on (of ``init`` it gets the fingerprint); ``config.ppo`` is not None.
        folder: gets ``config.json``, ``checkpoint.safetensors``, ``learning_curve.csv`` and TensorBoard's files.
        resume: go on from the checkpoint in ``folder``, if there is one.
        splits: what it is evaluated on now and then; None: all that the env's results are reported on.
        init: folder of an agent whose network's weights it starts from; None: from freshly drawn ones.
        progress: show a bar with the remaining time.
        device: torch's name of where to train.
        track: "tensorboard": its files alone; "wandb": Weights & Biases too.

    Returns:
        The agent, ready to act.

    Raises:
        FileExistsError: ``folder`` holds an agent and ``resume`` is False.
        BlockingIOError: another process is writing to it.
        FileNotFoundError: ``init`` holds none.
        ValueError: ``folder`` holds one of another configuration, or something unreadable; ``init`` holds one of another architecture, or
            is missing although ``config.ppo.kl_coef`` is not 0; or an argument is out of range. Nothing is written then.
    """
    if config.ppo is None:
        raise ValueError("config: ppo must be a PPOConfig for reinforcement learning, got None")
    if (processes := Ranks.current().world_size) > 1:
        raise ValueError(f"algorithm must be bc under torchrun, got ppo in {processes} processes: PPO trains in one")
    if (kl_coef := config.ppo.kl_coef) and init is None:
        raise ValueError(f"ppo.kl_coef must be 0 without init, the agent that the divergence is measured from, got {kl_coef!r}")
    folder, splits = Path(folder), task_spec(config.env_id).splits if splits is None else splits
    initial = None if init is None else InitialWeights.read(init, config)
    config = dataclasses.replace(config, initial_weights=None if initial is None else initial.fingerprint)
    acted_task(config, splits)
    with locked(folder):
        run = TrainingRun.open(config, folder, resume=resume, device=device, track=track)
        if run.is_finished:
            return run.agent
        if initial is not None and run.saved is None:
            initial.put_into(run.policy)
        reference = None
        if initial is not None and kl_coef:
            reference = copy.deepcopy(run.policy)
            initial.put_into(reference)  # after a kill the policy has other weights
        venv = _training_envs(config)
        trainer, logger = run.trainer(splits, progress=progress)
        _learn(trainer, venv, config, logger, reference)
        return run.agent


def _training_envs(config: AgentConfig) -> BatchedVecEnv:
    """What it plays: the env's first split, unless the config says otherwise, with observations in their compact form."""
    assert config.ppo is not None
    spec = task_spec(config.env_id)
    arguments = {"split": spec.splits[0], **demonstration_kwargs(config), **spec.compact_kwargs}
    task = make_task(config.env_id, config.ppo.num_envs, **arguments)
    venv = BatchedVecEnv(TaskVectorEnv(task, domain=SeedDomain.REINFORCEMENT))
    venv.seed(config.seed)
    return venv


def _learn(trainer: Trainer, venv: BatchedVecEnv, config: AgentConfig, logger: Logger, reference: SequencePolicy | None) -> None:
    """Have PPO make the iterations that remain; ``reference`` is what it is not to move away from."""
    training, ppo = config.training, config.ppo
    assert ppo is not None
    task = venv.venv.task
    control = ExplanationControl(
        task.explanations, training.shuffled_share if training.shuffled_explanations else 0.0, training.explanation_delay
    )
    reference_policy = None
    if reference is not None:
        reference_policy = TransformerActorCriticPolicy(venv.observation_space, venv.action_space, task=task, model=reference)
    algorithm = EpisodePPO(
        "TransformerPolicy",
        venv,
        learning_rate=lambda _: trainer.learning_rate,
        n_steps=ppo.max_episode_steps,
        batch_size=training.batch_size,
        n_epochs=ppo.num_epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip_range,
        clip_range_vf=ppo.clip_range_vf,
        normalize_advantage=ppo.normalize_advantage,
        normalize_value_loss=ppo.normalize_value_loss,
        ent_coef=ppo.ent_coef,
        vf_coef=ppo.vf_coef,
        kl_coef=ppo.kl_coef,
        reference_policy=reference_policy,
        max_grad_norm=training.max_grad_norm,
        target_kl=ppo.target_kl,
        use_action_masks=ppo.action_masks,
        explanation_weight=training.explanation_weight,
        explanation_control=control,
        max_iterations=trainer.num_updates,
        policy_kwargs={"model": trainer.policy, "task": task},
        device=trainer.policy.device,
    )
    algorithm.num_iterations, algorithm.rollout_seed = trainer.updates, config.seed
    algorithm.policy.optimizer = trainer.optimizer
    algorithm.set_logger(logger)
    with trainer:
        algorithm.learn(sys.maxsize, callback=_AfterIteration(trainer))


class _AfterIteration(BaseCallback):
    """Tells a trainer that an iteration was learned from; stable-baselines3 calls nobody before the next one begins."""

    model: EpisodePPO

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self.trainer = trainer

    def _on_rollout_start(self) -> None:
        if self.model.num_iterations > self.trainer.updates:
            self.trainer.after_update()

    def _on_training_end(self) -> None:
        self.logger.dump(self.trainer.updates)  # what the last iteration recorded

    def _on_step(self) -> bool:
        return True
