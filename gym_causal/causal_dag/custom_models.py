"""One's own structural causal models in place of the generator's: the env argument ``models``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gym_causal.scm import StructuralCausalModels

ModelsArgument = StructuralCausalModels | dict[str, Any] | Callable[[np.random.Generator, int], StructuralCausalModels] | str
"""What ``models`` accepts: models, their ``to_dict()``, a function ``(rng, count) -> models``, or its name "module:function"."""

ACCEPTED = "StructuralCausalModels, their to_dict(), a function (rng, count) -> StructuralCausalModels, or its name 'module:function'"


class ModelSampler(Protocol):
    """Draws the model of each episode."""

    def __call__(self, rng: np.random.Generator, count: int) -> StructuralCausalModels: ...


@dataclass(frozen=True)
class FixedModels:
    """Draws from a given batch of models, uniformly and with replacement."""

    models: StructuralCausalModels

    def __call__(self, rng: np.random.Generator, count: int) -> StructuralCausalModels:
        return self.models[rng.integers(len(self.models), size=count)]


@dataclass(frozen=True)
class SampledModels:
    """Draws with a function of the user's, and checks what it returns."""

    function: Callable[[np.random.Generator, int], Any]
    num_variables: int

    def __call__(self, rng: np.random.Generator, count: int) -> StructuralCausalModels:
        models = self.function(rng, count)
        if not isinstance(models, StructuralCausalModels):
            raise TypeError(f"models: the function must return StructuralCausalModels, got {models!r}")
        if len(models) != count:
            raise ValueError(f"models: the function must return the {count} models it was asked for, got {len(models)}")
        check_num_variables(models, self.num_variables)
        return models


def model_sampler(models: ModelsArgument, num_variables: int) -> ModelSampler:
    """The sampler that a ``models`` argument stands for.

    Args:
        models: see :data:`ModelsArgument`.
        num_variables: N of the env; the models must have as many.

    Raises:
        TypeError: ``models`` is none of these.
        ValueError: an empty batch, another number of variables, a bad dict, or a name that is not "module:function".
        ImportError: the module of a name cannot be imported.
    """
    if isinstance(models, str):
        return SampledModels(_imported(models), num_variables)
    if isinstance(models, dict):
        models = StructuralCausalModels.from_dict(models)
    if isinstance(models, StructuralCausalModels):
        if not len(models):
            raise ValueError("models must hold at least one model, got none")
        check_num_variables(models, num_variables)
        return FixedModels(models)
    if callable(models):
        return SampledModels(models, num_variables)
    raise TypeError(f"models must be {ACCEPTED}, got {models!r}")


def check_num_variables(models: StructuralCausalModels, num_variables: int) -> None:
    """ValueError unless the models have as many variables as the env."""
    if models.num_variables != num_variables:
        raise ValueError(f"models must have num_variables={num_variables} variables, as the env has, got {models.num_variables}")


def _imported(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"models: a name must be 'module:function', got {name!r}")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise ImportError(f"models: {name!r} cannot be imported: {error}", name=error.name) from error
    if not callable(found):
        raise ValueError(f"models: {module} has no function {function!r}")
    return found
