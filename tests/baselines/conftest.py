"""Builders of data: by hand, or by playing a model."""

import numpy as np
import pytest

from baselines.causal_dag.interventional_data import InterventionalData
from gym_causal.scm import StructuralCausalModels


def _by_hand(*trials):
    """One episode of trials (initial values, variable set or -1, its value, outcome)."""
    initial, target, value, outcome = zip(*trials, strict=True)
    return InterventionalData(
        np.array([initial], float),
        np.array([outcome], float),
        np.array([target]),
        np.array([value], float),
        np.ones((1, len(target)), bool),
    )


def _played(models: StructuralCausalModels, rng: np.random.Generator, do_target: np.ndarray, do_value: float = 5.0):
    """(B, T) interventions in a batch of models; -1 sets nothing."""
    batch, trials = do_target.shape
    initial = models.sample(models.sample_noise(rng, trials))
    outcomes = models.sample(models.sample_noise(rng, trials), do_target, do_value)
    value = np.where(do_target >= 0, do_value, 0.0)
    return InterventionalData(initial, outcomes, do_target, value, np.ones((batch, trials), bool))


@pytest.fixture
def by_hand():
    return _by_hand


@pytest.fixture
def played():
    return _played
