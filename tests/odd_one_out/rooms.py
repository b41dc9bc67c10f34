"""Hand-made episodes with known answers."""

from __future__ import annotations

import numpy as np

import gym_causal
from gym_causal.odd_one_out.features import cell
from gym_causal.odd_one_out.worlds import episode_dtype

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
