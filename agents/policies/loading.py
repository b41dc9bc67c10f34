"""Where agents are found: in a folder, by the id of an env for which one ships with the package, or on the Hugging Face Hub."""

from __future__ import annotations

import os
from pathlib import Path

from agents.config.agent import AgentConfig
from agents.policies import hub
from agents.policies.agent import Agent
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, load_weights
from agents.policies.sequence_policy import SequencePolicy
from gym_causal.arguments import check_integer, check_one_of
from gym_causal.registry import canonical_id, make_task

SHIPPED = Path(__file__).parents[1] / "pretrained_agents"
"""The folder of the folders of the agents that ship with the package, each named after its env."""

_ALWAYS_BUILT = 1 << 22
"""Weights that any configuration may have, for networks of a user's own that have no such blocks."""


def build_policy(config: AgentConfig) -> SequencePolicy:
    """The policy of a configuration, with freshly drawn weights.

    Raises:
        ValueError: its architecture cannot read the env's observations, or the env has no explanations to predict.
    """
    task = make_task(config.env_id, 1, **config.env_kwargs)
    if config.training.predicts_explanations:
        check_one_of("explanations", config.training.explanations, tuple(task.explanations.modes))
        task = make_task(config.env_id, 1, **{**config.env_kwargs, "explain": config.training.explanations})
    return SequencePolicy(task, config.architecture, explains=config.training.predicts_explanations, values=config.ppo is not None)


def folder_of(agent: str | os.PathLike[str]) -> Path:
    """The folder of an agent.

    Args:
        agent: that folder, the id of an env, or "hf://user/name", which is downloaded (:func:`agents.policies.hub.download`).

    Raises:
        ValueError: none of these.
        TypeError: it is no path.
        OSError: it cannot be downloaded.
        ExtraNotInstalled: it is to be downloaded, and the extra "hub" is missing.
    """
    if not isinstance(agent, (str, os.PathLike)):
        raise TypeError(f"agent must be a folder or the id of an environment, got {agent!r}")
    shipped = {path.name: path for path in sorted(SHIPPED.iterdir())} if SHIPPED.is_dir() else {}
    name = os.fspath(agent)
    if name.startswith(hub.PREFIX):
        return hub.download(name)
    if canonical_id(name) in shipped:
        return shipped[canonical_id(name)]
    if name and Path(name).is_dir():
        return Path(name)
    names = ", ".join(shipped) or "none"
    raise ValueError(
        f"agent must be a folder or the id of an environment with a pretrained agent ({names}), or {hub.PREFIX}user/name, got {name!r}"
    )


def load(agent: str | os.PathLike[str], *, deterministic: bool = True, seed: int = 0, explains: bool = False) -> Agent:
    """A trained agent, as a policy.

    Args:
        agent: its folder; the id of an env for which a pretrained agent ships with the package; or "hf://user/name" or
            "hf://user/name@revision" of the Hugging Face Hub, which needs the extra "hub".
        deterministic: take the likeliest action; False: sample it.
        seed: of these samples, >= 0.
        explains: also predict the explanation of each step, for ``agent.explanation``.

    Raises:
        ValueError: there is no such agent, its files are damaged, it has a network or an env that is not registered, or it is to explain
            and predicts no explanations.
        FileNotFoundError: the folder holds none.
        OSError: it cannot be downloaded.
    """
    check_integer("seed", seed, 0, 2**63 - 1)
    folder = folder_of(agent)
    config, checkpoint = load_config(folder), load_checkpoint(folder)
    try:
        _check_size(config, checkpoint)
        policy = build_policy(config)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(folder / CONFIG)!r} describes an agent that cannot be built here: {error}") from error
    load_weights(policy, checkpoint.weights, folder)
    return Agent(policy, deterministic=deterministic, seed=seed, explains=explains, masked=config.masks_actions)


def _check_size(config: AgentConfig, checkpoint: Checkpoint) -> None:
    """Raise a ValueError, before memory is taken, if a configuration describes far more weights than its checkpoint holds."""
    held = sum(value.numel() for value in checkpoint.weights.values())
    least = config.architecture.num_layers * config.architecture.width**2  # of a Transformer's blocks, each of which has several matrices
    if least > max(held, _ALWAYS_BUILT):
        raise ValueError(f"it has more than {least:,} weights, and {CHECKPOINT} beside it holds {held:,}")
