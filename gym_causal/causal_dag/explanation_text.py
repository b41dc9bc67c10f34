"""Explanations in words."""

from __future__ import annotations

from dataclasses import dataclass

from gym_causal.causal_dag.evidence import Finding
from gym_causal.causal_dag.explanations import PROPERTIES, REWARD, Facts
from gym_causal.causal_dag.reasoning import Reason
from gym_causal.core.text import listed


def describe(kind: str, facts: Facts, row: int, names: list[str]) -> str:
    """What one row of ``facts`` states about the last trial, in words; "" when there is nothing."""
    if kind == PROPERTIES:
        return _describe_experiment(facts, row, names)
    return _describe_choice(facts, row, names) if kind == REWARD else ""


def _describe_experiment(facts: Facts, row: int, names: list[str]) -> str:
    target = int(facts["do_target"][row])
    moved, still = [], []
    columns = (facts[key][row].tolist() for key in ("effects", "direct", "through"))
    for variable, (effect, direct, mediator) in enumerate(zip(*columns, strict=True)):
        if variable == target:
            continue
        if effect:
            moved.append(f"moves {names[variable]} by {_size(effect)}{_path(direct, mediator, names)}")
        else:
            still.append(names[variable])
    if still:
        moved.append(f"does not move {listed(still, 'or')}")
    return f"Setting {names[target]} to {_size(float(facts['do_value'][row]))} {listed(moved, 'and', comma=True)}."


def _describe_choice(facts: Facts, row: int, names: list[str]) -> str:
    goal, best = names[facts["goal_variable"][row]], int(facts["best_target"][row])
    if not facts["allowed"][row]:
        verdict = f"Not allowed: {goal} is the goal itself, nothing was set;"
    else:
        verdict = "Optimal:" if facts["optimal"][row] else "Not optimal:"
    if best < 0:
        return f"{verdict} nothing that may be set raises {goal}."
    path = _path(bool(facts["best_direct"][row]), int(facts["best_through"][row]), names)
    value, effect = float(facts["best_value"][row]), float(facts["best_effect"][row])
    return f"{verdict} setting {names[best]} to {_size(value)} moves {goal} most, by {_size(effect)}{path}."


@dataclass(frozen=True)
class Wording:
    """How reasoning is put into words.

    Attributes:
        decimals: of numbers; None: one, and more where a small number needs them to differ from 0.
        compares: whether the goal's changes are also compared with each other, by absolute size, before the intention.
        as_effects: whether the changes that are compared are stated as effects of what was set.
    """

    decimals: int | None = None
    compares: bool = False
    as_effects: bool = False

    def number(self, value: float) -> str:
        """A number with its sign."""
        return _size(value) if self.decimals is None else shown(value, self.decimals)


def describe_reasoning(facts: Facts, row: int, names: list[str], wording: Wording) -> str:
    """The reasoning of one row of ``facts`` in words: its belief, intention and target, as far as they are given."""
    sentences = _describe_belief(facts, row, names, wording)
    reason, target_goal = int(facts["reason"][row]), int(facts["target_goal"][row])
    if reason >= 0:
        intended, value = names[facts["intended_target"][row]], float(facts["intended_value"][row])
        sentences.append(f"I set {intended} to {_size(value)}{_REASONS[Reason(reason)]}.")
    if target_goal >= 0:
        expected, change = Finding(facts["expected"][row]), float(facts["expected_change"][row])
        sentences.append(_describe_target(names[target_goal], expected, change, wording))
    return " ".join(sentences)


_REASONS = {
    Reason.NOT_TRIED: ": I have not set it yet",
    Reason.CUED_AND_NOT_TRIED: ": it is cued and I have not set it yet",
    Reason.ANY: ": any will do",
    Reason.MOVED_MOST: ": its experiment moved the goal most",
    Reason.NOT_MOVED_MOST: ", though its experiment did not move the goal most",
    Reason.NOT_CUED: ", though it is not cued",
}


def _describe_belief(facts: Facts, row: int, names: list[str], wording: Wording) -> list[str]:
    """What was observed of each variable, in a few sentences; none where it is not given."""
    not_cued, not_tried, tried, goal, moved = [], [], [], "", []
    columns = (facts[key][row].tolist() for key in ("finding", "tried_value", "observed_change"))
    for name, finding, value, change in zip(names, *columns, strict=True):
        if finding == Finding.NOT_CUED:
            not_cued.append(name)
        elif finding == Finding.NOT_TRIED:
            not_tried.append(name)
        elif finding == Finding.TRIED:
            tried.append(f"{name} to {_size(value)}")
        elif finding == Finding.IS_GOAL:
            goal = name
        elif finding >= Finding.MOVED_DOWN:
            moved.append((name, value, change))
    return [
        *([f"Not cued: {listed(not_cued, 'and')}."] if not_cued else []),
        *([f"The goal is {goal}."] if goal else []),
        *((_compare_changes if wording.compares else _list_changes)(goal, moved, wording) if moved else []),
        *([f"I have set {listed(tried, 'and')}."] if tried else []),
        *([f"I have not set {listed(not_tried, 'or')}."] if not_tried else []),
    ]


_Experiment = tuple[str, float, float]  # the name of the variable that was set, the value, and the change of the goal


def _list_changes(goal: str, experiments: list[_Experiment], wording: Wording) -> list[str]:
    changes = [
        f"{f'by {wording.number(change)}' if change else 'not at all'} when I set {name} to {_size(value)}"
        for name, value, change in experiments
    ]
    return [f"{goal} moved {listed(changes, 'and', comma=True)}."]


def _compare_changes(goal: str, experiments: list[_Experiment], wording: Wording) -> list[str]:
    """A sentence for each experiment, which compares it with the one that moved the goal most so far; at last which one that is."""
    sentences = []
    most, largest = "", 0.0
    for name, value, change in experiments:
        comparison = f", {_relation(wording.number(change), wording.number(largest))} {most}" if most else ""
        # The words are those of outcomes, so that a reader can find them there.
        number = wording.number(change)
        seen = effect(name, value, goal, number) if wording.as_effects else f"Set {name} to {_size(value)}: {goal} {number}"
        sentences.append(f"{seen}{comparison}.")
        if not most or abs(change) > abs(largest):
            most, largest = name, change
    return [*sentences, f"So {most} moved {goal} most."]


def effect(name: str, value: float, other: str, change: str) -> str:
    """The statement that a variable that was set to a value moved another one."""
    return f"{name} at {_size(value)} moved {other} by {change}"


def _relation(change: str, other: str) -> str:
    """How the absolute sizes of two numbers compare, as they are written."""
    size, other_size = abs(float(change)), abs(float(other))
    if size == other_size:
        return "as much as"
    return "more than" if size > other_size else "less than"


def _describe_target(goal: str, expected: Finding, change: float, wording: Wording) -> str:
    if expected == Finding.NOT_CUED:
        return f"No experiment with it tells anything about {goal}."
    if expected == Finding.NOT_TRIED:
        return f"No experiment has shown what that does to {goal}."
    return (
        f"By its experiment, that moves {goal} by {wording.number(change)}." if change else f"By its experiment, that does not move {goal}."
    )


def shown(value: float, decimals: int) -> str:
    """A number with its sign and so many decimals, never "-0"."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"


def _size(value: float) -> str:
    """Signed, with one decimal, or with as many as a small value needs to differ from 0."""
    rounded = f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.1g}"
    return rounded.removesuffix(".0")


def _path(direct: bool, mediator: int, names: list[str]) -> str:
    if mediator < 0:
        return ", directly" if direct else ""
    return f", directly and through {names[mediator]}" if direct else f", through {names[mediator]}"
