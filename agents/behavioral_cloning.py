"""Trains an agent with imitation's BC on whole episodes, evaluates it as it learns, and can be killed and resumed at any time."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from imitation.algorithms import bc
from imitation.util import logger as imitation_logger
from imitation.util.util import safe_to_tensor
from tqdm.auto import tqdm

import gym_causal
from agents.checkpoints import (
    CHECKPOINT,
    CONFIG,
    Checkpoint,
    load_checkpoint,
    load_config,
    load_weights,
    save_checkpoint,
    save_config,
)
from agents.config import AgentConfig
from agents.demonstrations import FixedDemonstrations, StreamedDemonstrations, collect, spaces, whole
from agents.policy import Agent, TransformerPolicy
from gym_causal.files import write_atomically

HISTORY = "learning_curve.csv"
CURVE_SEED = 1
"""Seed of the evaluations while training; those of ``agents.evaluate`` begin at 0, so no reported episode was ever looked at."""
_VALIDATION_SEED = 2**32
"""Added to the seed of the demonstrations, which is smaller."""


@dataclasses.dataclass(frozen=True)
class EpisodeLoss(bc.BehaviorCloningLossCalculator):
    """BC's loss, the mean over all steps, with label smoothing (Szegedy et al. 2016): a share of the target lies on all actions alike."""

    label_smoothing: float

    def __call__(self, policy: Any, obs: Any, acts: Any) -> bc.BCTrainingMetrics:
        log_probabilities = policy.log_probabilities(obs)
        taken, nothing = log_probabilities.gather(-1, acts.long()[..., None])[..., 0], torch.zeros(())
        loss = -(1 - self.label_smoothing) * taken.mean() - self.label_smoothing * log_probabilities.mean()
        taken = taken.detach()
        return bc.BCTrainingMetrics(-taken.mean(), None, nothing, taken.exp().mean(), nothing, nothing, loss)


def train(
    config: AgentConfig,
    folder: Path,
    *,
    resume: bool = False,
    splits: Sequence[str] = ("train", "eval_target", "eval_path"),
    demonstrations: gym_causal.Episodes | None = None,
    progress: bool = True,
    device: str = "cpu",
) -> Agent:
    """Train an agent, or go on with its training.

    After a kill at any moment, training resumed on the same CPU with as many threads ends at the same weights, bit for bit.

    Args:
        config: all that the result depends on.
        folder: gets ``config.json``, ``checkpoint.safetensors``, ``learning_curve.csv`` and TensorBoard's files.
        resume: go on from the checkpoint in ``folder``, if there is one.
        splits: what it is evaluated on now and then.
        demonstrations: train on these, instead of collecting ``config.training.num_demonstrations`` or streaming.
        progress: show a bar with the remaining time.
        device: torch's name of where to train.

    Returns:
        The agent, ready to act.

    Raises:
        FileExistsError: ``folder`` holds an agent and ``resume`` is False.
        ValueError: it holds one of another configuration, or something unreadable.
    """
    training = config.training
    _claim(folder, config, resume)
    torch.manual_seed(config.seed)
    observation_space, action_space = spaces(config.env_id, config.env_kwargs)
    policy = TransformerPolicy(observation_space, action_space, config.architecture)
    done, saved = 0, None
    if (folder / CHECKPOINT).exists():
        saved = load_checkpoint(folder)
        done = saved.batch
        load_weights(policy, saved.weights, folder)
    agent = Agent(policy, seed=config.seed)
    history = History(folder / HISTORY, done)
    if done >= training.num_batches:
        return agent

    demonstration_kwargs = {**config.env_kwargs, **config.demonstration_kwargs}
    batches = _batches(config, demonstration_kwargs, done, demonstrations)
    held_out = whole(collect("expert", config.env_id, training.validation_episodes, config.seed + _VALIDATION_SEED, demonstration_kwargs))
    trainer = bc.BC(
        observation_space=observation_space,
        action_space=action_space,
        rng=np.random.default_rng(config.seed),
        policy=policy,
        demonstrations=batches,
        batch_size=training.batch_size,
        optimizer_cls=partial(
            torch.optim.AdamW, lr=training.learning_rate, betas=(0.9, 0.98), weight_decay=training.weight_decay, fused=True
        ),
        ent_weight=0.0,
        device=device,
        custom_logger=imitation_logger.configure(folder / "tensorboard", ["tensorboard"]),
    )
    trainer.loss_calculator = EpisodeLoss(0.0, 0.0, training.label_smoothing)
    optimizer = trainer.optimizer
    if saved is not None:
        _restore(optimizer, policy, saved)

    def clip(*_: Any) -> None:
        torch.nn.utils.clip_grad_norm_(policy.parameters(), training.max_grad_norm)

    def schedule() -> None:
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate_at(done)

    def evaluate() -> None:
        with torch.random.fork_rng():
            history.add(done, _validation(policy, held_out))
            for split in splits:
                result = gym_causal.evaluate(
                    agent, config.env_id, split=split, num_episodes=training.evaluation_episodes, seed=CURVE_SEED, **config.env_kwargs
                )
                history.add(done, result.rows())
        history.save()
        policy.set_training_mode(True)

    def on_batch_end() -> None:
        nonlocal done
        done += 1
        schedule()
        last = done == training.num_batches
        if done % training.evaluate_every == 0 or last:
            evaluate()
            bar.set_postfix(history.latest())
        if done % training.checkpoint_every == 0 or last:
            save_checkpoint(folder, _checkpoint(optimizer, policy, done, with_optimizer=not last))
        bar.update()

    optimizer.register_step_pre_hook(clip)
    schedule()
    policy.set_training_mode(True)
    with (
        warnings.catch_warnings(),
        tqdm(total=training.num_batches, initial=done, unit="batch", disable=not progress, desc=folder.name) as bar,
    ):
        warnings.filterwarnings("ignore", "Converting a tensor with requires_grad")  # imitation logs the loss itself
        trainer.train(n_batches=training.num_batches - done, on_batch_end=on_batch_end, log_interval=50, progress_bar=False)
    return agent


def load(folder: Path, *, deterministic: bool = True, seed: int = 0) -> Agent:
    """The agent in a folder; see :func:`agents.load`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    config, checkpoint = load_config(folder), load_checkpoint(folder)
    policy = TransformerPolicy(*spaces(config.env_id, config.env_kwargs), config.architecture)
    load_weights(policy, checkpoint.weights, folder)
    return Agent(policy, deterministic=deterministic, seed=seed)


class History:
    """The learning curve: tidy rows, one a number, with the ``batch`` after which it was measured.

    Args:
        path: of the CSV; one that is there is continued.
        batch: rows of later batches are dropped: they will be measured again.
    """

    def __init__(self, path: Path, batch: int) -> None:
        self.path = path
        rows = pd.read_csv(path) if path.exists() and batch else pd.DataFrame({"batch": pd.Series(dtype=int)})
        self.rows = rows[rows["batch"] <= batch]

    def add(self, batch: int, rows: Iterable[dict[str, Any]]) -> None:
        self.rows = pd.concat([self.rows, pd.DataFrame({"batch": batch, **row} for row in rows)], ignore_index=True)

    def save(self) -> None:
        write_atomically(self.path, lambda path: self.rows.to_csv(path, index=False))

    def latest(self) -> dict[str, str]:
        """split -> normalized reward in the last evaluation."""
        rows = self.rows[(self.rows["metric"] == "normalized_reward") & (self.rows["batch"] == self.rows["batch"].max())]
        return {row["split"]: f"{row['mean']:.3f}" for _, row in rows.iterrows()}


def _claim(folder: Path, config: AgentConfig, resume: bool) -> None:
    """Make the folder this configuration's, or see that it is."""
    if not (folder / CONFIG).exists():
        save_config(folder, config)
        return
    if not resume:
        raise FileExistsError(f"folder: {str(folder)!r} holds an agent; choose another one, or resume its training")
    if (there := load_config(folder)) != config:
        now, before = (_flat(c.to_json()) for c in (config, there))
        other = ", ".join(f"{key} was {before.get(key)!r} and is {now.get(key)!r}" for key in now if now[key] != before.get(key))
        raise ValueError(f"folder: {str(folder)!r} holds an agent of another configuration ({other}); choose another one")


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat.update({f"{key}.{inner}": x for inner, x in value.items()} if isinstance(value, dict) else {key: value})
    return flat


def _batches(
    config: AgentConfig, env_kwargs: dict[str, Any], first_batch: int, episodes: gym_causal.Episodes | None
) -> StreamedDemonstrations | FixedDemonstrations:
    training = config.training
    if episodes is None and training.num_demonstrations is not None:
        episodes = collect("expert", config.env_id, training.num_demonstrations, config.seed, env_kwargs)
    if episodes is not None:
        return FixedDemonstrations(episodes, batch_size=training.batch_size, seed=config.seed, first_batch=first_batch)
    return StreamedDemonstrations(
        "expert", config.env_id, batch_size=training.batch_size, seed=config.seed, first_batch=first_batch, env_kwargs=env_kwargs
    )


def _validation(policy: TransformerPolicy, batch: dict[str, Any]) -> list[dict[str, Any]]:
    policy.set_training_mode(False)
    observations = {key: safe_to_tensor(value, device=policy.device) for key, value in batch["obs"].unwrap().items()}
    with torch.no_grad():
        _, log_probability, _ = policy.evaluate_actions(observations, safe_to_tensor(batch["acts"], device=policy.device))
    return [{"split": "train", "policy": "agent", "metric": "validation_loss", "mean": -float(log_probability.mean())}]


def _checkpoint(optimizer: torch.optim.Optimizer, policy: TransformerPolicy, batch: int, *, with_optimizer: bool) -> Checkpoint:
    if not with_optimizer:
        return Checkpoint(policy.state_dict(), batch)
    state = {f"{name}/{key}": value for name, p in policy.named_parameters() for key, value in optimizer.state[p].items()}
    return Checkpoint(policy.state_dict(), batch, state, torch.get_rng_state())


def _restore(optimizer: torch.optim.Optimizer, policy: TransformerPolicy, saved: Checkpoint) -> None:
    for name, parameter in policy.named_parameters():
        prefix = f"{name}/"
        state = {key.removeprefix(prefix): value for key, value in saved.optimizer.items() if key.startswith(prefix)}
        optimizer.state[parameter] = {key: value.to(parameter.device) if value.ndim else value for key, value in state.items()}
    if saved.rng is not None:
        torch.set_rng_state(saved.rng)
