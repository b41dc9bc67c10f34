"""Everything that a trained agent depends on, as data that ``config.json`` holds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.config.architecture import ArchitectureConfig
from agents.config.ppo import PPOConfig
from agents.config.training import CLONING_ONLY, TrainingConfig
from gym_causal.arguments import check_integer


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """An agent: where it acts, what it is and how it is trained.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    env_id: str = "CausalDAG-v0"
    """Id of the environment."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the env in demonstrations, or in what PPO plays, alone; their split is the env's first one unless this says
    otherwise."""
    seed: int = 0
    """Of the initial weights, of the episodes and of the agent's own random choices."""
    expert: str | None = None
    """Whose actions are cloned, as "module:name" of a policy; None: the task's own expert."""
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    ppo: PPOConfig | None = None
    """How it learns from reward; None: it learns from demonstrations, by behavioral cloning."""
    initial_weights: str | None = None
    """Fingerprint of the network that PPO starts from (agents.algorithms.initial_weights); None: freshly drawn weights."""
    demonstrations: str | None = None
    """Fingerprint of the recorded episodes that it is trained on (agents.data.demonstrations); None: the expert plays new ones."""

    def __post_init__(self) -> None:
        types = {
            "env_id": str,
            "env_kwargs": Mapping,
            "demonstration_kwargs": Mapping,
            "architecture": ArchitectureConfig,
            "training": TrainingConfig,
            "expert": str | None,
            "ppo": PPOConfig | None,
        }
        for name, accepted in types.items():
            if not isinstance(value := getattr(self, name), accepted):
                raise TypeError(f"{name} must be of type {getattr(accepted, '__name__', accepted)}, got {value!r}")
        check_integer("seed", self.seed, 0, 2**32 - 1)
        if "split" in self.env_kwargs:
            raise ValueError(f"env_kwargs must hold no split: an agent is evaluated on several, got {self.env_kwargs['split']!r}")
        if self.ppo is not None:
            self._check_no_cloning()
        elif self.initial_weights is not None:
            raise ValueError("initial_weights must be None unless the agent learns from reward (ppo)")

    def _check_no_cloning(self) -> None:
        """Raise a ValueError for options that mean something in behavioral cloning alone."""
        for name in ("expert", "demonstrations"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name} must be None for an agent that learns from reward (ppo), got {getattr(self, name)!r}")
        defaults = TrainingConfig()
        for name in CLONING_ONLY:
            value, accepted = getattr(self.training, name), getattr(defaults, name)
            if value != accepted:
                raise ValueError(f"training.{name} must be {accepted} for an agent that learns from reward (ppo), got {value}")

    @property
    def masks_actions(self) -> bool:
        """Whether the agent is given action masks when it acts."""
        return self.ppo is not None and self.ppo.action_masks

    @property
    def episodes_per_batch(self) -> int:
        """Episodes that an update of behavioral cloning learns from, or an iteration of PPO plays."""
        return self.training.batch_size if self.ppo is None else self.ppo.num_envs

    @property
    def num_episodes(self) -> int:
        """Episodes that are learned from in all."""
        return self.training.num_batches * self.episodes_per_batch

    def to_json(self) -> dict[str, Any]:
        """Nested dicts of numbers, strings and sequences.

        Raises:
            ValueError: an argument of the env cannot be written to a file.
        """
        shallow = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        document = {
            **shallow,
            "env_kwargs": _jsonable("env_kwargs", self.env_kwargs),
            "demonstration_kwargs": _jsonable("demonstration_kwargs", self.demonstration_kwargs),
            "architecture": dataclasses.asdict(self.architecture),
            "training": dataclasses.asdict(self.training),
        }
        if self.ppo is None:  # files of behavioral cloning are as they were before there was another algorithm
            return {name: value for name, value in document.items() if name not in ("ppo", "initial_weights")}
        return {**document, "ppo": dataclasses.asdict(self.ppo)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AgentConfig:
        """The config of what :meth:`to_json` made. Entries that an older version did not have get their defaults, which are its constants.

        Raises:
            TypeError: unknown entries.
            KeyError: the architecture or training is missing.
            ValueError: values out of range.
        """
        document = dict(document)
        architecture, training = ArchitectureConfig(**document.pop("architecture")), TrainingConfig(**document.pop("training"))
        ppo = document.pop("ppo", None)
        return cls(architecture=architecture, training=training, ppo=None if ppo is None else PPOConfig(**ppo), **document)

    def differences(self, other: AgentConfig) -> list[str]:
        """The entries in which two configs differ, as "training.num_batches was 12 and is 13"; ``other`` is the newer one."""
        # A file has lists where a config may have tuples.
        before, now = (flat_entries(json.loads(json.dumps(config.to_json()))) for config in (self, other))
        differ = [key for key in before | now if before.get(key) != now.get(key)]
        return [f"{key} was {_shortened(before.get(key))} and is {_shortened(now.get(key))}" for key in differ]


def _shortened(value: Any) -> str:
    """A value in a message: whole causal models are too long for one."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def flat_entries(document: dict[str, Any]) -> dict[str, Any]:
    """Entries of nested dicts, to one level, as "training.num_batches"."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat.update({f"{key}.{inner}": x for inner, x in value.items()} if isinstance(value, dict) else {key: value})
    return flat


def _jsonable(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments of an env for a JSON file: an object with ``to_dict`` as that dict, a function as "module:name"."""
    written: dict[str, Any] = {}
    for key, value in kwargs.items():
        if hasattr(value, "to_dict"):
            value = value.to_dict()
        elif callable(value):
            value = _reference(f"{name}[{key!r}]", value)
        try:
            json.dumps(value)
        except TypeError as error:
            raise ValueError(f"{name}[{key!r}] must be something that JSON can hold, got {value!r}") from error
        written[key] = value
    return written


def _reference(name: str, function: Any) -> str:
    """ "module:name" of a function or class that can be imported."""
    qualified = getattr(function, "__qualname__", "<")
    if not qualified.isidentifier() or function.__module__ == "__main__":
        raise ValueError(f"{name} must be importable to be written to a file (a function at the top of a module), got {function!r}")
    return f"{function.__module__}:{qualified}"
