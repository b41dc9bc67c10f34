"""Games as parts of a prompt or a training text: with a heading, joined, after their description, or with the explanations of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from agents.language.conditions import Condition
from gym_causal.core.text import TextTask
from gym_causal.registry import make_task
from gym_causal.transcripts import Game, Passage, Turn, join_passages

HEADING = "New game.\n"
"""The first line of every game."""


def game_passages(game: Game, condition: Condition) -> list[Passage]:
    """The text of a game, with the explanations of a condition, part by part."""
    return [Passage(HEADING, False), *game.passages(outcome=condition.outcome, reasoning=condition.reasoning)]


def game_text(game: Game, condition: Condition) -> str:
    """The whole text of a game, with the explanations of a condition."""
    return join_passages(game_passages(game, condition))


def join_games(texts: Sequence[str]) -> str:
    """Several games as one text, a blank line after each."""
    return "".join(f"{text}\n" for text in texts)


def text_task(env_id: str, **env_kwargs: Any) -> TextTask:
    """The task of a text env, with one row.

    Raises:
        ValueError: another env.
    """
    task = make_task(env_id, 1, **env_kwargs)
    if not isinstance(task, TextTask):
        raise ValueError(f"env must be a text task, for example OddOneOutText-v0, got {env_id!r}")
    return task


def description(env_id: str, **env_kwargs: Any) -> str:
    """The description of an env's games, as it stands before them."""
    return f"{text_task(env_id, **env_kwargs).instructions}\n\n"


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
