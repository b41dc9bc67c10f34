"""The infos of steps in which episodes ended: Gymnasium's object arrays, however they are read."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from gym_causal.core.step_infos import StepInfos
from gym_causal.registry import registered_ids
from tests.conftest import row, same
from tests.core.test_vector_env import IS_029, make, only_1x, until_some_are_done

every_id = pytest.mark.parametrize("env_id", registered_ids())


@every_id
def test_final_observations_are_an_object_array(env_id):
    infos, done = until_some_are_done(make(env_id))
    for name in ("final_obs", "final_observation"):
        final = infos[name]
        assert isinstance(final, np.ndarray) and final.dtype == object and final.shape == (4,)
        assert [entry is not None for entry in final] == done.tolist() == infos[f"_{name}"].tolist()
    chosen = infos["final_obs"][infos["_final_obs"]]
    assert len(chosen) == done.sum()
    assert all(same(entry, row(infos.ended.observations, index)) for index, entry in enumerate(chosen))


@pytest.mark.skipif(not IS_029, reason="1.x batches final infos")
@every_id
def test_on_029_final_infos_are_one_dict_a_row(env_id):
    infos, done = until_some_are_done(make(env_id))
    assert infos["final_info"].dtype == object and [info is not None for info in infos["final_info"]] == done.tolist()
    for index, info in enumerate(infos["final_info"]):  # the loop of its users
        if info and "explanation" in info:
            assert same(info, row(infos.ended.infos, index))


@only_1x
@every_id
def test_on_1x_final_infos_are_batched(env_id):
    infos, _ = until_some_are_done(make(env_id))
    assert same(infos["final_info"], infos.ended.infos)


READERS = {
    "index": lambda infos: infos["final_obs"],
    "get": lambda infos: infos.get("final_obs"),
    "pop": lambda infos: infos.pop("final_obs"),
    "items": lambda infos: dict(infos.items())["final_obs"],
    "values": lambda infos: next(value for key, value in zip(infos, infos.values(), strict=True) if key == "final_obs"),
    "dict": lambda infos: dict(infos)["final_obs"],
    "unpacking": lambda infos: {**infos}["final_obs"],
    "update": lambda infos: _updated(infos)["final_obs"],
    "union": lambda infos: ({} | infos)["final_obs"],
    "union from the left": lambda infos: (infos | {})["final_obs"],
    "setdefault": lambda infos: infos.setdefault("final_obs"),
    "popitem": lambda infos: dict(infos.popitem() for _ in range(len(infos)))["final_obs"],
    "copy": lambda infos: infos.copy()["final_obs"],
    "copy.copy": lambda infos: copy.copy(infos)["final_obs"],
    "deepcopy": lambda infos: copy.deepcopy(infos)["final_obs"],
    "pickle": lambda infos: pickle.loads(pickle.dumps(infos))["final_obs"],
    "keyword": lambda infos: dict(**infos)["final_obs"],
}


def _updated(infos: dict[str, Any]) -> dict[str, Any]:
    updated: dict[str, Any] = {}
    updated.update(infos)
    return updated


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_an_entry_is_made_however_it_is_read(read):
    infos, done = until_some_are_done(make("OddOneOut-v0"))
    assert isinstance(infos, StepInfos)
    final = read(infos)
    assert isinstance(final, np.ndarray) and [entry is not None for entry in final] == done.tolist()


def test_infos_of_a_step_print_compare_and_answer_for_missing_keys():
    infos, _ = until_some_are_done(make("OddOneOut-v0", 1))
    assert "array([{'view'" in repr(infos) and infos.get("no") is None and infos.get("no", 3) == 3 and infos.pop("no", 4) == 4
    with pytest.raises(KeyError):
        infos["no"]
    with pytest.raises(KeyError):
        infos.pop("no")
    assert infos != {}
