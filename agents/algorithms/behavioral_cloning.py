"""Trains an agent with imitation's BC on whole episodes, evaluates it as it learns, and can be killed and resumed at any time."""

from __future__ import annotations

import dataclasses
import json
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from imitation.algorithms import bc
from imitation.util.logger import HierarchicalLogger
from imitation.util.util import safe_to_tensor
from stable_baselines3.common.logger import Logger
from torch import Tensor
from tqdm.auto import tqdm

import gym_causal
from agents.algorithms.learning_curve import HISTORY, History, TensorBoard
from agents.algorithms.optimizers import MuonAdamW
from agents.config.agent import AgentConfig
from agents.data.demonstrations import (
    IGNORE_INDEX,
    Batch,
    FixedDemonstrations,
    StreamedDemonstrations,
    check_learnable,
    collect,
    fingerprint,
    iterate_batches,
    shuffle_explanations,
    spaces,
)
from agents.policies.checkpoints import (
    CHECKPOINT,
    CONFIG,
    Checkpoint,
    load_checkpoint,
    load_config,
    load_weights,
    save_checkpoint,
    save_config,
)
from agents.policies.sb3 import Agent, TransformerPolicy, build_policy

CURVE_SEED = 1
"""Seed of the evaluations while training; those of ``agents.evaluate`` begin at 0, so no reported episode was ever looked at."""
_VALIDATION_SEED = 2**32
"""Added to the seed of the demonstrations, which is smaller."""
_SHOWN = ("validation_loss", "normalized_reward")
"""Metrics of the evaluations that TensorBoard gets; all are in the learning curve."""


@dataclasses.dataclass(frozen=True)
class EpisodeLoss(bc.BehaviorCloningLossCalculator):
    """BC's loss, the mean over all actions that there are to learn, and that of the explanations.

    With label smoothing (Szegedy et al. 2016) a share of the target lies on all actions alike.
    """

    label_smoothing: float = 0.0
    explanation_weight: float = 0.0

    def __call__(self, policy: Any, obs: Any, acts: Any) -> bc.BCTrainingMetrics:
        hidden_states, log_probabilities, taken = policy.read(obs, acts)
        loss, nothing = -(1 - self.label_smoothing) * taken.mean() - self.label_smoothing * log_probabilities.mean(), torch.zeros(())
        if policy.explainer is not None:
            loss = loss + self.explanation_weight * policy.explainer.loss(*_explained(hidden_states, acts))
        taken = taken.detach()
        return bc.BCTrainingMetrics(-taken.mean(), None, nothing, taken.exp().mean(), nothing, nothing, loss)


def _explained(hidden_states: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Summaries (n, W) and tokens (n, L) of the n steps that there are; the others are there to make all episodes as long."""
    tokens = targets[..., 1:].long()
    there = tokens[..., 0] != IGNORE_INDEX
    return hidden_states[there], tokens[there]


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
        config: all that the result depends on (of ``demonstrations`` it gets the fingerprint).
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
        ValueError: it holds one of another configuration, or something unreadable; or an argument is out of range. Nothing is written
            then.
    """
    training = config.training
    config = dataclasses.replace(config, demonstrations=None if demonstrations is None else fingerprint(demonstrations))
    demonstration_kwargs = {**config.env_kwargs, **config.demonstration_kwargs, "explain": training.explanations}
    _check_device(device)
    for split in splits:
        spaces(config.env_id, {**config.env_kwargs, "split": split})
    observation_space, action_space = spaces(config.env_id, config.env_kwargs)
    if spaces(config.env_id, demonstration_kwargs) != (observation_space, action_space):
        raise ValueError(f"demonstration_kwargs must leave observations and actions as they are, got {config.demonstration_kwargs}")
    if demonstrations is not None:
        check_learnable(demonstrations, config.env_id, observation_space, action_space, training.explanations)
    torch.manual_seed(config.seed)
    policy = build_policy(config).to(device)
    agent = Agent(policy, seed=config.seed)
    done, saved = 0, _earlier(folder, config, resume)
    if saved is not None:
        done = saved.batch
        load_weights(policy, saved.weights, folder)
    if done >= training.num_batches:
        return agent

    validation_seed = config.seed + _VALIDATION_SEED
    batches = _batches(config, demonstration_kwargs, done, demonstrations)
    held_out = collect("expert", config.env_id, training.validation_episodes, validation_seed, demonstration_kwargs)
    validation = {"env_id": config.env_id, "split": demonstration_kwargs.get("split", "train"), "policy": agent.name}
    validation |= {"episodes": training.validation_episodes, "seed": validation_seed}
    save_config(folder, config)
    history = History(folder / HISTORY, done)
    tensorboard = TensorBoard(folder / "tensorboard", done)
    logger = HierarchicalLogger(Logger(str(folder), [tensorboard]))
    trainer = bc.BC(
        observation_space=observation_space,
        action_space=action_space,
        rng=np.random.default_rng(config.seed),
        policy=policy,  # type: ignore[arg-type]  # all that BC asks of an ActorCriticPolicy is its device
        demonstrations=batches,  # type: ignore[arg-type]  # its types know transitions alone; it hands batches through as they are
        batch_size=training.batch_size,
        optimizer_cls=lambda _: MuonAdamW(policy, training),  # type: ignore[arg-type]  # which parameters are matrices of blocks?
        ent_weight=0.0,
        device=device,
        custom_logger=logger,
    )
    trainer.loss_calculator = EpisodeLoss(0.0, 0.0, training.label_smoothing, training.explanation_weight)
    optimizer = trainer.optimizer
    assert isinstance(optimizer, MuonAdamW)
    if saved is not None:
        _restore(optimizer, policy, saved, folder)

    def clip(*_: Any) -> None:
        torch.nn.utils.clip_grad_norm_(policy.parameters(), training.max_grad_norm)

    def schedule() -> None:
        rate = training.learning_rate_at(done)
        optimizer.set_learning_rate(rate)
        logger.record("bc/learning_rate", rate)

    def evaluate() -> None:
        with torch.random.fork_rng():
            for split in splits:
                result = gym_causal.evaluate(
                    agent, config.env_id, split=split, num_episodes=training.evaluation_episodes, seed=CURVE_SEED, **config.env_kwargs
                )
                history.add(done, result.rows())
            losses = _losses(policy, iterate_batches(held_out, training.batch_size))
            history.add(done, [{**validation, "metric": metric, "mean": mean} for metric, mean in losses.items()])
        history.save()
        tensorboard.add({f"{metric}/{split}": x for metric in _SHOWN for split, x in history.latest(metric).items()})
        policy.set_training_mode(True)

    def on_batch_end() -> None:
        nonlocal done
        done += 1
        tensorboard.batch = done
        schedule()
        last = done == training.num_batches
        if done % training.evaluate_every == 0 or last:
            evaluate()
            bar.set_postfix(history.latest("normalized_reward"), refresh=False)
        if done % training.checkpoint_every == 0 or last:
            save_checkpoint(folder, _checkpoint(optimizer, policy, done, with_optimizer=not last))
        bar.update()

    optimizer.register_step_pre_hook(clip)
    schedule()
    policy.set_training_mode(True)
    interval = 0.1 if sys.stderr.isatty() else 60  # seconds; a log keeps every line
    with (
        closing(tensorboard),
        warnings.catch_warnings(),
        tqdm(
            total=training.num_batches,
            initial=done,
            unit="batch",
            disable=not progress,
            desc=folder.name,
            mininterval=interval,
            maxinterval=max(interval, 10),
        ) as bar,
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
    policy = build_policy(config)
    load_weights(policy, checkpoint.weights, folder)
    return Agent(policy, deterministic=deterministic, seed=seed)


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch's way to say that it was built without CUDA
        raise ValueError(f"device must be one that torch finds here, got {device!r}: {str(error).splitlines()[0]}") from error


def _earlier(folder: Path, config: AgentConfig, resume: bool) -> Checkpoint | None:
    """What an earlier training in the folder left to go on from. See :func:`train` for what is raised."""
    if not (folder / CONFIG).exists():
        return None
    if not resume:
        raise FileExistsError(f"folder: {str(folder)!r} holds an agent; sample_actions another one, or resume its training")
    # A file has lists where a config may have tuples.
    before, now = (_flat(json.loads(json.dumps(c.to_json()))) for c in (load_config(folder), config))
    other = [f"{key} was {before.get(key)!r} and is {now.get(key)!r}" for key in before | now if before.get(key) != now.get(key)]
    if other:
        raise ValueError(
            f"folder: {str(folder)!r} holds an agent of another configuration ({', '.join(other)}); sample_actions another one"
        )
    return load_checkpoint(folder) if (folder / CHECKPOINT).exists() else None


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat.update({f"{key}.{inner}": x for inner, x in value.items()} if isinstance(value, dict) else {key: value})
    return flat


def _batches(
    config: AgentConfig, env_kwargs: dict[str, Any], first_batch: int, episodes: gym_causal.Episodes | None
) -> StreamedDemonstrations | FixedDemonstrations:
    training, seed = config.training, config.seed
    options: dict[str, Any] = {"batch_size": training.batch_size, "seed": seed, "first_batch": first_batch}
    shuffled = training.shuffled_explanations
    if episodes is not None:
        return FixedDemonstrations(shuffle_explanations(episodes, seed) if shuffled else episodes, **options)
    if training.num_demonstrations is None:
        return StreamedDemonstrations("expert", config.env_id, env_kwargs=env_kwargs, shuffled=shuffled, **options)
    episodes = collect("expert", config.env_id, training.num_demonstrations, seed, env_kwargs, shuffled=shuffled)
    return FixedDemonstrations(episodes, **options)


def _losses(policy: TransformerPolicy, batches: Iterable[Batch]) -> dict[str, float]:
    """Mean negative log-likelihood of the demonstrated actions, and of explanations if the policy predicts them."""
    policy.set_training_mode(False)
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}

    def add(name: str, mean: Tensor, count: int) -> None:
        sums[name], counts[name] = sums.get(name, 0.0) + float(mean) * count, counts.get(name, 0) + count

    with torch.no_grad():
        for batch in batches:
            observations = {key: safe_to_tensor(value, device=policy.device) for key, value in batch["obs"].unwrap().items()}
            targets = safe_to_tensor(batch["acts"], device=policy.device)
            hidden_states, _, taken = policy.read(observations, targets)
            add("validation_loss", -taken.mean(), len(taken))
            if policy.explainer is not None:
                hidden_states, tokens = _explained(hidden_states, targets)
                add("validation_explanation_loss", policy.explainer.loss(hidden_states, tokens), len(tokens))
    return {name: sums[name] / counts[name] for name in sums}


def _checkpoint(optimizer: torch.optim.Optimizer, policy: TransformerPolicy, batch: int, *, with_optimizer: bool) -> Checkpoint:
    if not with_optimizer:
        return Checkpoint(policy.state_dict(), batch)
    state = {f"{name}/{key}": value for name, p in policy.named_parameters() for key, value in optimizer.state[p].items()}
    return Checkpoint(policy.state_dict(), batch, state, torch.get_rng_state())


def _restore(optimizer: torch.optim.Optimizer, policy: TransformerPolicy, saved: Checkpoint, folder: Path) -> None:
    for name, parameter in policy.named_parameters():
        prefix = f"{name}/"
        state = {key.removeprefix(prefix): value for key, value in saved.optimizer.items() if key.startswith(prefix)}
        if not state:
            raise ValueError(f"{str(folder / CHECKPOINT)!r} has no state of the optimizer for {name}: training cannot go on from it")
        optimizer.state[parameter] = {key: value.to(parameter.device) for key, value in state.items()}
    if saved.rng is not None:
        torch.set_rng_state(saved.rng)
