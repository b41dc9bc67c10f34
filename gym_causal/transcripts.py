"""Whole games as texts: what a language model is shown as examples, or trained on."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np

from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import Observations
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL, TextTask, labeled
from gym_causal.policies import Policy, Predictor, bind
from gym_causal.rollouts import play, seeded_task


class _Writer:
    """A policy that acts as another one does, and notes what is written before each of its actions.

    Args:
        policy: bound to ``task``.
        task: that it acts in.
        reasoning: whether the expert's reasoning is written before each action.
    """

    def __init__(self, policy: Policy, task: TextTask, *, reasoning: bool) -> None:
        self._policy, self._task, self._reasoning = policy, task, reasoning
        self.texts = np.full(task.num_envs, "", object)  # (B,) of the last action: prompt, reasoning and sentence

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        task = self._task
        self.texts = task.prompt_texts()
        if self._reasoning:
            self.texts += _lines(REASONING_LABEL, task.reasoning_texts())
        actions, state = self._policy(observations, state, episode_starts)
        self.texts += np.array(task.sentences, object)[actions]
        return actions, state


def transcript(
    env_id: str,
    policy: Policy | Predictor | str = "expert",
    *,
    outcome: bool = False,
    reasoning: bool = False,
    num_episodes: int = 1,
    seed: int = 0,
    domain: SeedDomain = SeedDomain.SHOTS,
    **env_kwargs: Any,
) -> list[str]:
    """The texts of exactly the games of episodes 0..num_episodes - 1 of a seed, as a policy plays them.

    Args:
        env_id: of a text env.
        policy: as for :func:`gym_causal.evaluate`.
        outcome: write the explanation of each outcome on a line after it.
        reasoning: write the expert's reasoning on a line before each action, whoever acts.
        num_episodes: >= 1.
        seed: >= 0.
        domain: which of the disjoint families of episodes.
        env_kwargs: arguments of the env. With ``observation="symbolic"``, policies that read arrays can be used.

    Raises:
        ValueError: ``env_id`` is no text env, or an argument is out of range.
    """
    with closing(seeded_task(env_id, num_episodes, seed, domain, **env_kwargs)) as task:
        if not isinstance(task, TextTask):
            raise ValueError(f"env_id must be that of a text env, got {env_id!r}")
        writer = _Writer(bind(policy, task, seed), task, reasoning=reasoning)
        games = np.full(num_episodes, "", object)
        for step in play(writer, task, num_episodes):
            texts = writer.texts + task.outcome_texts()
            if outcome:
                texts += _lines(OUTCOME_LABEL, task.outcome_explanations())
            games[step.episodes[step.valid]] += texts[step.valid]
    return list(games)


def _lines(label: str, explanations: np.ndarray) -> np.ndarray:
    """(n,) object; each of (n,) explanations on a line of its own after a label; "" stays ""."""
    lines = np.full(len(explanations), "", object)
    for row, explanation in enumerate(explanations):
        lines[row] = labeled(label, explanation)
    return lines
