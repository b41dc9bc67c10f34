"""Games for tests: any drawn one, and the talk's example by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.generators import TextEpisodes
from gym_causal.odd_one_out_text.task import OddOneOutTextTask
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS

COLOR, SHAPE, TEXTURE = range(3)


def values(*described: str) -> list[list[int]]:
    """(O, 3) the values of objects such as "green pentagon solid"."""
    names = tuple(DIMENSIONS.values())
    return [[names[dimension].index(word) for dimension, word in enumerate(words.split())] for words in described]


class GivenTask(OddOneOutTextTask):
    """A task that plays one given episode again and again."""

    def __init__(self, config: OddOneOutTextConfig, episode: TextEpisodes) -> None:
        super().__init__(config, 1)
        self.episode = episode

    def draw_block(self, rng: np.random.Generator, count: int) -> TextEpisodes:
        return TextEpisodes(**{name: np.repeat(value, count, axis=0) for name, value in vars(self.episode).items()})


def talk_game(rewarded: int = SHAPE, **arguments: Any) -> GivenTask:
    """The talk's example, with a second experiment in the part that it leaves out; an expert that tries texture, then color."""
    alike = values(*["green pentagon solid"] * 3)
    test = values("purple ellipse solid", "green trapezoid solid", "green ellipse striped")
    new = values("purple ellipse striped")[0]
    episode = TextEpisodes(
        rewarded=np.array([rewarded]),
        objects=np.array([[alike, alike, test]], np.int8),
        new_values=np.array([[new, new]], np.int8),
        order=np.array([[TEXTURE, COLOR, SHAPE]]),
        expert_objects=np.array([[2, 0]]),
    )
    task = GivenTask(OddOneOutTextConfig(num_experiments=2, **arguments), episode)
    task.seed(0)
    task.begin(np.array([0]), np.array([0]))
    return task
