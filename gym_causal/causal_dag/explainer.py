"""Puts the explanation of each state together: what the last trial did, and the expert's reasoning about the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gym_causal.causal_dag import reasoning
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.episode_batch import EpisodeBatch
from gym_causal.causal_dag.evidence import Evidence, Experiments
from gym_causal.causal_dag.explanation_modes import joined
from gym_causal.causal_dag.explanation_text import describe, describe_reasoning
from gym_causal.causal_dag.explanations import NONE, Facts
from gym_causal.causal_dag.trials import explained_kind
from gym_causal.core.task import Observations, constant


class Explainer:
    """The explanations of the episodes that B rows play.

    Args:
        config: the task's arguments.
        num_envs: B.
    """

    def __init__(self, config: CausalDAGConfig, num_envs: int) -> None:
        self.config, self.num_envs, self._names = config, num_envs, config.names
        self._gives_reasoning = config.reasoning_part is not None
        # By the number of trials played: the kinds of what is stated about the last trial, and of the reasoning about the next.
        self._statement_kinds = [NONE, *(explained_kind(config, trial) for trial in range(config.trials))]
        self._reasoning_kinds = [_reasoning_kind(config, trial) for trial in range(config.trials + 1)]
        self._kinds = [joined(*kinds) for kinds in zip(self._statement_kinds, self._reasoning_kinds, strict=True)]
        self._experiments: Experiments  # of the episodes being played; only where there is reasoning

    def begin(self) -> None:
        """All rows begin an episode."""
        if self._gives_reasoning:
            self._experiments = Experiments(self.num_envs, self.config.num_variables)

    def record(self, observations: Observations) -> None:
        """All rows have played a trial, and observe (B, ...) this."""
        if self._gives_reasoning:
            self._experiments.record(observations)

    def explain(
        self, played: int, statement: Facts, episodes: EpisodeBatch, now: slice, expert_actions: Callable[[], np.ndarray]
    ) -> dict[str, Any]:
        """The explanation of the present state, without its text.

        Args:
            played: how many trials were played.
            statement: about the last trial, (B, ...) each; empty where no trial is ever explained.
            episodes: that hold those of the B rows.
            now: which ones these are.
            expert_actions: gives the expert's (B,) actions in the present state; called where there is reasoning.
        """
        explanation: dict[str, Any] = {"kind": constant(self.num_envs, self._kinds[played]), **statement}
        if self._gives_reasoning:
            facts = self._reasoning(played, episodes, now, expert_actions)
            if "tokens" in statement:
                facts["tokens"] = np.concatenate([statement["tokens"], facts["tokens"]], axis=1)
            explanation.update(facts)
        return explanation

    def _reasoning(self, played: int, episodes: EpisodeBatch, now: slice, expert_actions: Callable[[], np.ndarray]) -> Facts:
        config = self.config
        if config.reasoning_part is None or self._reasoning_kinds[played] == NONE:
            return reasoning.with_tokens(self.num_envs, config.num_variables, {})
        goals = None if config.phase(played) is Phase.EXPLORATION else episodes.goals[now]
        return reasoning.reasoning_facts(
            config.reasoning_part,
            Evidence.of(self._experiments, episodes.relevant[now], goals),
            expert_actions(),
            float(config.intervention_value),
            explores_at_random=config.expert_exploration == "random",
            has_cue=config.cues is not None,
        )

    def describe(self, played: int, explanation: dict[str, Any], row: int) -> str:
        """The explanation of a row in words; "" if it is empty."""
        words = [describe(self._statement_kinds[played], explanation, row, self._names)]
        if self._reasoning_kinds[played] != NONE:
            words.append(describe_reasoning(explanation, row, self._names, self.config.wording))
        return " ".join(filter(None, words))


def _reasoning_kind(config: CausalDAGConfig, trial: int) -> str:
    """The kind of the reasoning about a trial; "none" about the trial after the last one."""
    is_over, has_goal = trial == config.trials, config.phase(trial) is Phase.EXPLOITATION
    if config.reasoning_part is None or is_over or (config.reasoning_part == reasoning.TARGET and not has_goal):
        return NONE
    return config.reasoning_part
