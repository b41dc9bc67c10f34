"""Weights of an agent that was trained before, for one that goes on learning from reward."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agents.config.agent import AgentConfig
from agents.policies.checkpoints import load_checkpoint, load_config
from agents.policies.sequence_policy import SequencePolicy


@dataclass(frozen=True)
class InitialWeights:
    """The weights of a network, and of its explanation head if the new agent predicts the same explanations."""

    folder: Path  # of the agent that they are from
    weights: dict[str, Tensor]  # as in SequencePolicy.state_dict()

    @classmethod
    def read(cls, folder: str | os.PathLike[str], config: AgentConfig) -> InitialWeights:
        """What an agent in a folder passes on to a new one.

        Args:
            folder: of the agent.
            config: of the new one.

        Raises:
            FileNotFoundError: the folder holds no agent.
            ValueError: its files are damaged, or its network has another architecture.
        """
        folder = Path(folder)
        theirs = load_config(folder)
        if theirs.architecture != config.architecture:
            differ = [
                f"{name} is {value!r} there and {getattr(config.architecture, name)!r} here"
                for name, value in vars(theirs.architecture).items()
                if value != getattr(config.architecture, name)
            ]
            raise ValueError(f"init: {os.fspath(folder)!r} holds an agent of another architecture ({', '.join(differ)})")
        parts = ["network."]
        if config.training.predicts_explanations and theirs.training.explanations == config.training.explanations:
            parts.append("explanation_head.")
        weights = load_checkpoint(folder).weights
        return cls(folder, {name: value for name, value in weights.items() if name.startswith(tuple(parts))})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all weights."""
        digest = hashlib.sha256()
        for name, value in sorted(self.weights.items()):
            digest.update(f"{name} {tuple(value.shape)}".encode())
            digest.update(value.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def put_into(self, policy: SequencePolicy) -> None:
        """Give a policy these weights; it keeps those of its other heads.

        Raises:
            ValueError: the network is of another shape, because the env has other observations or actions.
        """
        own = policy.state_dict()
        for name, value in self.weights.items():
            if name not in own or own[name].shape != value.shape:
                shape = tuple(own[name].shape) if name in own else "none"
                raise ValueError(
                    f"init: {os.fspath(self.folder)!r} holds an agent for other observations or actions: {name} is of shape "
                    f"{tuple(value.shape)} there and {shape} here"
                )
        with torch.no_grad():
            policy.load_state_dict({**own, **self.weights})
