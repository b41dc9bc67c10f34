"""The constructor arguments of ``OddOneOutText-v0``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gym_causal.arguments import check_integer, check_names, check_number, check_one_of
from gym_causal.core.text import check_observation
from gym_causal.odd_one_out_text.explanations import BELIEF_REASONING, MODES, TARGET_REASONING
from gym_causal.odd_one_out_text.vocabulary import MAX_DIMENSIONS, MAX_OBJECTS, MAX_VALUES, MIN_DIMENSIONS, NAMES, Words


@dataclass(frozen=True, kw_only=True)
class OddOneOutTextConfig:
    """Arguments of ``OddOneOutText-v0``; every one reaches the single and the vector env alike.

    Args:
        split: "train", the only one; what differs between training and evaluation is ``rewarded_dimensions``.
        num_experiments: X, from 0 to 100; experiment trials before the test trial.
        num_dimensions: D, from 3 to 12; the dimensions that can be transformed, and of which one is rewarded.
        dimension_names: their names, D of :data:`~gym_causal.odd_one_out_text.vocabulary.DIMENSIONS` in the order in which objects are
            described; None: the first D, which begin with color, shape, texture.
        value_words: whose words the values of these dimensions are, D of the same list; None: their own. With another order or others, what
            a dimension's name stands for is to be found out from the game. Not with distractors.
        num_objects: O, from 3 to ``num_dimensions``.
        num_values: V, from 2 to 10; values of each dimension.
        num_distractors: F, from 0 to 12 - ``num_dimensions``; further dimensions, the first others of the same list, in which each object
            has a random value in every trial. They cannot be transformed and are never rewarded.
        rewarded_dimensions: the names of the dimensions of which one is rewarded, uniformly drawn; None: all D. Neither the player nor the
            expert is told.
        test_reward: > 0; the reward in the test trial (in an experiment: 1).
        observation: "text", or "symbolic": arrays with the same information.
        explain: which explanations ``info["explanation"]`` holds: "none", "outcome" (what the last outcome shows), "reasoning" (what the
            expert believes, what it does next and why) or "all" (both).
        belief_reasoning: how the reasoning comes to what may be rewarded, as long as nothing was. "direct": it names the dimensions that
            are ruled out and those that are left. "descriptions": before that, it says of each dimension in turn which of the two it is.
            "evidence": it says of each dimension in turn whether it is ruled out, is left or was rewarded, in the test trial too, and
            never which one the rewarded dimension must be.
        target_reasoning: how the reasoning about the test trial comes to its target. "direct": it names the target, then says why.
            "values": it first lists every object's value in the dimension that the expert goes by. "comparisons": the list also says of
            each object but the first whether its value is like the first one's. "descriptions": before all else it lists and compares
            values in every dimension, and says which object is unique there; then it repeats that of the dimension that the expert goes
            by. "search": it first names the dimension that the expert goes by, and then describes one dimension after the other up to that
            one, saying of each whether it counts. "judgements": it does so for all dimensions, and names the target where one counts.
            "evidence": as "judgements", but it says of each dimension whether it is ruled out, is left or was rewarded. Neither of the two
            arguments changes facts or tokens.
        expert_info: put the expert's action into ``info["expert_action"]`` (-1 once the episode is over).

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
        TypeError: an unknown argument, or a value of the wrong type.
    """

    split: str = "train"
    num_experiments: int = 3
    num_dimensions: int = 3
    dimension_names: Sequence[str] | None = None
    value_words: Sequence[str] | None = None
    num_objects: int = 3
    num_values: int = 8
    num_distractors: int = 0
    rewarded_dimensions: Sequence[str] | None = None
    test_reward: float = 10.0
    observation: str = "text"
    explain: str = "outcome"
    belief_reasoning: str = "direct"
    target_reasoning: str = "direct"
    expert_info: bool = False

    def __post_init__(self) -> None:
        check_one_of("split", self.split, ("train",))
        check_observation(self.observation)
        check_one_of("explain", self.explain, tuple(MODES))
        check_integer("num_experiments", self.num_experiments, 0, 100)
        check_integer("num_dimensions", self.num_dimensions, MIN_DIMENSIONS, MAX_DIMENSIONS)
        check_integer("num_objects", self.num_objects, 3, min(self.num_dimensions, MAX_OBJECTS))
        check_integer("num_values", self.num_values, 2, MAX_VALUES)
        check_integer("num_distractors", self.num_distractors, 0, MAX_DIMENSIONS - self.num_dimensions)
        check_number("test_reward", self.test_reward, 0, 1e6, low_included=False)
        check_one_of("belief_reasoning", self.belief_reasoning, BELIEF_REASONING)
        check_one_of("target_reasoning", self.target_reasoning, TARGET_REASONING)
        if not isinstance(self.expert_info, bool):
            raise TypeError(f"expert_info must be True or False, got {self.expert_info!r}")
        check_names("dimension_names", self.dimension_names, NAMES, self.num_dimensions)
        check_names("value_words", self.value_words, NAMES, self.num_dimensions)
        if self.value_words is not None and self.num_distractors:
            raise ValueError(f"num_distractors must be 0 where value_words are given, got {self.num_distractors}")
        check_names("rewarded_dimensions", self.rewarded_dimensions, self.dimensions)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """(D,) the names of the dimensions of which one is rewarded."""
        return NAMES[: self.num_dimensions] if self.dimension_names is None else tuple(self.dimension_names)

    @property
    def words(self) -> Words:
        """Of the dimensions, and of their values."""
        values = self.dimensions if self.value_words is None else tuple(self.value_words)
        others = tuple(name for name in NAMES if name not in values)
        return Words(self.dimensions, values + others[: self.num_distractors])

    @property
    def num_described(self) -> int:
        """D + F; dimensions in which objects are described."""
        return self.num_dimensions + self.num_distractors

    @property
    def trials(self) -> int:
        """T = X + 1; trials of an episode, the test trial last."""
        return self.num_experiments + 1

    @property
    def num_actions(self) -> int:
        """A = O * D + O; see :mod:`gym_causal.odd_one_out_text.actions`."""
        return self.num_objects * (self.num_dimensions + 1)

    @property
    def rewarded(self) -> np.ndarray:
        """(n,) int; the dimensions of which one is rewarded."""
        names = self.dimensions if self.rewarded_dimensions is None else self.rewarded_dimensions
        return np.array(sorted(self.dimensions.index(name) for name in names))
