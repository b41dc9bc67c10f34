"""Games as texts: the turns of a player, and the one renderer of example games, games in progress and training texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.language.conditions import Condition
from gym_causal.core.streams import SeedDomain
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL, labeled
from gym_causal.policies import Policy, bind
from gym_causal.rollouts import play, seeded_task

HEADING = "New game.\n"
"""The first line of every game."""


@dataclass(frozen=True)
class Turn:
    """One action of a game and what came of it. Explanations are without their labels; an empty one is not written."""

    prompt: str  # what the environment shows before the action
    reasoning: str
    action: str  # the sentence that the player writes
    outcome: str  # what the environment answers
    outcome_explanation: str
    rewarded: bool = False

    def before_action(self, condition: Condition) -> str:
        """The text up to where the action is written."""
        return self.prompt + (labeled(REASONING_LABEL, self.reasoning) if condition.reasoning else "")

    def render(self, condition: Condition) -> str:
        """The whole text of the turn."""
        explanation = labeled(OUTCOME_LABEL, self.outcome_explanation) if condition.outcome else ""
        return self.before_action(condition) + self.action + self.outcome + explanation


@dataclass(frozen=True)
class Game:
    """A game that is over."""

    turns: tuple[Turn, ...]

    def render(self, condition: Condition) -> str:
        """The whole text of the game."""
        return HEADING + "".join(turn.render(condition) for turn in self.turns)


def join_games(texts: Sequence[str]) -> str:
    """Several games as one text, a blank line after each."""
    return "".join(f"{text}\n" for text in texts)


def play_games(
    env_id: str, episodes: range, *, seed: int, domain: SeedDomain, policy: Policy | str = "expert", env_kwargs: Mapping[str, Any]
) -> list[Game]:
    """The texts of consecutive episodes of a seed, as a policy plays them.

    Args:
        env_id: a text task.
        episodes: which of the domain's episodes; they begin at 0 or later.
        seed: of the episodes.
        domain: which of the disjoint families of episodes.
        policy: see :func:`gym_causal.evaluate`.
        env_kwargs: of the env.
    """
    with closing(seeded_task(env_id, episodes.stop, seed, domain, **env_kwargs)) as task:
        turns: dict[int, list[Turn]] = {episode: [] for episode in episodes}
        recorder = _Recorder(bind(policy, task, seed), task)
        for step in play(recorder, task, episodes.stop):
            outcomes, explanations = task.outcome_texts(), task.outcome_explanations()  # type: ignore[attr-defined]
            for row in np.flatnonzero(step.valid & (step.episodes >= episodes.start)).tolist():
                prompt, reasoning, sentence = recorder.before[row]
                turn = Turn(prompt, reasoning, sentence, outcomes[row], explanations[row], bool(step.rewards[row] > 0))
                turns[int(step.episodes[row])].append(turn)
    return [Game(tuple(turns[episode])) for episode in episodes]


class _Recorder:
    """A policy that keeps, for each row, what was shown before its last action, the reasoning and the sentence of that action."""

    def __init__(self, policy: Policy, task: Any) -> None:
        self._policy, self._task = policy, task
        self.before: list[tuple[str, str, str]] = []

    def __call__(self, observations: Any, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        prompts, reasonings = self._task.prompt_texts(), self._task.reasoning_texts()
        actions, state = self._policy(observations, state, episode_starts)
        sentences = [self._task.sentences[action] for action in actions.tolist()]
        self.before = list(zip(prompts.tolist(), reasonings.tolist(), sentences, strict=True))
        return actions, state


def shuffle_explanations(games: Sequence[Game], donors: Sequence[Game]) -> list[Game]:
    """Games with the explanations of other games: every one is true of another game, and stands where one of its kind stood.

    The kind of a reasoning is its place in the game, that of an outcome's explanation its place and whether the action was rewarded.

    Args:
        games: to change.
        donors: other games, tried in their order, each time beginning with the next one.

    Raises:
        ValueError: no donor has an explanation of some kind.
    """
    return [Game(tuple(_explanations_of_others(game, donors, first))) for first, game in enumerate(games)]


def _explanations_of_others(game: Game, donors: Sequence[Game], first: int) -> Iterator[Turn]:
    for place, turn in enumerate(game.turns):
        candidates = (donors[(first + i) % len(donors)] for i in range(len(donors)))
        others = [donor.turns[place] for donor in candidates if place < len(donor.turns)]
        yield dataclasses.replace(
            turn,
            reasoning=_first(other.reasoning for other in others) if turn.reasoning else "",
            outcome_explanation=_first(other.outcome_explanation for other in others if other.rewarded == turn.rewarded)
            if turn.outcome_explanation
            else "",
        )


def _first(explanations: Iterator[str]) -> str:
    found = next(filter(None, explanations), None)
    if found is None:
        raise ValueError("donors must have an explanation of each kind at each place, got none of some")
    return found
