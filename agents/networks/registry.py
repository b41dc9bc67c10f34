"""Which network reads the observations of an environment; :mod:`agents.config.agent` names them."""

from __future__ import annotations

from gymnasium import spaces

from agents.config.agent import CAUSAL_DAG_KINDS, ROOM_KINDS, ArchitectureConfig
from agents.networks import causal_dag
from agents.networks import odd_one_out as rooms
from agents.networks.base import Network

__all__ = ["Network", "network"]


def network(config: ArchitectureConfig, observation_space: spaces.Dict, action_space: spaces.Discrete) -> Network:
    """The network of a configuration for an environment, with freshly drawn weights.

    Raises:
        ValueError: the environment is none that this kind of network can read.
    """
    for build, kinds, what in (
        (causal_dag.build, CAUSAL_DAG_KINDS, "a causal DAG environment"),
        (rooms.build, ROOM_KINDS, "an odd-one-out environment"),
    ):
        if config.kind in kinds:
            found = build(config, observation_space, action_space)
            if found is None:
                observed = ", ".join(observation_space.spaces)
                raise ValueError(f"env_id must be that of {what} for an agent of kind {config.kind!r}, got one that observes {observed}")
            return found
    raise AssertionError(config.kind)
