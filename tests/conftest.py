"""What every test of an env needs: comparisons, and a tiny registered task of one's own."""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import pytest

from gym_causal import TaskSpec, register_task
from gym_causal.core.step_infos import StepInfos
from gym_causal.registry import load_target, task_spec
from tests.hint_task import BY_CLASS, BY_NAME

hypothesis.settings.register_profile("any machine", deadline=None)  # an example may take long where others use the machine too
hypothesis.settings.load_profile("any machine")


def same(a: Any, b: Any) -> bool:
    """Whether two observations, infos or values are equal, dtypes included, all the way down."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (np.ndarray, np.generic)):
        return np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b)
    return type(a) is type(b) and a == b


def row(batch: Any, index: int) -> Any:
    """One row of batched observations or infos. (Observations in words are a tuple of strings.)"""
    return {key: row(value, index) for key, value in batch.items()} if isinstance(batch, dict) else batch[index]


def short_arrays(env_id: str) -> dict[str, Any]:
    """Arguments with which an env of ours observes small arrays, and random play ends soon."""
    spec = task_spec(env_id)
    has_limit = "max_trial_steps" in load_target(spec.config).__dataclass_fields__
    return {**spec.compact_kwargs, **({"max_trial_steps": 9} if has_limit else {})}


def present_infos(infos: dict[str, Any]) -> dict[str, Any]:
    """The batched infos of the state that a step led to, also where every row's episode ended with it."""
    return infos.ended.infos if isinstance(infos, StepInfos) else infos


@pytest.fixture(scope="session")
def _registered_hints() -> None:
    register_task(BY_NAME)
    register_task(BY_CLASS)


@pytest.fixture(params=[BY_NAME, BY_CLASS], ids=["by_name", "by_class"])
def hint_spec(request: pytest.FixtureRequest, _registered_hints: None) -> TaskSpec:
    """A task that is not ours, registered by its classes' names or by the classes."""
    return request.param


@pytest.fixture
def hint_id(_registered_hints: None) -> str:
    """The id of the same task."""
    return BY_NAME.env_id


# Files that take longest, so that they begin first: whoever is last then has little left to do.
SLOWEST_FIRST = (
    "test_examples.py",
    "test_tour.py",
    "test_commands.py",
    "test_ablate.py",
    "test_language_command.py",
    "test_language_training.py",
    "test_compare.py",
    "test_behavioral_cloning.py",
    "test_ppo.py",
    "test_documentation.py",
    "test_learning_to_explain.py",
    "test_kill_and_resume.py",
    "test_editable_install.py",
    "test_expert_sight.py",
    "test_explanation_studies.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))
