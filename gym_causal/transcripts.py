"""Whole games as texts: what a language model is shown as examples, or trained on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import Observations
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL, TextTask, labeled
from gym_causal.policies import Policy, Predictor, bind
from gym_causal.rollouts import play, seeded_task


class Passage(NamedTuple):
    """A part of a text, by one writer."""

    text: str
    by_player: bool
    """Whether the player writes it: its reasoning, its actions and its explanations of outcomes. The environment writes all else."""


@dataclass(frozen=True)
class Turn:
    """One action of a game and what came of it. Explanations are without their labels; an empty one is not written."""

    prompt: str  # what the environment shows before the action
    reasoning: str
    action: str  # the sentence that the player writes
    outcome: str  # what the environment answers
    outcome_explanation: str
    rewarded: bool = False

    def before_action(self, *, reasoning: bool) -> str:
        """The text up to where the action is written."""
        return self.prompt + (labeled(REASONING_LABEL, self.reasoning) if reasoning else "")

    def passages(self, *, outcome: bool, reasoning: bool) -> list[Passage]:
        """The text of the turn, part by part.

        Args:
            outcome: write the explanation of the outcome on a line after it.
            reasoning: write the reasoning on a line before the action.
        """
        return [
            Passage(self.prompt, False),
            *(_line(REASONING_LABEL, self.reasoning) if reasoning else ()),
            Passage(self.action, True),
            Passage(self.outcome, False),
            *(_line(OUTCOME_LABEL, self.outcome_explanation) if outcome else ()),
        ]


@dataclass(frozen=True)
class Game:
    """A game that is over."""

    turns: tuple[Turn, ...]

    def passages(self, *, outcome: bool, reasoning: bool) -> list[Passage]:
        """The text of the game, part by part; see :meth:`Turn.passages`."""
        return [passage for turn in self.turns for passage in turn.passages(outcome=outcome, reasoning=reasoning)]

    def render(self, *, outcome: bool, reasoning: bool) -> str:
        """The whole text of the game; see :meth:`Turn.passages`."""
        return join_passages(self.passages(outcome=outcome, reasoning=reasoning))


def join_passages(passages: Iterable[Passage]) -> str:
    """The text that consists of them."""
    return "".join(passage.text for passage in passages)


def _line(label: str, explanation: str) -> list[Passage]:
    """A line with an explanation, nothing if there is none: the label is shown to the player, who writes what follows it."""
    line, shown = labeled(label, explanation), len(label.rstrip())
    return [Passage(line[:shown], False), Passage(line[shown:], True)] if line else []


def play_games(
    env_id: str,
    policy: Policy | Predictor | str = "expert",
    *,
    num_episodes: int = 1,
    seed: int = 0,
    domain: SeedDomain = SeedDomain.SHOTS,
    **env_kwargs: Any,
) -> list[Game]:
    """Exactly the games of episodes 0..num_episodes - 1 of a seed, as a policy plays them, with the expert's reasoning, whoever acts.

    Args:
        env_id: of a text env.
        policy: as for :func:`gym_causal.evaluate`.
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
        writer = _Writer(bind(policy, task, seed), task)
        turns: list[list[Turn]] = [[] for _ in range(num_episodes)]
        for step in play(writer, task, num_episodes):
            outcomes, explanations = task.outcome_texts(), task.outcome_explanations()
            for row in np.flatnonzero(step.valid).tolist():
                prompt, reasoning, sentence = (texts[row] for texts in writer.written)
                turn = Turn(prompt, reasoning, sentence, outcomes[row], explanations[row], bool(step.rewards[row] > 0))
                turns[step.episodes[row]].append(turn)
    return [Game(tuple(each)) for each in turns]


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
    """The texts of the games that :func:`play_games` plays with the same arguments, each rendered by :meth:`Game.render`."""
    games = play_games(env_id, policy, num_episodes=num_episodes, seed=seed, domain=domain, **env_kwargs)
    return [game.render(outcome=outcome, reasoning=reasoning) for game in games]


class _Writer:
    """A policy that acts as another one does, and keeps what is written before each of its actions."""

    def __init__(self, policy: Policy, task: TextTask) -> None:
        self._policy, self._task = policy, task
        self.written: tuple[np.ndarray, ...] = ()  # prompts, reasonings and sentences of the last actions, (B,) object each

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        task = self._task
        prompts, reasonings = task.prompt_texts(), task.reasoning_texts()
        actions, state = self._policy(observations, state, episode_starts)
        self.written = prompts, reasonings, np.array(task.sentences, object)[actions]
        return actions, state
