"""Explanations of an experiment and of a choice: data first, then token ids and words.

*Property* explanations say, in exploration, what an intervention did to every variable; sizes are counterfactual (the same exogenous
noise with and without it). *Reward* explanations say, in exploitation, whether the choice was optimal and what would have been;
their sizes are noise-free, as the optimum is defined. Facts are plain arrays with fixed shapes: -1 stands for "no variable" and 0 or
False for "nothing to say".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.causal_dag.expert import Optimum
from gym_causal.scm import StructuralCausalModels, variable_names

Facts = dict[str, np.ndarray]

_WORDS = ("", "set", "optimal", "not optimal", "not allowed", "+", "-", "moves up", "moves down", "does not move", "directly", "nothing")
_PAD, _SET, _OPTIMAL, _NOT_OPTIMAL, _NOT_ALLOWED, _PLUS, _MINUS, _UP, _DOWN, _STILL, _DIRECTLY, _NOTHING = range(len(_WORDS))
_SIZE_EDGES = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
_SIZES = ("by <0.5", "by 0.5-1", "by 1-2", "by 2-4", "by 4-8", "by >=8")
_FIRST_SIZE = len(_WORDS)
_FIRST_VARIABLE = _FIRST_SIZE + len(_SIZES)
_TOKENS_BEFORE, _TOKENS_PER_VARIABLE = 3, 5


def vocabulary(num_variables: int) -> list[str]:
    """Token id -> word; 0 is padding. Token i is the same word for every number of variables, names come last."""
    names = variable_names(num_variables)
    return [*_WORDS, *_SIZES, *names]


def num_tokens(num_variables: int) -> int:
    """L; the length of ``tokens``.

    A property explanation is ``set C +`` and then five tokens a variable: its name, how it moves, by how much, ``directly``, and the
    variable it is moved through. A reward explanation is the verdict, the goal, the best intervention and its sign, by how much, ``directly``
    and the variable it acts through. What does not apply is padding.
    """
    return _TOKENS_BEFORE + _TOKENS_PER_VARIABLE * num_variables


def no_facts(shape: tuple[int, ...], num_variables: int) -> Facts:
    """Facts that say nothing, fresh arrays of shape (*shape, ...)."""
    per_variable = (*shape, num_variables)
    return {
        "do_target": np.full(shape, -1, np.int16),  # the variable that was set
        "do_value": np.zeros(shape, np.float32),  # the value it was set to
        "effects": np.zeros(per_variable, np.float32),  # change of every variable because of it
        "direct": np.zeros(per_variable, bool),  # whether there is an edge from do_target to the variable
        "through": np.full(per_variable, -1, np.int16),  # the cause, other than do_target, that carries most of the change to it
        "goal": np.full(shape, -1, np.int16),
        "optimal": np.full(shape, -1, np.int8),  # 1: the choice was optimal, 0: it was not
        "allowed": np.zeros(shape, bool),  # False: the choice was the goal itself, nothing was set
        "best_target": np.full(shape, -1, np.int16),  # the variable that raises the goal most; -1: none raises it
        "best_value": np.zeros(shape, np.float32),  # the value to set it to
        "best_effect": np.zeros(shape, np.float32),  # noise-free value of the goal then; without any intervention it is 0
        "best_direct": np.zeros(shape, bool),
        "best_through": np.full(shape, -1, np.int16),
        "tokens": np.zeros((*shape, num_tokens(num_variables)), np.int16),
    }


def experiment_facts(
    models: StructuralCausalModels, do_target: np.ndarray, do_value: np.ndarray, outcomes: np.ndarray, undisturbed: np.ndarray
) -> Facts:
    """What an intervention did to every variable.

    Args:
        models: E models.
        do_target: (E, S) int, the variable set in each of S experiments.
        do_value: (E, S) float, the value it was set to.
        outcomes: (E, S, N) float, the values then.
        undisturbed: (E, S, N) float, the values without it, in the same noise.
    """
    effects = outcomes - undisturbed
    direct, through = _routes(models, effects, do_target)
    facts = no_facts(do_target.shape, models.num_variables)
    facts.update(
        do_target=do_target.astype(np.int16),
        do_value=do_value.astype(np.float32),
        effects=effects.astype(np.float32, order="C"),
        direct=np.ascontiguousarray(direct),
        through=through.astype(np.int16, order="C"),
    )
    tokens = facts["tokens"]
    tokens[..., 0] = _SET
    tokens[..., 1] = _FIRST_VARIABLE + do_target
    tokens[..., 2] = np.where(do_value > 0, _PLUS, _MINUS)
    variables = np.arange(models.num_variables)
    slots = tokens[..., _TOKENS_BEFORE:].reshape(*do_target.shape, models.num_variables, _TOKENS_PER_VARIABLE)
    slots[..., 0] = _FIRST_VARIABLE + variables
    slots[..., 1] = _STILL + (effects > 0) * np.int16(_UP - _STILL) + (effects < 0) * np.int16(_DOWN - _STILL)
    slots[..., 2] = (_FIRST_SIZE + _size_class(effects)) * (effects != 0)
    slots[..., 3] = direct * np.int16(_DIRECTLY)
    slots[..., 4] = np.where(through >= 0, _FIRST_VARIABLE + through, _PAD)
    # The variable that was set is no finding.
    slots[variables == do_target[..., None], 1:] = _PAD
    return facts


@dataclass(frozen=True)
class BestChoice:
    """The intervention that raises the goal most, of E episodes, as facts."""

    target: np.ndarray  # (E,) int; -1: no legal intervention raises the goal
    value: np.ndarray  # (E,) float
    effect: np.ndarray  # (E,) float
    direct: np.ndarray  # (E,) bool
    through: np.ndarray  # (E,) int

    @classmethod
    def of(cls, models: StructuralCausalModels, goals: np.ndarray, optimum: Optimum, intervention_value: float) -> BestChoice:
        action = optimum.is_optimal.argmax(axis=1)
        raises = optimum.best_value > 0
        target = np.where(raises, action % models.num_variables, -1)
        value = np.where(raises, np.where(action < models.num_variables, intervention_value, -intervention_value), 0.0)
        changes = models.total_effect(target, value)  # (E, N)
        direct, through = _routes(models, changes[:, None], target[:, None])
        row = np.arange(len(goals))
        return cls(
            target, value, np.where(raises, optimum.best_value, 0.0), direct[row, 0, goals], np.where(raises, through[row, 0, goals], -1)
        )


def choice_facts(best: BestChoice, goals: np.ndarray, optimum: Optimum, actions: np.ndarray) -> Facts:
    """Whether (E, S) actions were optimal for (E,) goals, and what was."""
    shape, num_variables = actions.shape, optimum.legal.shape[1] // 2
    optimal = np.take_along_axis(optimum.is_optimal, actions, 1)
    allowed = np.take_along_axis(optimum.legal, actions, 1)
    facts = no_facts(shape, num_variables)
    facts["goal"][:] = goals[:, None]
    facts["optimal"][:] = optimal
    facts["allowed"][:] = allowed
    for field in ("target", "value", "effect", "direct", "through"):
        facts[f"best_{field}"][:] = getattr(best, field)[:, None]
    tokens = facts["tokens"]
    tokens[..., 0] = np.where(optimal, _OPTIMAL, np.where(allowed, _NOT_OPTIMAL, _NOT_ALLOWED))
    tokens[..., 1] = _FIRST_VARIABLE + goals[:, None]
    raises = best.target >= 0
    sign = np.where(best.value > 0, _PLUS, _MINUS)
    size = _FIRST_SIZE + _size_class(best.effect)
    through = np.where(best.through >= 0, _FIRST_VARIABLE + best.through, _PAD)
    tokens[..., 2] = np.where(raises, _FIRST_VARIABLE + best.target, _NOTHING)[:, None]
    for slot, token in enumerate((sign, size, best.direct * _DIRECTLY, through), start=3):
        tokens[..., slot] = (token * raises)[:, None]
    return facts


def _routes(models: StructuralCausalModels, changes: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How changes (E, S, N) that began at (E, S) ``source`` reach every variable.

    Returns:
        (E, S, N) bool, whether the source is a direct cause; (E, S, N) int, the direct cause other than the source that carries the
        largest weighted change, -1 = none.
    """
    by_variable = np.ascontiguousarray(changes.T)  # (N, S, E): long vector operations
    num_variables, num_samples, episodes = by_variable.shape
    parents, weights = models.parents.transpose(2, 1, 0), models.parent_weights.transpose(2, 1, 0)  # (P, N, E)
    row = np.arange(num_samples * episodes).reshape(num_samples, episodes)
    direct = np.zeros(by_variable.shape, bool)
    through = np.full(by_variable.shape, -1)
    largest = np.zeros(by_variable.shape)
    for cause, weight in zip(parents[:, :, None, :], weights[:, :, None, :], strict=True):  # (N, 1, E) each
        is_source = cause == source.T
        direct |= is_source & (cause >= 0)
        carried = np.abs(np.take(by_variable, np.maximum(cause, 0) * row.size + row) * weight)
        carried *= ~is_source
        more = carried > largest
        np.copyto(through, np.broadcast_to(cause, through.shape), where=more)
        np.copyto(largest, carried, where=more)
    return direct.T, through.T


def _size_class(sizes: np.ndarray) -> np.ndarray:
    """Which of ``_SIZES`` an absolute size falls into; comparisons beat ``searchsorted`` on so few edges."""
    magnitude = np.abs(sizes)
    classes = np.zeros(magnitude.shape, np.int16)
    for edge in _SIZE_EDGES:
        classes += magnitude >= edge
    return classes


# --- words ---------------------------------------------------------------------------------------------------------------------


def describe(kind: str, facts: dict[str, Any], names: list[str]) -> str:
    """One explanation, the facts of one trial, in words; "" when there is none."""
    if kind == "property":
        return _describe_experiment(facts, names)
    return _describe_choice(facts, names) if kind == "reward" else ""


def _describe_experiment(facts: dict[str, Any], names: list[str]) -> str:
    target = int(facts["do_target"])
    moved, still = [], []
    for variable, (effect, direct, through) in enumerate(
        zip(facts["effects"].tolist(), facts["direct"].tolist(), facts["through"].tolist(), strict=True)
    ):
        if variable == target:
            continue
        if effect == 0:
            still.append(names[variable])
        else:
            moved.append(f"moves {names[variable]} by {_size(effect)}{_route(direct, through, names)}")
    if still:
        moved.append(f"does not move {_listed(still, 'or')}")
    return f"Setting {names[target]} to {_size(float(facts['do_value']))} {_listed(moved, 'and', comma=True)}."


def _describe_choice(facts: dict[str, Any], names: list[str]) -> str:
    goal, best = names[facts["goal"]], int(facts["best_target"])
    if not facts["allowed"]:
        verdict = f"Not allowed: {goal} is the goal itself, nothing was set;"
    else:
        verdict = "Optimal:" if facts["optimal"] else "Not optimal:"
    if best < 0:
        return f"{verdict} nothing that may be set raises {goal}."
    effect, route = float(facts["best_effect"]), _route(bool(facts["best_direct"]), int(facts["best_through"]), names)
    return f"{verdict} setting {names[best]} to {_size(float(facts['best_value']))} moves {goal} most, by {_size(effect)}{route}."


def _size(value: float) -> str:
    """Signed, with one decimal, or as many as a small value needs to be seen."""
    rounded = f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.1g}"
    return rounded.removesuffix(".0")


def _route(direct: bool, through: int, names: list[str]) -> str:
    if through < 0:
        return ", directly" if direct else ""
    return f", directly and through {names[through]}" if direct else f", through {names[through]}"


def _listed(items: list[str], conjunction: str, *, comma: bool = False) -> str:
    """"a", "a or b", "a, b or c"; with ``comma`` also one before the conjunction, for long items."""
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])}{',' if comma else ''} {conjunction} {items[-1]}"
