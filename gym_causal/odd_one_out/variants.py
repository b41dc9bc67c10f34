"""The three odd-one-out tasks: which patterns they draw, what they explain, how their expert plans, and their metrics."""

from __future__ import annotations

import numpy as np

from gym_causal.odd_one_out.config import OddOneOutConfig, OddOneOutConfoundedConfig, OddOneOutInterventionConfig
from gym_causal.odd_one_out.features import ATTRIBUTES, EVEN_PATTERNS, HELD_OUT_CLASSES, NUM_OBJECTS, NUM_VISIBLE, ODD_OBJECT
from gym_causal.odd_one_out.generators import NUM_ATTRIBUTES, draw_episodes, permutations
from gym_causal.odd_one_out.plans import attribute_to_try, odd_targets
from gym_causal.odd_one_out.reasoning import Choice
from gym_causal.odd_one_out.rooms import Rooms, Touch
from gym_causal.odd_one_out.task import RoomTask, Scores


class OddOneOutTask(RoomTask):
    """One object is odd in one attribute; every other attribute is split two and two."""

    config: OddOneOutConfig

    def draw_block(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return draw_episodes(rng, count, self.config.trials, self._draw_patterns, mistake_rate=self.config.mistake_rate)

    def _draw_patterns(self, rng: np.random.Generator, episodes: np.ndarray) -> None:
        candidates = np.array([ATTRIBUTES.index(attribute) for attribute in self.config.odd_attributes])
        count = len(episodes)
        episodes["rewarded"] = candidates[rng.integers(len(candidates), size=count)]
        patterns = EVEN_PATTERNS[rng.integers(len(EVEN_PATTERNS), size=(count, 1, NUM_ATTRIBUTES))]
        patterns[np.arange(count), 0, episodes["rewarded"]] = 1 << rng.integers(NUM_OBJECTS, size=count)
        episodes["patterns"] = patterns

    def explained_attribute(self, touch: Touch) -> np.ndarray:
        """The rewarded attribute where the touch was correct. Else -1: to name it would give the answer away."""
        return np.where(touch.correct, self.rooms.draws["rewarded"][touch.rows].astype(int), -1)

    def choose(self, rows: np.ndarray, *, oracle: bool) -> Choice:
        rewarded = self.rooms.draws["rewarded"][rows].astype(int)
        return _choose_odd_object(self.rooms, rows, rewarded, with_mistakes=not oracle)

    def possible_attributes(self, rows: np.ndarray) -> np.ndarray:
        """See the base class; once the expert knows the room, only the attribute in which an object is odd."""
        is_odd = ODD_OBJECT[self.rooms.patterns[:, rows]] >= 0
        return super().possible_attributes(rows) & (is_odd | ~self.expert.knows_room(rows))


class OddOneOutConfoundedTask(RoomTask):
    """Training: one object is odd in all visible attributes. Evaluation: three objects are odd in one each."""

    config: OddOneOutConfoundedConfig

    def draw_block(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return draw_episodes(rng, count, self.config.trials, self._draw_patterns, mistake_rate=self.config.mistake_rate)

    def _draw_patterns(self, rng: np.random.Generator, episodes: np.ndarray) -> None:
        count = len(episodes)
        drawn = rng.integers(NUM_VISIBLE, size=count)
        episodes["rewarded"] = drawn if self.config.rewarded is None else self.config.rewarded
        objects = permutations(rng, (count, 1), NUM_OBJECTS)[..., :NUM_VISIBLE]
        episodes["patterns"][..., :NUM_VISIBLE] = 1 << (objects[..., :1] if self.config.split == "train" else objects)

    def explained_attribute(self, touch: Touch) -> np.ndarray:
        """The only one that explanations name, whatever is rewarded."""
        return np.full(len(touch.rows), self.config.named_attributes[0], int)

    def choose(self, rows: np.ndarray, *, oracle: bool) -> Choice:
        named = self.config.named_attributes
        return _choose_odd_object(self.rooms, rows, np.full(len(rows), named[0] if named else -1), with_mistakes=not oracle)

    def variant_scores(self) -> Scores:
        """In evaluation, how often the touched object is odd in each attribute, and in none."""
        if self.config.split != "eval":
            return {}
        touched = self._step_touched
        masks = {**{ATTRIBUTES[attribute]: 1 << attribute for attribute in range(NUM_VISIBLE)}, "none": 0}
        return {f"choice_{name}": (touched & (self.rooms.odd_attribute_mask == mask), touched) for name, mask in masks.items()}


class OddOneOutInterventionTask(RoomTask):
    """Experiments split some attributes two and two and leave the others alike; in the test trial three objects are odd in one each."""

    config: OddOneOutInterventionConfig
    explanations_name_rewarded_attribute = True

    # --- episodes --------------------------------------------------------------------------------------------------------

    def draw_block(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return draw_episodes(rng, count, self.config.trials, self._draw_patterns)

    def _draw_patterns(self, rng: np.random.Generator, episodes: np.ndarray) -> np.ndarray | None:
        config = self.config
        shape = (len(episodes), config.num_experiments)
        episodes["rewarded"] = rng.integers(NUM_VISIBLE, size=shape[0])
        difficulties = np.array(config.possible_difficulties)
        difficulty = difficulties[rng.integers(len(difficulties), size=shape)]
        priority = rng.random((*shape, NUM_VISIBLE))  # attributes become hard in its order
        if config.held_out_dimension is not None:  # last in training, first in evaluation
            priority[..., config.held_out_dimension] = 2.0 if config.split == "train" else -1.0
        rank = priority.argsort(axis=-1).argsort(axis=-1)
        patterns = EVEN_PATTERNS[rng.integers(len(EVEN_PATTERNS), size=(*shape, NUM_VISIBLE))]
        episodes["patterns"][:, :-1, :NUM_VISIBLE] = patterns * (rank < difficulty[..., None])
        episodes["patterns"][:, -1, :NUM_VISIBLE] = 1 << permutations(rng, shape[:1], NUM_OBJECTS)[:, :NUM_VISIBLE]
        if config.held_out_dimension is not None:
            return None
        admitted = _classes(held_out=config.split == "eval")
        return admitted[rng.integers(len(admitted), size=(len(episodes), config.trials))]

    # --- what a touch shows ----------------------------------------------------------------------------------------------

    def explained_attribute(self, touch: Touch) -> np.ndarray:
        """The rewarded attribute, whether or not the touch was correct."""
        return self.rooms.draws["rewarded"][touch.rows].astype(int)

    # --- the expert ------------------------------------------------------------------------------------------------------

    def choose(self, rows: np.ndarray, *, oracle: bool) -> Choice:
        """With a transform left: make an object odd in a possible attribute and touch it. Without one: touch the most promising object."""
        rooms = self.rooms
        order, transforms = rooms.draws["order"][rows].astype(int), rooms.transforms[rows] > 0
        rewarded = rooms.draws["rewarded"][rows][:, None] == np.arange(NUM_VISIBLE)
        possible = rewarded if oracle else self._possible[rows, :NUM_VISIBLE]
        attribute, targets = odd_targets(rooms.patterns[:NUM_VISIBLE, rows].T, possible, order)
        return Choice(np.where(transforms, attribute_to_try(possible, order), attribute), targets & ~transforms[:, None], transforms)

    # --- evaluation ------------------------------------------------------------------------------------------------------

    def variant_scores(self) -> Scores:
        touched, correct = self._step_touched, self._step_rewards > 0
        ended, test = touched | self._step_timed_out, self._step_trial == self.config.trials - 1
        return {
            "test_correct_rate": (correct & test, ended & test),
            "experiment_correct_rate": (correct & ~test, ended & ~test),
            # A touch is informative if the object is odd in some attribute.
            "informative_experiment_rate": (touched & ~test & (self.rooms.odd_attribute_mask > 0), ended & ~test),
        }


def _classes(*, held_out: bool) -> np.ndarray:
    """(n, 3) parities of the (colour, texture, shape) values that only evaluation shows, or all others."""
    every = np.stack(np.meshgrid((0, 1), (0, 1), (0, 1), indexing="ij"), -1).reshape(-1, NUM_VISIBLE)
    is_held_out = (every[:, None] == np.array(HELD_OUT_CLASSES)).all(axis=2).any(axis=1)
    return every[is_held_out == held_out]


def _choose_odd_object(rooms: Rooms, rows: np.ndarray, attribute: np.ndarray, *, with_mistakes: bool) -> Choice:
    """In (n,) rows the rewarded object, or, with mistakes, the one drawn instead; because of (n,) attributes, if it is odd in them."""
    draws = rooms.draws[rows]
    target = ODD_OBJECT[rooms.patterns[draws["rewarded"], rows]]
    if with_mistakes:
        mistake = draws["mistake"][np.arange(len(rows)), rooms.trial[rows]]
        target = np.where(mistake >= 0, mistake, target)
    is_odd = ODD_OBJECT[rooms.patterns[attribute, rows]] == target
    return Choice(np.where(is_odd, attribute, -1), target[:, None] == np.arange(NUM_OBJECTS), np.zeros(len(rows), bool))
