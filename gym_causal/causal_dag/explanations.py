"""Explanations of an experiment and of a choice, as facts and as token ids.

The kind "properties" states, in exploration, what an intervention did to every variable; sizes are counterfactual (the same exogenous
noise with and without it). The kind "reward" states, in exploitation, whether the choice was optimal and which one is; its sizes are
noise-free, as the optimum is defined. Facts are plain arrays with fixed shapes; -1 stands for "no variable", and 0 or False for a fact
that does not apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from gym_causal.causal_dag.actions import action_value, action_variable
from gym_causal.causal_dag.optimum import Optimum
from gym_causal.scm import StructuralCausalModels, variable_names

Facts = dict[str, np.ndarray]

NONE, PROPERTIES, REWARD = "none", "properties", "reward"

_WORDS = ("", "set", "optimal", "not optimal", "not allowed", "+", "-", "moves down", "does not move", "moves up", "directly", "nothing")
_PAD, _SET, _OPTIMAL, _NOT_OPTIMAL, _NOT_ALLOWED, _PLUS, _MINUS, _DOWN, _STILL, _UP, _DIRECTLY, _NOTHING = range(len(_WORDS))
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

    A "properties" explanation is ``set C +`` and then five tokens a variable: its name, how it moves, by how much, ``directly``, and the
    mediator. A "reward" explanation is the verdict, the goal, the best intervention and its sign, by how much, ``directly`` and the
    mediator. What does not apply is padding.
    """
    return _TOKENS_BEFORE + _TOKENS_PER_VARIABLE * num_variables


def is_properties(tokens: np.ndarray) -> np.ndarray:
    """(n,) bool; whether (n, L) tokens are a "properties" explanation."""
    return tokens[:, 0] == _SET


def no_facts(count: int, num_variables: int, **known: np.ndarray) -> Facts:
    """The facts ``known``, and for all others the value that stands for none; fresh arrays (count, ...)."""
    return {name: known[name] if name in known else value.copy() for name, value in _missing_facts(count, num_variables).items()}


@cache
def _missing_facts(count: int, num_variables: int) -> Facts:
    per_variable = (count, num_variables)
    return {
        "do_target": np.full(count, -1, np.int16),  # the variable that was set
        "do_value": np.zeros(count, np.float32),  # the value it was set to
        "effects": np.zeros(per_variable, np.float32),  # change of every variable because of it
        "direct": np.zeros(per_variable, bool),  # whether there is an edge from do_target to the variable
        "through": np.full(per_variable, -1, np.int16),  # mediator: its heaviest direct cause among the descendants of do_target
        "goal_variable": np.full(count, -1, np.int16),
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
class MediatorTable:
    """How one variable causes another in E models: directly, through a mediator, or both. It depends on the graph alone."""

    # (E, N, N) int16; [e, i, j] is 2 * (1 + the heaviest direct cause of j among the descendants of i; 0 for none) + whether i is a
    # direct cause of j. One number, because it is read in every step.
    code: np.ndarray

    @classmethod
    def of(cls, models: StructuralCausalModels) -> MediatorTable:
        num_variables, batch = models.order.shape
        model = np.arange(batch)
        # By position, from every source at once: [j, i, e] for the variable at position j and a source at position i < j.
        reached = np.zeros((num_variables, num_variables, batch), bool)
        code = np.zeros(reached.shape, np.int16)
        for j in range(1, num_variables):
            source = np.arange(j)[:, None]
            heaviest = np.zeros((j, batch))
            direct = np.zeros((j, batch), bool)
            for slot in range(models.causes.shape[1]):
                cause, parent_mask = models.causes[j, slot], models.parent_mask[j, slot]
                direct |= (source == cause) & parent_mask
                is_mediator = reached.reshape(-1).take((cause * num_variables + source) * batch + model)
                is_mediator &= parent_mask
                # Even a weight of 0 is an edge: one more than no mediator.
                weight = is_mediator * (1.0 + np.abs(models.cause_weights[j, slot]))
                mediator = 2 * (1 + models.order.take(models.flat_causes[j, slot])).astype(np.int16)
                np.copyto(code[j, :j], mediator, where=weight > heaviest)
                np.maximum(heaviest, weight, out=heaviest)
                reached[j, :j] |= is_mediator
            reached[j, :j] |= direct
            code[j, :j] += direct
        position = models.positions  # (E, N)
        flat = (position[:, None, :] * num_variables + position[:, :, None]) * batch + model[:, None, None]  # (E, N, N), [e, i, j]
        by_variable = code.reshape(-1).take(flat)
        return cls(by_variable)

    def from_source(self, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From (E,) variables to every variable: (E, N) bool, directly; (E, N) int16, the mediator (a direct cause), -1 = none."""
        episodes, num_variables, _ = self.code.shape
        code = self.code.reshape(-1, num_variables).take(np.arange(episodes) * num_variables + source, axis=0)
        return (code & 1).astype(bool), (code >> 1) - np.int16(1)


def experiment_facts(mediators: MediatorTable, do_target: np.ndarray, do_value: np.ndarray, effects: np.ndarray) -> Facts:
    """What an intervention did to every variable.

    Args:
        mediators: of E models.
        do_target: (E,) int, the variable that was set.
        do_value: (E,) float, the value it was set to.
        effects: (E, N) float32, the change of every variable because of it, in the same noise.
    """
    count, num_variables = effects.shape
    direct, mediator = mediators.from_source(do_target)
    tokens = _experiment_tokens(count, num_variables).copy()
    tokens[:, 1] = variable_tokens(do_target)
    tokens[:, 2] = sign_tokens(do_value)
    slots = tokens[:, _TOKENS_BEFORE:].reshape(count, num_variables, _TOKENS_PER_VARIABLE)
    sign = np.sign(effects).astype(np.int16)
    slots[..., 1] = _STILL + sign
    slots[..., 2] = size_tokens(effects) * (sign != 0)
    slots[..., 3] = direct * np.int16(_DIRECTLY)
    slots[..., 4] = (mediator >= 0) * (mediator + np.int16(_FIRST_VARIABLE))
    # That the variable that was set moved is no finding.
    own = np.arange(count) * tokens.shape[1] + _TOKENS_BEFORE + _TOKENS_PER_VARIABLE * do_target
    for slot in (1, 2):
        tokens.reshape(-1)[own + slot] = _PAD
    return no_facts(
        count,
        num_variables,
        do_target=do_target.astype(np.int16),
        do_value=do_value.astype(np.float32),
        effects=effects,
        direct=direct,
        through=mediator,
        tokens=tokens,
    )


@cache
def _experiment_tokens(count: int, num_variables: int) -> np.ndarray:
    """(count, L) int16; the tokens that all "properties" explanations share."""
    tokens = np.zeros((count, num_tokens(num_variables)), np.int16)
    tokens[:, 0] = _SET
    tokens[:, _TOKENS_BEFORE::_TOKENS_PER_VARIABLE] = _FIRST_VARIABLE + np.arange(num_variables)
    return tokens


def best_choice_facts(mediators: MediatorTable, goals: np.ndarray, optimum: Optimum, intervention_value: float) -> Facts:
    """The intervention that raises each of (E,) goals most; the part of a "reward" explanation that does not depend on the choice."""
    count, num_variables, row = len(goals), mediators.code.shape[1], np.arange(len(goals))
    action, raises = optimum.is_optimal.argmax(axis=1), optimum.best_value > 0
    target, value = action_variable(action, num_variables), action_value(action, num_variables, intervention_value)
    direct, mediator = (field[row, goals] for field in mediators.from_source(target))
    facts = no_facts(count, num_variables)
    facts["goal_variable"][:] = goals
    facts["best_target"][:] = np.where(raises, target, -1)
    facts["best_value"][:] = raises * value
    facts["best_effect"][:] = raises * optimum.best_value
    facts["best_direct"][:] = raises & direct
    facts["best_through"][:] = np.where(raises, mediator, -1)
    facts["tokens"][:, 1:_CHOICE_TOKENS] = np.stack(
        [
            variable_tokens(goals),
            np.where(raises, variable_tokens(target), _NOTHING),
            raises * sign_tokens(value),
            raises * size_tokens(optimum.best_value),
            (raises & direct) * _DIRECTLY,
            (raises & (mediator >= 0)) * (_FIRST_VARIABLE + mediator),
        ],
        axis=1,
    )
    return facts


def choice_facts(best: Facts, optimum: Optimum, actions: np.ndarray) -> Facts:
    """Whether (E,) actions were optimal, and what was: the facts ``best`` of :func:`best_choice_facts` with the verdict added."""
    chosen = np.arange(len(actions)) * optimum.legal.shape[1] + actions
    optimal, allowed = optimum.is_optimal.reshape(-1).take(chosen), optimum.legal.reshape(-1).take(chosen)
    facts = {name: value.copy() for name, value in best.items()}
    facts["optimal"][:] = optimal
    facts["allowed"][:] = allowed
    facts["tokens"][:, 0] = np.where(optimal, _OPTIMAL, np.where(allowed, _NOT_OPTIMAL, _NOT_ALLOWED))
    return facts


def variable_tokens(variables: np.ndarray) -> np.ndarray:
    """The token of each variable's name."""
    return _FIRST_VARIABLE + variables


def sign_tokens(values: np.ndarray) -> np.ndarray:
    """The token of the sign of each value that a variable is set to, which is not 0."""
    return np.where(values > 0, _PLUS, _MINUS)


def size_tokens(sizes: np.ndarray) -> np.ndarray:
    """The token of each absolute size: the classes are powers of two, so a float's exponent tells (0.5 to 1 has exponent 0)."""
    return np.minimum(np.maximum(np.frexp(sizes)[1], -1), len(_SIZES) - 2) + (_FIRST_SIZE + 1)
