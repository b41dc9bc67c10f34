"""Agents on disk: ``config.json`` and ``checkpoint.safetensors`` in a folder. Written whole or not at all; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from agents.config.agent import AgentConfig
from gym_causal.files import read_json, write_atomically

CONFIG, CHECKPOINT = "config.json", "checkpoint.safetensors"
_FORMAT = "gym_causal agent 2"
_FORMAT_1 = "gym_causal agent 1"
_RENAMED_SINCE_FORMAT_1 = (  # pattern, replacement; each parameter's name goes through all of them
    (r"\.attention\.queries_keys_values\.", ".attention.qkv_projection."),
    (r"\.attention\.attraction", ".attention.bias_weight"),
    (r"\.attention\.output\.", ".attention.output_projection."),
    (r"\.perceptron(_norm)?\.", r".mlp\1."),
    (r"^network\.transformer\.", "network.temporal_transformer."),
    (r"^network\.logits\.", "network.action_head."),
    # causal DAGs
    (r"^network\.names", "network.variable_embeddings"),
    (r"^network\.embedding\.", "network.embedding_projection."),
    (r"^network\.features\.", "network.feature_mlp."),
    (r"^network\.trials", "network.trial_embedding"),
    # odd-one-out rooms
    (r"^network\.look\.", "network.object_attention."),
    (r"^network\.look_again\.", "network.readout_attention."),
    (r"^network\.looks\.", "network.appearance_encoder."),
    (r"^network\.compare\.", "network.comparison_projection."),
    (r"^network\.(object|agent|step)\.", r"network.\1_encoder."),
    (r"^network\.view\.", "network.cnn."),
    # explanations
    (r"^explainer\.hidden\.", "explanation_head.feature_projection."),
    (r"^explainer\.said\.", "explanation_head.token_embedding."),
    (r"^explainer\.places", "explanation_head.position_embedding"),
    (r"^explainer\.logits\.", "explanation_head.token_head."),
)


@dataclass(frozen=True)
class Checkpoint:
    """A trained or half-trained agent."""

    weights: dict[str, Tensor]  # state_dict of the SequencePolicy
    batch: int  # updates made so far
    optimizer: dict[str, Tensor] = field(default_factory=dict)  # "PARAMETER/NAME" -> its state; empty once training is over
    rng: Tensor | None = None  # torch's generator, for dropout


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
        document = read_json(path)
        if not isinstance(document, dict) or document.pop("format", None) not in (_FORMAT, _FORMAT_1):
            raise ValueError("its format is another one")
        return AgentConfig.from_json(document)
    except KeyError as error:
        raise ValueError(f"{os.fspath(path)!r} is not the configuration of an agent: it has no {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not the configuration of an agent: {error}") from error


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint.safetensors``, in place of an older one. Its metadata hold a digest of all its numbers."""
    tensors = {f"weights/{key}": value for key, value in checkpoint.weights.items()}
    tensors.update({f"optimizer/{key}": value for key, value in checkpoint.optimizer.items()})
    if checkpoint.rng is not None:
        tensors["rng"] = checkpoint.rng
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    metadata = {"format": _FORMAT, "batch": str(checkpoint.batch), "sha256": _digest(tensors, checkpoint.batch)}
    # Written here, for safetensors has exceptions of its own for a full disk.
    write_atomically(folder / CHECKPOINT, lambda path: path.write_bytes(safetensors.torch.save(tensors, metadata)))


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read ``checkpoint.safetensors``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or not that of an agent. (Files from before there was a digest may have changed numbers.)
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(f"{os.fspath(folder)!r} holds no trained agent: there is no {CHECKPOINT}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("format") not in (_FORMAT, _FORMAT_1):
                raise ValueError("its format is another one")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
            batch = int(metadata.get("batch", ""))
            if metadata.get("sha256", digest := _digest(tensors, batch)) != digest:
                raise ValueError("its numbers are not those that were written")
            weights, optimizer = (
                {key.removeprefix(part): value for key, value in tensors.items() if key.startswith(part)}
                for part in ("weights/", "optimizer/")
            )
            if metadata["format"] == _FORMAT_1:
                weights, optimizer = _renamed(weights), _renamed(optimizer)
            return Checkpoint(weights, batch, optimizer, tensors.get("rng"))
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not the checkpoint of an agent: {error}") from error


def _digest(tensors: dict[str, Tensor], batch: int) -> str:
    """SHA-256 of the tensors' names, dtypes, shapes and bytes, and of the number of updates."""
    digest = hashlib.sha256(str(batch).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of format 1 under their parameters' present names."""
    renamed = {}
    for name, tensor in tensors.items():
        for pattern, replacement in _RENAMED_SINCE_FORMAT_1:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return renamed


def updates_made(folder: Path) -> int:
    """Updates made so far according to the checkpoint's metadata; 0 if there is no checkpoint or it is damaged."""
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
        reasons = [line.strip() for line in str(error).splitlines()[1:]]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise ValueError(f"{os.fspath(folder / CHECKPOINT)!r} does not fit {CONFIG} beside it: {reasons[0]}{more}") from error
