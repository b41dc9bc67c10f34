"""Splits: which (model, goal) pairs a condition admits.

The talk holds one causal link out of training, D -> E, and evaluates on it in two ways; the exact conditions are our choice
(docs/sources.md). In all of them, "optimal" is the intervention with the highest noise-free value of the goal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gym_causal.causal_dag.optimum import Optimum
from gym_causal.scm import StructuralCausalModels


@dataclass(frozen=True)
class HeldOutLink:
    """The causal link that training never shows."""

    cause: int
    effect: int
    intervention_value: float  # an action sets a variable to plus or minus this
    min_effect: float  # noise-free value of the effect that setting the cause well must reach in the evaluation splits


def _any_model(models: StructuralCausalModels, link: HeldOutLink) -> np.ndarray:
    return np.ones(len(models), bool)


def _link_absent(models: StructuralCausalModels, link: HeldOutLink) -> np.ndarray:
    return ~models.is_ancestor(link.cause, link.effect)


def _link_strong(models: StructuralCausalModels, link: HeldOutLink) -> tuple[np.ndarray, np.ndarray]:
    """(B,) whether the cause is an important ancestor of the effect, and (B,) the variable that is best to set."""
    reached = models.is_ancestor(link.cause, link.effect)
    strong, best = np.zeros(len(models), bool), np.full(len(models), -1)
    # Outcomes under every intervention are the costly part: only for models that can qualify at all.
    candidates = np.nonzero(reached)[0]
    if candidates.size:
        goals = np.full(candidates.size, link.effect)
        values = Optimum.of(models[candidates], goals, link.intervention_value).value_by_variable  # (C, N)
        strong[candidates] = values[:, link.cause] >= link.min_effect
        best[candidates] = values.argmax(axis=1)
    return strong, best


def _cause_is_best(models: StructuralCausalModels, link: HeldOutLink) -> np.ndarray:
    strong, best = _link_strong(models, link)
    return strong & (best == link.cause)


def _ancestor_of_cause_is_best(models: StructuralCausalModels, link: HeldOutLink) -> np.ndarray:
    strong, best = _link_strong(models, link)
    admitted = np.nonzero(strong & (best != link.cause))[0]
    result = np.zeros(len(models), bool)
    if admitted.size:
        result[admitted] = models[admitted].is_ancestor(best[admitted], link.cause)
    return result


@dataclass(frozen=True)
class Split:
    """A condition that episodes are drawn under."""

    description: str
    admits: Callable[[StructuralCausalModels, HeldOutLink], np.ndarray]  # -> (B,) bool
    acceptance: float  # roughly, with the default arguments: how many models to draw at first is guessed from it
    held_out: bool = False  # an evaluation of the held-out link: the goal is its effect, cues come from the held-out subsets
    restricts_cues: bool = True  # whether cues come from the subsets of training, or of evaluation, alone


SPLITS: dict[str, Split] = {
    "train": Split("the held-out cause is never an ancestor of the held-out effect", _link_absent, 0.75),
    "eval_target": Split("the goal is the held-out effect and setting the held-out cause is optimal", _cause_is_best, 0.24, held_out=True),
    "eval_path": Split(
        "the goal is the held-out effect, the held-out cause moves it strongly, but setting one of the cause's ancestors is optimal",
        _ancestor_of_cause_is_best,
        0.045,
        held_out=True,
    ),
    "unrestricted": Split("any model, any goal", _any_model, 1.0, restricts_cues=False),
}
