"""The measurements of docs/reliability.md, in small; and the page holds what was measured."""

import json
import time

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("imitation")
pytest.importorskip("transformers")

from gym_causal.registry import registered_ids
from reliability import damage
from reliability.commands import COMMANDS, Command
from reliability.files import KINDS
from reliability.fuzz import fuzz
from reliability.kills import measure
from reliability.machines import SingleMachine, VectorMachine
from tests.docs_scripts import load_script, page_tables

tables = load_script("make_reliability_tables")
IDS = sorted(each for each in registered_ids() if "-v" in each)


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "OddOneOutIntervention-v0", "OddOneOutText-v0"])
@pytest.mark.parametrize(("machine", "attributes"), [(VectorMachine, {"rows": 5}), (SingleMachine, {})])
def test_fuzzed_steps(machine, attributes, env_id):
    counts = fuzz(machine, env_id, steps=50, first_seed=1, examples=4, **attributes)
    assert {"resets", "pickled", "copied", "rendered", "asked", "refused"} <= set(counts)


def test_a_breach_is_found():
    class Broken(VectorMachine):
        def both(self, call):
            call(self.twin)  # as if a step of the twin were lost
            return super().both(call)

    with pytest.raises(AssertionError):
        fuzz(Broken, "CausalDAG-v0", steps=1_000, first_seed=0, rows=5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_damaged_files(kind):
    found = damage.measure(kind, flips=20, seed=1)
    assert found["failures"] == {}
    if kind.protected:
        assert found["truncated"]["changed"] == found["flipped"]["changed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bc", "ppo", "ablate", "collect", "language_train", "language_play"])
def test_kills(name, tmp_path):
    found = measure(COMMANDS[name], kills=4, rng=np.random.default_rng(1), root=tmp_path)
    assert found["kills"] == 4 and not found["mismatches"]


def write_the_time(folder):
    folder.mkdir(exist_ok=True)
    time.sleep(0.5)
    (folder / "time.txt").write_text(str(time.time()))


@pytest.mark.slow
def test_a_mismatch_is_found(tmp_path):
    found = measure(Command("the time", write_the_time, ("*.txt",)), kills=1, rng=np.random.default_rng(0), root=tmp_path)
    assert found["kills"] == 1 and found["mismatches"] == [f"killed_{found['folders'] - 1}/time.txt"]


def test_the_page_is_current():
    text = tables.PAGE.read_text("utf-8")
    assert set(page_tables.table_names(text)) == set(tables.TABLES) and page_tables.with_tables(text, tables.TABLES) == text


def test_the_page_reports_no_failure():
    reports = {name: json.loads((tables.DATA / f"{name}.json").read_text("utf-8")) for name in tables.TABLES}
    assert [env["env_id"] for env in reports["fuzz"]["envs"]] == IDS
    assert all(env["vector"]["steps"] >= 10**6 for env in reports["fuzz"]["envs"])
    assert sum(each["kills"] for each in reports["kills"]["commands"]) >= 100
    assert not any(each["mismatches"] for each in reports["kills"]["commands"])
    assert not any(kind["failures"] for kind in reports["damage"]["kinds"])
    assert not any(kind["protected"] and kind[done]["changed"] for kind in reports["damage"]["kinds"] for done in ("truncated", "flipped"))
