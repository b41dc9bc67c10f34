"""Texts to train a language model on: games of the expert, of included dimensions or of the split "train" alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from agents.language.conditions import Condition, named_condition
from agents.language.games import description, game_passages, shuffle_explanations
from agents.language.training_config import GAMES_PER_TEXT, TrainingConfig
from gym_causal.core.streams import SeedDomain
from gym_causal.odd_one_out_text.vocabulary import NAMES
from gym_causal.scm import variable_names
from gym_causal.transcripts import Game, Passage, play_games

_CHUNKS_PER_SEED = 10**6
CHUNK = 1_024
"""Texts that are made at once."""
_TEXTS_PER_DRAW = 16
_DRAWS_PER_SEED = CHUNK // _TEXTS_PER_DRAW
_Play = Callable[[int, int, Mapping[str, Any]], list[Game]]  # seed, count, arguments of the env


def training_texts(
    config: TrainingConfig, chunk: int, *, domain: SeedDomain = SeedDomain.COLLECTION, count: int = CHUNK
) -> list[list[Passage]]:
    """New texts, each part by part; a function of the configuration, the domain and the number of the chunk alone.

    Args:
        config: which texts.
        chunk: which of the endless sequence of chunks, from 0.
        domain: which of the disjoint families of episodes.
        count: texts in a chunk.
    """
    seed = config.seed * _CHUNKS_PER_SEED + chunk
    condition = named_condition(config.condition)
    texts, descriptions = _games(config, seed, domain, count)
    if condition.shuffled:
        # By the games at the same place of the next texts.
        places = [shuffle_explanations(games, [*games[1:], games[0]]) for games in map(list, zip(*texts, strict=True))]
        texts = [list(games) for games in zip(*places, strict=True)]
    return [_passages(about, games, condition) for about, games in zip(descriptions, texts, strict=True)]


def _passages(about: str, games: Sequence[Game], condition: Condition) -> list[Passage]:
    """A description and games, a blank line between them."""
    passages = [Passage(about, False)] if about else []
    for place, game in enumerate(games):
        passages += [*([Passage("\n", False)] if place else ()), *game_passages(game, condition)]
    return passages


def _games(config: TrainingConfig, seed: int, domain: SeedDomain, count: int) -> tuple[list[list[Game]], list[str]]:
    """The games of each text, and their description, "" if it is not written."""

    explained = named_condition(config.condition).env_kwargs

    def play(seed: int, count: int, kwargs: Mapping[str, Any]) -> list[Game]:
        return play_games(config.env_id, num_episodes=count, seed=seed, domain=domain, **{**kwargs, **explained})

    rng = np.random.default_rng([seed, int(domain)])
    if config.dimensions_drawn_from or config.variables_drawn_from:
        return _games_of_draws(config, seed, count, rng, play)
    kwargs = config.evaluation.included_kwargs
    if config.texts == "in_context":
        kwargs = {**kwargs, "rewarded_dimensions": config.trained_dimensions}
    return _games_of_texts(config, seed, count, kwargs, rng, play), [_description(config, kwargs)] * count


def _games_of_texts(
    config: TrainingConfig, seed: int, count: int, kwargs: Mapping[str, Any], rng: np.random.Generator, play: _Play
) -> list[list[Game]]:
    """The games of texts that share the arguments of the env; which of their ``rewarded_dimensions`` each game rewards is drawn."""
    if config.texts == "single":
        return [[game] for game in play(seed, count, kwargs)]
    trained = kwargs["rewarded_dimensions"]
    rewarded = np.stack([_rewarded_dimensions(rng, len(trained)) for _ in range(count)])  # (count, GAMES_PER_TEXT)
    by_dimension: dict[int, Iterator[Game]] = {}
    for dimension, played in zip(*np.unique(rewarded, return_counts=True), strict=True):
        # A seed for each, or games of different dimensions would show the same objects.
        of_dimension = {**kwargs, "rewarded_dimensions": (trained[dimension],)}
        by_dimension[dimension] = iter(play(16 * seed + int(dimension), int(played), of_dimension))
    return [[next(by_dimension[dimension]) for dimension in row] for row in rewarded.tolist()]


def _games_of_draws(
    config: TrainingConfig, seed: int, count: int, rng: np.random.Generator, play: _Play
) -> tuple[list[list[Game]], list[str]]:
    """Texts whose dimensions or variables are drawn anew for every few of them, in random order, and the description of each."""
    draw = _drawn_dimensions if config.dimensions_drawn_from else _drawn_variables
    texts: list[list[Game]] = []
    descriptions: list[str] = []
    for group in range(-(-count // _TEXTS_PER_DRAW)):
        kwargs = {**config.env_kwargs, **draw(config, rng)}
        texts += _games_of_texts(config, _DRAWS_PER_SEED * seed + group, _TEXTS_PER_DRAW, kwargs, rng, play)
        descriptions += [_description(config, kwargs)] * _TEXTS_PER_DRAW
    order = rng.permutation(len(texts))[:count].tolist()
    return [texts[place] for place in order], [descriptions[place] for place in order]


def _drawn_dimensions(config: TrainingConfig, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of the env: dimensions, of which any but the held-out one may be rewarded."""
    pool, num_dimensions = NAMES[: config.dimensions_drawn_from], config.num_dimensions
    values = rng.choice(pool, size=num_dimensions, replace=False).tolist()
    names = rng.choice(pool, size=num_dimensions, replace=False).tolist() if config.names_drawn else values
    rewarded = [name for name, of in zip(names, values, strict=True) if of != config.held_out_dimension]
    kwargs = {"dimension_names": names, "rewarded_dimensions": rewarded}
    return {**kwargs, "value_words": values} if config.names_drawn else kwargs


def _drawn_variables(config: TrainingConfig, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of the env: variables, between which there is any link but the held-out one."""
    names = rng.choice(variable_names(config.variables_drawn_from), size=len(config.variables), replace=False).tolist()
    if set(config.held_out_link) <= set(names):
        return {"variable_names": names, "held_out_link": config.held_out_link, "split": "train"}
    return {"variable_names": names, "held_out_link": None, "split": "unrestricted"}


def _description(config: TrainingConfig, kwargs: Mapping[str, Any]) -> str:
    return description(config.env_id, **kwargs) if config.instructions else ""


def _rewarded_dimensions(rng: np.random.Generator, num_trained: int) -> np.ndarray:
    """(GAMES_PER_TEXT,) int; which of the trained dimensions each game of a text rewards."""
    order = rng.permutation(num_trained)
    shown, others = order[:2], order[2:] if num_trained > 2 else order
    return np.append(rng.choice(shown, size=GAMES_PER_TEXT - 1), rng.choice(others))
