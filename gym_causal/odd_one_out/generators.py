"""The rooms of episodes: where objects lie, what they look like, what pays. All of an episode's randomness is here.

Four objects take two values in each attribute, so an attribute is a *pattern* of four bits, bit i being which of the two values object i
has. Who is unique, what a transform does and who gets rewarded follow from patterns alone.
"""

from __future__ import annotations

import numpy as np

from gym_causal.core.streams import EpisodeStream
from gym_causal.odd_one_out.config import OddOneOutConfig, OddOneOutConfoundedConfig, OddOneOutInterventionConfig, RoomConfig
from gym_causal.odd_one_out.features import (
    ATTRIBUTES,
    EVEN_PATTERNS,
    FLOOR_CELLS,
    HELD_OUT_CLASSES,
    NUM_OBJECTS,
    NUM_VALUES,
    NUM_VISIBLE,
    POSITIONS,
    Attribute,
)

NUM_ATTRIBUTES = len(Attribute)


def episode_dtype(trials: int) -> np.dtype:
    """One episode of T trials as a record."""
    return np.dtype(
        [
            ("rewarded", np.int8),  # the attribute in which the rewarding object is odd
            ("order", np.int8, NUM_VISIBLE),  # in which order the expert tries the attributes
            ("agent", np.uint8, trials),  # the cell it starts in
            ("cells", np.uint8, (trials, NUM_OBJECTS)),  # distinct
            ("patterns", np.uint8, (trials, NUM_ATTRIBUTES)),
            ("values", np.int8, (trials, NUM_ATTRIBUTES, 2)),  # the two values of each attribute, distinct
            ("mistake", np.int8, trials),  # the wrong object that the expert touches instead, -1 = none
        ]
    )


def draw_episodes(rng: np.random.Generator, count: int, config: RoomConfig) -> np.ndarray:
    """(count,) records of :func:`episode_dtype`."""
    episodes = np.zeros(count, episode_dtype(config.trials))
    shape = (count, config.trials)
    episodes["order"] = _permutations(rng, (count,), NUM_VISIBLE)
    classes = None
    if isinstance(config, OddOneOutConfig):
        _draw_basic(rng, episodes, config)
    elif isinstance(config, OddOneOutConfoundedConfig):
        _draw_confounded(rng, episodes, config)
    else:
        assert isinstance(config, OddOneOutInterventionConfig)
        _draw_intervention(rng, episodes, config)
        if config.generalization == "feature_set":
            held_out = np.array(HELD_OUT_CLASSES)
            every = np.stack(np.meshgrid((0, 1), (0, 1), (0, 1), indexing="ij"), -1).reshape(-1, NUM_VISIBLE)
            is_held_out = (every[:, None] == held_out).all(axis=2).any(axis=1)
            admitted = every[is_held_out == (config.split == "eval")]
            classes = admitted[rng.integers(len(admitted), size=shape)]  # (E, T, 3) parities
    episodes["values"][..., :NUM_VISIBLE, :] = _draw_values(rng, shape, classes)
    episodes["values"][..., Attribute.POSITION, :] = _permutations(rng, shape, len(POSITIONS))[..., :2]
    _draw_cells(rng, episodes)
    # Drawn whatever the rate, so that the rate changes nothing else.
    wrong, is_mistake = rng.integers(1, NUM_OBJECTS, size=shape), rng.random(shape)
    rate = float(getattr(config, "mistake_rate", 0.0))
    episodes["mistake"] = np.where(is_mistake < rate, (_odd_object(episodes) + wrong) % NUM_OBJECTS, -1)
    return episodes


def _odd_object(episodes: np.ndarray) -> np.ndarray:
    """(E, T) the object that is odd in the rewarded attribute; anything where none is."""
    pattern = np.take_along_axis(episodes["patterns"], episodes["rewarded"][:, None, None].astype(int), 2)[..., 0]
    return np.log2(np.maximum(pattern, 1)).astype(int)


def _draw_basic(rng: np.random.Generator, episodes: np.ndarray, config: OddOneOutConfig) -> None:
    """One object is odd in one attribute, everything else is split two and two."""
    among = np.array([ATTRIBUTES.index(attribute) for attribute in config.odd_attributes])
    count = len(episodes)
    episodes["rewarded"] = among[rng.integers(len(among), size=count)]
    patterns = EVEN_PATTERNS[rng.integers(len(EVEN_PATTERNS), size=(count, 1, NUM_ATTRIBUTES))]
    patterns[np.arange(count), 0, episodes["rewarded"]] = 1 << rng.integers(NUM_OBJECTS, size=count)
    episodes["patterns"] = patterns


def _draw_confounded(rng: np.random.Generator, episodes: np.ndarray, config: OddOneOutConfoundedConfig) -> None:
    """Training: one object is odd in all visible attributes; evaluation: three are odd in one each."""
    count = len(episodes)
    drawn = rng.integers(NUM_VISIBLE, size=count)
    episodes["rewarded"] = drawn if config.rewarded is None else config.rewarded
    objects = _permutations(rng, (count, 1), NUM_OBJECTS)[..., :NUM_VISIBLE]
    episodes["patterns"][..., :NUM_VISIBLE] = 1 << (objects[..., :1] if config.split == "train" else objects)


def _draw_intervention(rng: np.random.Generator, episodes: np.ndarray, config: OddOneOutInterventionConfig) -> None:
    """Experiments split some attributes two and two and leave the others alike; in the test three objects are odd in one each."""
    shape = (len(episodes), config.num_experiments)
    episodes["rewarded"] = rng.integers(NUM_VISIBLE, size=shape[0])
    difficulties = np.array(config.possible_difficulties)
    difficulty = difficulties[rng.integers(len(difficulties), size=shape)]
    turn = rng.random((*shape, NUM_VISIBLE))  # attributes become hard in its order
    if config.held_out_dimension is not None:  # last in training, first in evaluation
        turn[..., config.held_out_dimension] = 2.0 if config.split == "train" else -1.0
    rank = turn.argsort(axis=-1).argsort(axis=-1)
    patterns = EVEN_PATTERNS[rng.integers(len(EVEN_PATTERNS), size=(*shape, NUM_VISIBLE))]
    episodes["patterns"][:, :-1, :NUM_VISIBLE] = patterns * (rank < difficulty[..., None])
    episodes["patterns"][:, -1, :NUM_VISIBLE] = 1 << _permutations(rng, shape[:1], NUM_OBJECTS)[:, :NUM_VISIBLE]


def _draw_values(rng: np.random.Generator, shape: tuple[int, ...], classes: np.ndarray | None) -> np.ndarray:
    """(*shape, 3, 2) two different values of colour, texture and shape; both of the parity that ``classes`` (*shape, 3) asks for."""
    most = NUM_VALUES[:NUM_VISIBLE] if classes is None else (NUM_VALUES[:NUM_VISIBLE] + 1 - classes) // 2
    uniform = rng.random((2, *shape, NUM_VISIBLE))
    first = (uniform[0] * most).astype(int)
    second = (first + 1 + (uniform[1] * (most - 1)).astype(int)) % most
    values = np.stack([first, second], axis=-1)
    return values if classes is None else 2 * values + classes[..., None]


def _draw_cells(rng: np.random.Generator, episodes: np.ndarray) -> None:
    """Objects: distinct uniform cells of their kind of position. Agent: a uniform free cell."""
    shape = episodes["agent"].shape
    bits = episodes["patterns"][..., Attribute.POSITION, None] >> np.arange(NUM_OBJECTS) & 1  # (E, T, 4)
    kinds = np.take_along_axis(episodes["values"][..., Attribute.POSITION, :], bits.astype(int), 2)
    cells = np.empty((*shape, NUM_OBJECTS), np.uint8)
    for kind, places in enumerate(POSITIONS.values()):
        chosen = np.array(places, np.uint8)[_permutations(rng, shape, len(places))[..., :NUM_OBJECTS]]
        np.copyto(cells, chosen, where=kinds == kind)
    episodes["cells"] = cells
    # The r-th free cell: step over every taken one that lies before it.
    free = rng.integers(len(FLOOR_CELLS) - NUM_OBJECTS, size=shape)
    for taken in np.moveaxis(np.sort(np.searchsorted(FLOOR_CELLS, cells), axis=-1), -1, 0):
        free += free >= taken
    episodes["agent"] = FLOOR_CELLS[free]


def _permutations(rng: np.random.Generator, shape: tuple[int, ...], length: int) -> np.ndarray:
    """(*shape, length) uniform permutations of 0..length - 1."""
    return rng.random((*shape, length)).argsort(axis=-1)


class EpisodeStore:
    """The drawn episodes of a stream, ready to be picked in any order.

    In these tasks rows end at different times, so that a few episodes of many blocks are wanted at almost every step: one array holds all
    blocks that are in use, and picking is one look-up.

    Args:
        stream: whose blocks are (at most block_size,) arrays of records.
        block_size: episodes of its large blocks.
    """

    MAX_BLOCKS = 4_096  # a row that lags behind so far that more would be kept has its blocks drawn again

    def __init__(self, stream: EpisodeStream[np.ndarray], block_size: int) -> None:
        self._stream, self._block_size = stream, block_size
        self._place_of: dict[int, int] = {}  # block -> where in the arrays
        self._free: list[int] = []
        self._records: np.ndarray | None = None  # (places, block_size)
        self._starts = np.zeros(0, int)  # (places,) the first episode of the block there

    def take(self, episodes: np.ndarray, oldest: int) -> np.ndarray:
        """The records of (n,) episodes; ``oldest`` is one before which nothing will be asked for any more."""
        blocks = self._stream.blocks_of(episodes).tolist()
        for block in blocks:
            if block not in self._place_of:
                self._add(block, set(blocks), int(self._stream.blocks_of(np.array(oldest))))
        place = np.array([self._place_of[block] for block in blocks])
        assert self._records is not None
        return self._records[place, episodes - self._starts[place]]

    def _add(self, block: int, wanted: set[int], oldest: int) -> None:
        drawn = self._stream.block(block)
        if self._records is None:
            self._records, self._starts = np.empty((1, self._block_size), drawn.dtype), np.zeros(1, int)
            self._free = [0]
        if not self._free:
            dropped = [kept for kept in self._place_of if kept < oldest]
            if not dropped and len(self._records) >= self.MAX_BLOCKS:
                dropped = [kept for kept in self._place_of if kept not in wanted][: self.MAX_BLOCKS // 2]
            self._free = [self._place_of.pop(kept) for kept in dropped]
        if not self._free:
            self._free = list(range(len(self._records), 2 * len(self._records)))
            self._records = np.concatenate([self._records, np.empty_like(self._records)])
            self._starts = np.tile(self._starts, 2)
        place = self._free.pop()
        self._place_of[block], self._starts[place] = place, self._stream.start(block)
        self._records[place, : len(drawn)] = drawn
