"""Explanations of an experiment and of a choice: data first, then token ids and words.

*Property* explanations say, in exploration, what an intervention did to every variable; sizes are counterfactual (the same exogenous
noise with and without it). *Reward* explanations say, in exploitation, whether the choice was optimal and what would have been;
their sizes are noise-free, as the optimum is defined. Facts are plain arrays with fixed shapes: -1 stands for "no variable" and 0 or
False for "nothing to say".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from gym_causal.causal_dag.expert import Optimum
from gym_causal.scm import StructuralCausalModels, variable_names

Facts = dict[str, np.ndarray]

_WORDS = ("", "set", "optimal", "not optimal", "not allowed", "+", "-", "moves up", "moves down", "does not move", "directly", "nothing")
_PAD, _SET, _OPTIMAL, _NOT_OPTIMAL, _NOT_ALLOWED, _PLUS, _MINUS, _UP, _DOWN, _STILL, _DIRECTLY, _NOTHING = range(len(_WORDS))
_MOVES = np.array([_STILL, _UP, _DOWN], np.int16)  # by the sign of an effect: 0, 1, -1
_SIZES = ("by <0.5", "by 0.5-1", "by 1-2", "by 2-4", "by 4-8", "by >=8")
_FIRST_SIZE = len(_WORDS)
_FIRST_VARIABLE = _FIRST_SIZE + len(_SIZES)
_TOKENS_BEFORE, _TOKENS_PER_VARIABLE, _CHOICE_TOKENS = 3, 5, 7


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


def no_facts(count: int, num_variables: int) -> Facts:
    """Facts that say nothing, fresh arrays (count, ...)."""
    return {name: value.copy() for name, value in _nothing(count, num_variables).items()}


@cache
def _nothing(count: int, num_variables: int) -> Facts:
    per_variable = (count, num_variables)
    return {
        "do_target": np.full(count, -1, np.int16),  # the variable that was set
        "do_value": np.zeros(count, np.float32),  # the value it was set to
        "effects": np.zeros(per_variable, np.float32),  # change of every variable because of it
        "direct": np.zeros(per_variable, bool),  # whether there is an edge from do_target to the variable
        "through": np.full(per_variable, -1, np.int16),  # its heaviest direct cause among the descendants of do_target
        "goal": np.full(count, -1, np.int16),
        "optimal": np.full(count, -1, np.int8),  # 1: the choice was optimal, 0: it was not
        "allowed": np.zeros(count, bool),  # False: the choice was the goal itself, nothing was set
        "best_target": np.full(count, -1, np.int16),  # the variable that raises the goal most; -1: none raises it
        "best_value": np.zeros(count, np.float32),  # the value to set it to
        "best_effect": np.zeros(count, np.float32),  # noise-free value of the goal then; without any intervention it is 0
        "best_direct": np.zeros(count, bool),
        "best_through": np.full(count, -1, np.int16),
        "tokens": np.zeros((count, num_tokens(num_variables)), np.int16),
    }


@dataclass(frozen=True)
class Routes:
    """How a change of one variable reaches another, in E models: a matter of the graph, not of the noise."""

    direct: np.ndarray  # (E, N, N) bool; [e, i, j] whether i is a direct cause of j
    through: np.ndarray  # (E, N, N) int16; [e, i, j] the heaviest direct cause of j among the descendants of i, -1 = none

    @classmethod
    def of(cls, models: StructuralCausalModels) -> Routes:
        num_variables, batch = models.order.shape
        # By position, from every source at once: [j, i, e] for position j and source position i.
        reached = np.zeros((num_variables, num_variables, batch), bool)
        direct = np.zeros_like(reached)
        heaviest = np.zeros(reached.shape)
        through = np.full(reached.shape, -1, np.int16)
        source, model = np.arange(num_variables)[:, None], np.arange(batch)
        for j in range(1, num_variables):
            for slot in range(models.causes.shape[1]):
                cause, has_cause = models.causes[j, slot], models.has_cause[j, slot]
                direct[j] |= (source == cause) & has_cause
                carries = reached[cause, source, model] & has_cause
                weight = carries * np.abs(models.cause_weights[j, slot])
                heavier = carries & (weight > heaviest[j])
                np.copyto(through[j], models.order[cause, model].astype(np.int16), where=heavier)
                np.copyto(heaviest[j], weight, where=heavier)
                reached[j] |= carries
            reached[j] |= direct[j]
        by_variable = []
        for field in (direct, through):
            out = np.empty((batch, num_variables, num_variables), field.dtype)
            out[model, models.order[None, :, :], models.order[:, None, :]] = field
            by_variable.append(out)
        return cls(*by_variable)


def experiment_facts(routes: Routes, do_target: np.ndarray, do_value: np.ndarray, effects: np.ndarray) -> Facts:
    """What an intervention did to every variable.

    Args:
        routes: of E models.
        do_target: (E,) int, the variable that was set.
        do_value: (E,) float, the value it was set to.
        effects: (E, N) float32, the change of every variable because of it, in the same noise.
    """
    count, num_variables = effects.shape
    row = np.arange(count)
    facts = no_facts(count, num_variables)
    direct, through = routes.direct[row, do_target], routes.through[row, do_target]
    facts.update(do_target=do_target.astype(np.int16), do_value=do_value.astype(np.float32), effects=effects, direct=direct, through=through)
    tokens = facts["tokens"]
    tokens[:, 0] = _SET
    tokens[:, 1] = _FIRST_VARIABLE + do_target
    tokens[:, 2] = np.where(do_value > 0, _PLUS, _MINUS)
    slots = tokens[:, _TOKENS_BEFORE:].reshape(count, num_variables, _TOKENS_PER_VARIABLE)
    slots[..., 0] = _variable_tokens(num_variables)[:-1]
    sign = np.sign(effects).astype(np.int8)
    slots[..., 1] = _MOVES[sign]
    slots[..., 2] = _size_tokens(effects) * (sign != 0)
    slots[row, do_target, 1:3] = _PAD  # that it moved itself is no finding
    slots[..., 3] = direct * np.int16(_DIRECTLY)
    slots[..., 4] = _variable_tokens(num_variables)[through]
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
    def of(cls, routes: Routes, goals: np.ndarray, optimum: Optimum, intervention_value: float) -> BestChoice:
        num_variables = routes.direct.shape[1]
        action, raises, row = optimum.is_optimal.argmax(axis=1), optimum.best_value > 0, np.arange(len(goals))
        target = action % num_variables
        value = np.where(action < num_variables, intervention_value, -intervention_value)
        return cls(
            target=np.where(raises, target, -1),
            value=raises * value,
            effect=raises * optimum.best_value,
            direct=raises & routes.direct[row, target, goals],
            through=np.where(raises, routes.through[row, target, goals], -1),
        )

    @cached_property
    def tokens(self) -> np.ndarray:
        """(E, 5) int; the intervention, its sign, by how much it moves the goal, ``directly``, and through what."""
        raises = self.target >= 0
        return np.stack(
            [
                np.where(raises, _FIRST_VARIABLE + self.target, _NOTHING),
                raises * np.where(self.value > 0, _PLUS, _MINUS),
                raises * _size_tokens(self.effect),
                self.direct * _DIRECTLY,
                (self.through >= 0) * (_FIRST_VARIABLE + self.through),
            ],
            axis=1,
        )


def choice_facts(best: BestChoice, goals: np.ndarray, optimum: Optimum, actions: np.ndarray) -> Facts:
    """Whether (E,) actions were optimal for (E,) goals, and what was."""
    row = np.arange(len(actions))
    optimal, allowed = optimum.is_optimal[row, actions], optimum.legal[row, actions]
    facts = no_facts(len(actions), optimum.legal.shape[1] // 2)
    facts["goal"][:] = goals
    facts["optimal"][:] = optimal
    facts["allowed"][:] = allowed
    for field in ("target", "value", "effect", "direct", "through"):
        facts[f"best_{field}"][:] = getattr(best, field)
    tokens = facts["tokens"]
    tokens[:, 0] = np.where(optimal, _OPTIMAL, np.where(allowed, _NOT_OPTIMAL, _NOT_ALLOWED))
    tokens[:, 1] = _FIRST_VARIABLE + goals
    tokens[:, 2:_CHOICE_TOKENS] = best.tokens
    return facts


@cache
def _variable_tokens(num_variables: int) -> np.ndarray:
    """(N + 1,) int16; the token of each variable, and padding for variable -1."""
    return np.append(_FIRST_VARIABLE + np.arange(num_variables), _PAD).astype(np.int16)


def _size_tokens(sizes: np.ndarray) -> np.ndarray:
    """The token of each absolute size: the classes are powers of two, so a float's exponent tells (0.5 to 1 has exponent 0)."""
    return _FIRST_SIZE + np.clip(np.frexp(sizes)[1] + 1, 0, len(_SIZES) - 1)


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
