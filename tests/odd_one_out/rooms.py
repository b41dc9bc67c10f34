"""Hand-made episodes with known answers."""

from __future__ import annotations

import numpy as np

import gym_causal
from gym_causal.core.streams import EpisodeStream, SeedDomain
from gym_causal.odd_one_out.features import FLOOR_CELLS, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, cell
from gym_causal.odd_one_out.generators import episode_dtype
from gym_causal.odd_one_out.views import VIEWS

EVERY_LOOK = np.stack(np.unravel_index(np.arange(NUM_VALUES[:NUM_VISIBLE].prod()), NUM_VALUES[:NUM_VISIBLE]))  # (3, 1254)
RED, BLUE, SOLID, NOISY, TRIANGLE, CIRCLE = 0, 2, 0, 5, 0, 5


def episode(trials=1, *, agent=(5, 5), cells=((1, 1), (1, 9), (9, 1), (9, 9)), color=0, texture=0, shape=0, rewarded=0, order=(0, 1, 2)):
    """A record of which all trials are alike; ``color``, ``texture``, ``shape`` are patterns: bit i set, and object i has the second value.

    The values are red and blue, solid and noisy, triangle and circle.
    """
    record = np.zeros((), episode_dtype(trials))
    record["agent"] = cell(*agent)
    record["cells"] = [cell(*place) for place in cells]
    record["patterns"] = (color, texture, shape, 0)
    record["values"] = ((RED, BLUE), (SOLID, NOISY), (TRIANGLE, CIRCLE), (0, 3))
    record["rewarded"], record["order"], record["mistake"] = rewarded, order, -1
    return record


def begin(env_id, record, **kwargs):
    """A batch of one that plays a record."""
    venv = gym_causal.make_vec(env_id, 1, **{"observation": "symbolic", "explanation_text": True, **kwargs})
    venv.reset(seed=0, options={"episodes": record})
    return venv


def records_of(task, seed: int, count: int) -> np.ndarray:
    """The records of the first episodes that an env with this task plays after ``reset(seed=seed)``."""
    stream = EpisodeStream(task.draw_block, task.block_size, seed, SeedDomain.INTERACTION)
    last_block = int(stream.blocks_of(np.array(count - 1)))
    return np.concatenate([stream.block(block) for block in range(last_block + 1)])[:count]


def rooms_of(looks: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Agents (F,), cells (4, F) and features (3, 4, F) of rooms that show, four at a time, objects that look like ``looks``, (3, n)."""
    rng = np.random.default_rng(seed)
    count = -(-looks.shape[1] // NUM_OBJECTS)
    features = np.resize(looks.T, (count * NUM_OBJECTS, NUM_VISIBLE)).T.reshape(NUM_VISIBLE, count, NUM_OBJECTS).swapaxes(1, 2)
    places = rng.permuted(np.tile(FLOOR_CELLS, (count, 1)), axis=1)[:, : NUM_OBJECTS + 1].T
    agents, cells = places[0].copy(), places[1:]
    agents[::7] = cells[0, ::7]  # now and then it stands on an object, and hides it
    return agents, cells, features


def views_of(agents: np.ndarray, cells: np.ndarray, features: np.ndarray, observation: str) -> np.ndarray:
    """(F, ...) what agents see of such rooms."""
    view = VIEWS[observation]()
    return view.draw(agents, cells, view.appearance(features.astype(np.int8)))
