"""Agents for others: a folder with what is needed to load one and a model card, and its upload to the Hugging Face Hub."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from agents.policies import hub
from agents.policies.checkpoints import CONFIG, Checkpoint, load_checkpoint, load_config, save_checkpoint, save_config
from agents.policies.loading import folder_of
from agents.policies.model_card import CARD, COMMAND, RESULTS, model_card
from gym_causal.files import write_atomically

_COPIED = (Path("learning_curve.csv"), Path(COMMAND), RESULTS)


def save(agent: str | os.PathLike[str], folder: str | os.PathLike[str], *, name: str | None = None) -> Path:
    """Save an agent in a folder for others: its configuration, its weights without the optimiser's state, a model card, and, where there
    are some, its learning curve, its evaluation and the command that trained it.

    Args:
        agent: as :func:`agents.load` takes it.
        folder: for the copy; it must hold no agent yet.
        name: in the model card; default: the folder's path.

    Returns:
        The folder. :func:`agents.load` loads it, and it can be uploaded as it is.

    Raises:
        ValueError, FileNotFoundError: as :func:`agents.load`.
        FileExistsError: ``folder`` holds an agent.
    """
    source, target = folder_of(agent), Path(folder)
    config, checkpoint = load_config(source), load_checkpoint(source)
    if (target / CONFIG).exists():
        raise FileExistsError(f"folder: {os.fspath(target)!r} holds an agent; choose another one")
    save_config(target, config)
    save_checkpoint(target, Checkpoint(checkpoint.weights, checkpoint.batch))
    for path in _COPIED:
        if (source / path).is_file():
            (target / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / path, target / path)
    card = model_card(target, config, name or os.fspath(folder))
    write_atomically(target / CARD, lambda path: path.write_text(card, encoding="utf-8"))
    return target


def push(
    agent: str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str = "Upload an agent of gym_causal",
) -> str:
    """Upload an agent to the Hugging Face Hub, as :func:`save` saves it. ``agents.load("hf://user/name")`` then loads it.

    Who uploads is what ``hf auth login`` or the variable ``HF_TOKEN`` says.

    Args:
        agent: as :func:`agents.load` takes it.
        repo_id: "user/name"; it is made if there is no such repository.
        private: whether a new repository is; None: as the account says.
        revision: branch; None: the main one.
        commit_message: of the upload.

    Returns:
        The address of the commit.

    Raises:
        ValueError, FileNotFoundError: as :func:`agents.load`; or ``repo_id`` is no "user/name".
        OSError: what the hub or the network says.
        ExtraNotInstalled: the extra "hub" is missing.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = save(agent, Path(temporary) / "agent", name=f"{hub.PREFIX}{repo_id}")
        return hub.upload(folder, repo_id, private=private, revision=revision, message=commit_message)
