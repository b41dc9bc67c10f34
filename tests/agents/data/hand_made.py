"""Episodes of different lengths whose every number is known."""

import numpy as np

from gym_causal import Episodes
from tests.test_episodes import same_arrays


def ragged_episodes() -> Episodes:
    """Three episodes of 2, 1 and 3 steps, the second cut short; state i sees i, and what is said of it names i too."""
    states = np.arange(9)
    return Episodes(
        {"view": np.stack([states, -states], axis=1).astype(np.float32), "count": states},
        {"kind": np.array([f"s{i}" for i in states], "<U8"), "tokens": np.stack([states] * 4, axis=1).astype(np.int16), "true": states > 4},
        np.arange(6) % 3,
        np.arange(6) / 2,
        np.array([2, 1, 3]),
        np.array([False, True, False]),
        {"policy": "somebody", "seed": 3},
    )


def check_same(a: Episodes, b: Episodes) -> None:
    """Whether nothing was lost: not even the order of the arrays."""
    same_arrays(a, b)
    assert a.metadata == b.metadata
    assert list(a.observations) == list(b.observations) and list(a.explanations) == list(b.explanations)
