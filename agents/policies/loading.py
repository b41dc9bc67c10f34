"""Where agents are found: in a folder, or by the id of an environment for which one ships with the package."""

from __future__ import annotations

import os
from pathlib import Path

from agents.algorithms.behavioral_cloning import load as load_folder
from agents.policies.sb3 import Agent

SHIPPED = Path(__file__).parents[1] / "pretrained_agents"
"""The folder of the folders of the agents that ship with the package, each named after its environment."""


def folder_of(agent: str | os.PathLike[str]) -> Path:
    """The folder of an agent.

    Args:
        agent: that folder, or the id of an environment.

    Raises:
        ValueError: neither.
    """
    shipped = {path.name: path for path in sorted(SHIPPED.iterdir())} if SHIPPED.is_dir() else {}
    name = os.fspath(agent)
    if name.removeprefix("gym_causal:") in shipped:
        return shipped[name.removeprefix("gym_causal:")]
    if name and Path(name).is_dir():
        return Path(name)
    names = ", ".join(shipped) or "none"
    raise ValueError(f"agent must be a folder or the id of an environment with a pretrained agent ({names}), got {name!r}")


def load(agent: str | os.PathLike[str], *, deterministic: bool = True, seed: int = 0) -> Agent:
    """A trained agent, as a policy.

    Args:
        agent: its folder, or the id of an environment for which a pretrained agent ships with the package.
        deterministic: take the likeliest action; False: draw it.
        seed: of these draws, >= 0.

    Raises:
        ValueError: there is no such agent, or its files are damaged.
        FileNotFoundError: the folder holds none.
    """
    return load_folder(folder_of(agent), deterministic=deterministic, seed=seed)
