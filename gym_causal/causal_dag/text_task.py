"""The causal DAG task in words: the same episodes, explanations and expert as in ``CausalDAG-v0``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gym_causal.arguments import check_integer, check_names, check_one_of
from gym_causal.causal_dag.actions import action_value, action_variable, legal_actions, num_actions
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.explanation_text import Wording, describe, describe_reasoning, effect, shown
from gym_causal.causal_dag.explanations import PROPERTIES, REWARD, Facts
from gym_causal.causal_dag.reasoning import REASONING
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.task import Infos, Observations, constant
from gym_causal.core.text import TextTask, check_observation, listed, sentence_table
from gym_causal.scm import MAX_VARIABLES, VALUE_LIMIT, variable_names

OUTCOMES = ("values", "changes", "effects")
"""What the argument ``outcomes`` accepts."""
TARGET_REASONING = ("direct", "comparisons")
"""What the argument ``target_reasoning`` accepts."""


@dataclass(frozen=True, kw_only=True)
class CausalDAGTextConfig(CausalDAGConfig):
    """Arguments of ``CausalDAGText-v0``: those of ``CausalDAG-v0``, of which ``explain`` is "outcome" by default, and these.

    Args:
        variable_names: what the variables are called in words, N different ones of A to ZZ, in the order of the actions; None: the first N.
            A ``held_out_link`` is then given by these names, and by default that from the fourth variable to the fifth.
        observation: "text", or "symbolic": the observations of ``CausalDAG-v0``.
        decimals: of the numbers in observations, 0 to 6.
        outcomes: what is shown of the variables. "values": their values before and after an intervention. "changes": by how much each has
            changed, and no values, so that nobody has to subtract. "effects": likewise, but the change of each other variable is in a
            statement of its own, which also names the one that was set.
        target_reasoning: how the reasoning in words comes to its choice. "direct": it lists how much each variable moved the goal.
            "comparisons": it also compares each with the one that moved the goal most so far, and says at last which one did. Facts and
            tokens are the same with each.
    """

    variable_names: Sequence[str] | None = None
    observation: str = "text"
    explain: str = "outcome"
    decimals: int = 1
    outcomes: str = "values"
    target_reasoning: str = "direct"

    def __post_init__(self) -> None:
        check_names("variable_names", self.variable_names, tuple(variable_names(MAX_VARIABLES)), self.num_variables, words="A to ZZ")
        super().__post_init__()
        check_observation(self.observation)
        check_integer("decimals", self.decimals, 0, 6)
        check_one_of("outcomes", self.outcomes, OUTCOMES)
        check_one_of("target_reasoning", self.target_reasoning, TARGET_REASONING)

    @property
    def names(self) -> list[str]:
        return super().names if self.variable_names is None else list(self.variable_names)

    @property
    def wording(self) -> Wording:
        # Changes are written as outcomes show them, where they do.
        decimals = None if self.outcomes == "values" else self.decimals
        return Wording(decimals, compares=self.target_reasoning == "comparisons", as_effects=self.outcomes == "effects")


class CausalDAGTextTask(TextTask, CausalDAGTask):
    """``CausalDAGText-v0`` for ``num_envs`` rows; see :class:`gym_causal.causal_dag.env.CausalDAGTextEnv`."""

    config: CausalDAGTextConfig

    def __init__(self, config: CausalDAGTextConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.set_observation_space(config.observation, self.observation_space, _max_length(config))
        actions, num_variables = np.arange(num_actions(config.num_variables)), config.num_variables
        variables, values = action_variable(actions, num_variables), action_value(actions, num_variables, config.intervention_value)
        pairs = zip(variables.tolist(), values.tolist(), strict=True)
        self.sentences = tuple(f"I set {config.names[variable]} to {value:+g}" for variable, value in pairs)
        self.instructions = _instructions(config)
        self._explained: CausalDAGTask | None = None  # plays the same episodes with all explanations, once they are asked for
        self._begun: tuple[Any, ...] = ()

    def seed(self, *args: Any, **kwargs: Any) -> None:
        super().seed(*args, **kwargs)
        self._seeded, self._explained = (args, kwargs), None

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        super().begin(rows, episodes, options)
        self._begun = rows.copy(), episodes.copy(), options
        self._explained_trials = -1  # none of these episodes

    def symbolic_observations(self) -> Observations:
        return CausalDAGTask.observations(self)

    # --- words -----------------------------------------------------------------------------------------------------------

    def prompt_texts(self) -> np.ndarray:
        observation, texts = self._present.observation, constant(self.num_envs, "")
        trial, phase = self._trial, self.phase
        if trial == self.config.trials:
            return texts
        if phase is Phase.EXPLORATION:
            heading = f"Experiment {trial + 1} of {self.config.exploration_trials}."
        else:
            heading = f"Choice {trial + 1 - self.config.exploration_trials} of {self.config.num_exploitation_trials}."
        columns = zip(observation["goal"].tolist(), observation["initial_values"].tolist(), strict=True)
        for row, (goal, values) in enumerate(columns):
            aim = "" if phase is Phase.EXPLORATION else f" My goal is to make {self._names[goal]} large, and I may not set it."
            present = f" The values are {self._values(values)}." if self.config.outcomes == "values" else ""
            texts[row] = f"{'' if trial == 0 else _BLANK}{heading}{aim}{present}\n"
        return texts

    def outcome_texts(self) -> np.ndarray:
        observation, texts = self._present.observation, constant(self.num_envs, "")
        if self._trial == 0:
            return texts
        was_set = (observation["last_intervention"] != 0).sum(axis=1).tolist()
        is_paid = self.config.phase(self._trial - 1) is Phase.EXPLOITATION
        happened, shown_values = "were", observation["last_outcome"]
        if self.config.outcomes != "values":
            happened, shown_values = "had changed by", shown_values - observation["last_initial_values"]
        columns = (was_set, observation["goal"].tolist(), observation["last_outcome"].tolist(), shown_values.tolist())
        for row, (legal, goal, values, to_show) in enumerate(zip(*columns, strict=True)):
            paid = f" I was paid {self._number(values[goal])}." if is_paid else ""
            if legal and self.config.outcomes == "effects":
                seen = self._effects(observation["last_intervention"][row], to_show)
            else:
                seen = f"Then the values {happened} {self._values(to_show)}"
            texts[row] = f"{'' if legal else _NOT_POSSIBLE}.\n{seen}.{paid}\n"
        return texts

    def _effects(self, intervention: np.ndarray, changes: list[float]) -> str:
        """What an intervention (N,), the value of one variable and 0 of the others, did to these; their changes (N,)."""
        (target,) = np.flatnonzero(intervention)
        name, value = self._names[target], float(intervention[target])
        others = [(other, change) for other, change in zip(self._names, changes, strict=True) if other != name]
        return listed([effect(name, value, other, self._number(change)) for other, change in others])

    def _values(self, values: list[float]) -> str:
        return listed([f"{name} {self._number(value)}" for name, value in zip(self._names, values, strict=True)])

    def _number(self, value: float) -> str:
        return shown(value, self.config.decimals)

    def admissible_actions(self) -> np.ndarray:
        return self._admissible[self._present.observation["goal"]]

    @cached_property
    def _admissible(self) -> np.ndarray:
        """(N + 1,) object; the sentences of the legal actions by goal, at last those without one."""
        num_variables = self.config.num_variables
        return sentence_table(self.sentences, legal_actions(np.arange(num_variables + 1), num_variables))

    # --- explanations ----------------------------------------------------------------------------------------------------

    def infos(self, *, text: bool) -> Infos:
        return {**super().infos(text=text), **self.text_infos()}

    def reasoning_texts(self) -> np.ndarray:
        facts, texts = self._all_facts(), constant(self.num_envs, "")
        if REASONING in str(facts["kind"][0]).split("+"):  # the same in all rows, which are in the same trial
            for row in range(self.num_envs):
                texts[row] = describe_reasoning(facts, row, self._names, self.config.wording)
        return texts

    def outcome_explanations(self) -> np.ndarray:
        facts, texts = self._all_facts(), constant(self.num_envs, "")
        kind = str(facts["kind"][0]).split("+", maxsplit=1)[0]
        if kind in (PROPERTIES, REWARD):
            for row in range(self.num_envs):
                texts[row] = describe(kind, facts, row, self._names)
        return texts

    def _all_facts(self) -> Facts:
        """The facts of all explanations of the present state, whatever the argument ``explain`` is."""
        _ = self._present  # raises before the first episode
        if self._explained is None:
            self._explained = CausalDAGTask(replace(self.config, explain="all", expert_info=False, graph_info=False), self.num_envs)
            args, kwargs = self._seeded
            self._explained.seed(*args, **kwargs)
        if self._explained_trials < 0:
            self._explained.begin(*self._begun)
            self._explained_trials = 0
        for actions in self._actions[self._explained_trials :]:
            self._explained.step(actions)
        self._explained_trials = self._trial
        return self._explained.infos(text=False)["explanation"]


_BLANK = "\n"
_NOT_POSSIBLE = ".\nThat is not possible now"


def _max_length(config: CausalDAGTextConfig) -> int:
    """Of an observation in words: two lists, of values, changes or effects, and what stands around them."""
    longest, largest = max(config.names, key=len), shown(2 * VALUE_LIMIT, config.decimals)
    values = sum(len(f"{name} {largest} and ") for name in config.names)
    effects = sum(len(f"{effect(longest, -config.intervention_value, name, largest)} and ") for name in config.names)
    return values + max(values, effects) + 250


def _instructions(config: CausalDAGTextConfig) -> str:
    names, size = config.names, f"{config.intervention_value:g}"
    called = f"from {names[0]} to {names[-1]}" if config.variable_names is None else listed(names)
    return (
        f"There are {config.num_variables} variables, {called}, and some of them influence others. First I "
        f"experiment: I set a variable to +{size} or -{size} and see what becomes of all of them. Then I am told a goal, one of the "
        "variables. I set another one, and am paid the value that the goal then has."
    )
