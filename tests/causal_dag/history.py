"""What reasoning must state, derived a second time: from one row's observations and the expert's action alone, in plain Python."""

from __future__ import annotations

from typing import Any

from gym_causal.scm import variable_names

NAMES = variable_names(40)
FACTS_OF = {
    "belief": ("finding", "was_tried", "tried_value", "observed_change"),
    "intention": ("intended_target", "intended_value", "reason"),
    "target": ("target_goal", "expected", "expected_change"),
}
FINDINGS = ("not cued", "not tried", "tried", "goal", "moved down", "did not move", "moved up")
REASONS = ("not tried", "cued and not tried", "any", "moved most", "not moved most", "not cued")


class History:
    """The observations of an episode so far, as a reader who knows nothing else sees them.

    Args:
        observations: of all states so far, one row: the first is that of reset.
        action: that the expert takes next.
        size: the interventions' absolute value.
        explores_at_random: whether the expert explores at random.
    """

    def __init__(self, observations: list[dict[str, Any]], action: int, size: float, *, explores_at_random: bool = False) -> None:
        now = observations[-1]
        self.num_variables, self.explores_at_random = len(now["initial_values"]), explores_at_random
        self.has_cue = "cue" in now
        self.cue = [bool(cued) for cued in now["cue"]] if self.has_cue else [True] * self.num_variables
        self.goal = int(now["goal"]) if now["phase"] == 1 else None
        self.intended, self.value = action % self.num_variables, size if action < self.num_variables else -size
        self.last_trial = {}  # variable -> the observation of the last trial that set it
        for observation in observations[1:]:
            for variable, value in enumerate(observation["last_intervention"]):
                if value != 0:
                    self.last_trial[variable] = observation

    def tried_value(self, variable: int) -> float:
        return float(self.last_trial[variable]["last_intervention"][variable]) if variable in self.last_trial else 0.0

    def change(self, variable: int) -> float:
        """Of the goal, 0 where none is stated."""
        if self.goal is None or variable == self.goal or not self.cue[variable] or variable not in self.last_trial:
            return 0.0
        trial = self.last_trial[variable]
        return trial["last_outcome"][self.goal] - trial["last_initial_values"][self.goal]

    def finding(self, variable: int) -> str:
        if not self.cue[variable]:
            return "not cued"
        if variable == self.goal:
            return "goal"
        if variable not in self.last_trial:
            return "not tried"
        return "tried" if self.goal is None else direction(self.change(variable))

    @property
    def reason(self) -> str:
        finding, not_tried = self.finding(self.intended), "cued and not tried" if self.has_cue else "not tried"
        if self.goal is None:
            return not_tried if finding == "not tried" and not self.explores_at_random else "any"
        if finding in ("not tried", "not cued"):
            return not_tried if finding == "not tried" else finding
        largest = max(abs(self.change(variable)) for variable in range(self.num_variables))
        return "moved most" if abs(self.change(self.intended)) == largest > 0 else "not moved most"

    @property
    def expected_change(self) -> float:
        same_sign = self.tried_value(self.intended) * self.value > 0
        return self.change(self.intended) if same_sign else -self.change(self.intended)

    @property
    def expected(self) -> str:
        finding = self.finding(self.intended)
        return direction(self.expected_change) if finding not in ("not tried", "not cued") else finding

    def facts(self) -> dict[str, Any]:
        variables = range(self.num_variables)
        facts = {
            "finding": [FINDINGS.index(self.finding(v)) for v in variables],
            "was_tried": [v in self.last_trial for v in variables],
            "tried_value": [self.tried_value(v) for v in variables],
            "observed_change": [self.change(v) for v in variables],
            "intended_target": self.intended,
            "intended_value": self.value,
            "reason": REASONS.index(self.reason),
        }
        if self.goal is None:
            return {**facts, "target_goal": -1, "expected": -1, "expected_change": 0.0}
        return {**facts, "target_goal": self.goal, "expected": FINDINGS.index(self.expected), "expected_change": self.expected_change}

    def words(self) -> dict[str, list[str]]:
        """The tokens of each part, "" for padding."""
        belief = []
        for variable in range(self.num_variables):
            finding = self.finding(variable)
            has_sign = finding in ("tried", "moved down", "did not move", "moved up")
            belief += [sign(self.tried_value(variable)) if has_sign else "", finding, size_class(self.change(variable))]
        target = ["", "", ""] if self.goal is None else [NAMES[self.goal], self.expected, size_class(self.expected_change)]
        return {"belief": belief, "intention": [NAMES[self.intended], sign(self.value), self.reason], "target": target}


def direction(change: float) -> str:
    return "did not move" if change == 0 else "moved up" if change > 0 else "moved down"


def sign(value: float) -> str:
    return "+" if value > 0 else "-"


def size_class(change: float) -> str:
    """By powers of two; "" for none."""
    if change == 0:
        return ""
    bounds = ((0.5, "by <0.5"), (1, "by 0.5-1"), (2, "by 1-2"), (4, "by 2-4"), (8, "by 4-8"), (float("inf"), "by >=8"))
    return next(name for bound, name in bounds if abs(change) < bound)
