"""Agents on disk: ``config.json`` and ``checkpoint.safetensors`` in a folder. Written whole or not at all; nothing is ever unpickled."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from agents.config.agent import AgentConfig
from gym_causal.files import write_atomically

CONFIG, CHECKPOINT = "config.json", "checkpoint.safetensors"
_FORMAT = "gym_causal agent 1"


@dataclass(frozen=True)
class Checkpoint:
    """A trained or half-trained agent."""

    weights: dict[str, Tensor]  # of the policy
    batch: int  # updates made so far
    optimizer: dict[str, Tensor] = field(default_factory=dict)  # "PARAMETER/NAME" -> its state; empty once training is over
    rng: Tensor | None = None  # torch's, for what is random within the network


def save_config(folder: Path, config: AgentConfig) -> None:
    """Write ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"format": _FORMAT, **config.to_json()}
    write_atomically(folder / CONFIG, lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))


def load_config(folder: Path) -> AgentConfig:
    """Read ``config.json``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or not that of an agent.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{os.fspath(folder)!r} holds no agent: there is no {CONFIG}")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("format", None) != _FORMAT:
            raise ValueError("its format is another one")
        return AgentConfig.from_json(document)
    except KeyError as error:
        raise ValueError(f"{os.fspath(path)!r} is not the configuration of an agent: it has no {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not the configuration of an agent: {error}") from error


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint.safetensors``, in place of an older one."""
    tensors = {f"weights/{key}": value for key, value in checkpoint.weights.items()}
    tensors.update({f"optimizer/{key}": value for key, value in checkpoint.optimizer.items()})
    if checkpoint.rng is not None:
        tensors["rng"] = checkpoint.rng
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    metadata = {"format": _FORMAT, "batch": str(checkpoint.batch)}
    # Written here, for safetensors has exceptions of its own for a full disk.
    write_atomically(folder / CHECKPOINT, lambda path: path.write_bytes(safetensors.torch.save(tensors, metadata)))


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read ``checkpoint.safetensors``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or not that of an agent.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(f"{os.fspath(folder)!r} holds no trained agent: there is no {CHECKPOINT}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise ValueError("its format is another one")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
            weights, optimizer = (
                {key.removeprefix(part): value for key, value in tensors.items() if key.startswith(part)}
                for part in ("weights/", "optimizer/")
            )
            return Checkpoint(weights, int(metadata.get("batch", "")), optimizer, tensors.get("rng"))
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not the checkpoint of an agent: {error}") from error


def updates_made(folder: Path) -> int:
    """By its checkpoint, of which no more is read than that; 0 without one, or with one that is damaged."""
    try:
        with safetensors.safe_open(folder / CHECKPOINT, framework="pt") as file:
            return int((file.metadata() or {}).get("batch", 0))
    except (FileNotFoundError, safetensors.SafetensorError, ValueError, OSError):
        return 0


def load_weights(module: torch.nn.Module, weights: dict[str, Tensor], folder: Path) -> None:
    """Put weights into a module.

    Raises:
        ValueError: they are those of another network.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{os.fspath(folder / CHECKPOINT)!r} does not fit {CONFIG} beside it: {error}") from error
