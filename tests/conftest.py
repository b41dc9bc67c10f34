"""What every test of an env needs."""

from __future__ import annotations

from typing import Any

import numpy as np


def same(a: Any, b: Any) -> bool:
    """Whether two observations, infos or values are equal, dtypes included, all the way down."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (np.ndarray, np.generic)):
        return np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b)
    return type(a) is type(b) and a == b


def row(batch: dict[str, Any], index: int) -> dict[str, Any]:
    """One row of batched observations or infos."""
    return {key: row(value, index) if isinstance(value, dict) else value[index] for key, value in batch.items()}
