"""Agents on the Hugging Face Hub: downloading and uploading a folder. Only JSON and safetensors are read of what is downloaded."""

from __future__ import annotations

import re
from pathlib import Path

from agents.config.agent import AgentConfig, flat_entries
from agents.policies.checkpoints import CHECKPOINT, CONFIG, load_config
from gym_causal.extras import needs_extra
from gym_causal.registry import canonical_id

PREFIX = "hf://"
_REFERENCE = re.compile(PREFIX + r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


def download(reference: str) -> Path:
    """The folder of an agent in the hub's cache, downloaded if it is not there.

    Args:
        reference: "hf://user/name" or "hf://user/name@revision"; a revision is a branch, a tag or a commit.

    Raises:
        ValueError: it is no such reference, or the agent's configuration names Python objects to import.
        OSError: it cannot be downloaded, and is not in the cache.
        ExtraNotInstalled: the extra "hub" is missing.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(f"agent must be {PREFIX}user/name or {PREFIX}user/name@revision, got {reference!r}")
    with needs_extra(f"agents.load({reference!r})", "hub"):
        import huggingface_hub  # noqa: PLC0415
    try:
        folder = huggingface_hub.snapshot_download(match[1], revision=match[2], allow_patterns=[CONFIG, CHECKPOINT])
    except OSError as error:  # every error of the hub and of the network is one
        raise OSError(f"agent: {reference!r} cannot be downloaded: {str(error).strip().splitlines()[0]}") from error
    _check_imports_nothing(reference, load_config(Path(folder)))
    return Path(folder)


def _check_imports_nothing(reference: str, config: AgentConfig) -> None:
    """Raise a ValueError for an env that Gymnasium would import, or an argument of it that is a function's name: anybody may upload."""
    named = {"env_id": canonical_id(config.env_id), **flat_entries({"env_kwargs": dict(config.env_kwargs)})}
    for entry, value in named.items():
        if isinstance(value, str) and ":" in value:
            raise ValueError(
                f"agent: {reference!r} has {entry} {value!r}, which would be imported; look at its files, then load their folder"
            )


def upload(folder: Path, repo_id: str, *, private: bool | None, revision: str | None, message: str) -> str:
    """Put all files of a folder into a repository, which is made if there is none; returns the address of the commit.

    Raises:
        ValueError: ``repo_id`` is no "user/name".
        OSError: what the hub or the network says.
        ExtraNotInstalled: the extra "hub" is missing.
    """
    with needs_extra("agents.push", "hub"):
        import huggingface_hub  # noqa: PLC0415
    api = huggingface_hub.HfApi()
    api.create_repo(repo_id, private=private, exist_ok=True)
    return str(api.upload_folder(repo_id=repo_id, folder_path=folder, revision=revision, commit_message=message))
