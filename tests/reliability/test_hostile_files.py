"""Files that somebody made to do harm: refused, in little time, before memory is taken."""

import importlib
import io
import json
import sys
import time
import tracemalloc
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

import gym_causal
from gym_causal import Episodes, npz
from gym_causal.files import read_json

SMALL = 1 << 26  # bytes that a refusal may take at most


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "episodes.npz"
    gym_causal.collect("expert", "CausalDAG-v0", num_episodes=3, seed=0).save(path)
    return path


def rewritten(path, changes, compression=zipfile.ZIP_DEFLATED):
    """Replace, add or (None) leave out members of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist()} | changes
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def npy_header(shape, dtype="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def refused(path, match):
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(ValueError, match=match) as caught:
        Episodes.load(path)
    seconds, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < SMALL and seconds < 2
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


class Exploit:
    """Pickled, it runs code where it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


def test_pickled_arrays(path):
    rewritten(path, {"actions.npy": npy(np.array([Exploit()], dtype=object), allow_pickle=True)})
    refused(path, "Python objects")


@pytest.mark.parametrize("name", ["actions.npy", "observations/initial_values.npy", "explanations/kind.npy"])
@pytest.mark.parametrize("shape", [(10**15,), (2**31, 2**31, 2**31), (10**9, 1), (0, 10**18)])
def test_headers_that_claim_huge_arrays(name, shape, path):
    rewritten(path, {name: npy_header(shape)})
    refused(path, "takes|entries|shape")


def test_a_bomb(path):
    """A gigabyte of zeros in a megabyte, as an honest array: more than any recorded episodes are compressed."""
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("observations/more.npy", "w", force_zip64=True) as stream,
    ):
        stream.write(npy_header((1 << 30,), "|u1"))
        for _ in range(64):
            stream.write(bytes(1 << 24))
    refused(path, "its arrays would take 1,07")


def test_a_bomb_whose_sizes_are_lies(path):
    """The directory says that a member is small; more of it is never inflated."""
    member = npy(np.zeros(1 << 25, np.uint8))
    rewritten(path, {"observations/more.npy": member})
    content = path.read_bytes()
    true, false = (np.uint32(size).tobytes() for size in (len(member), 1_128))
    assert content.count(true) >= 2  # in the member's own head and in the directory
    path.write_bytes(content.replace(true, false))
    refused(path, "takes|Bad CRC")


def test_other_compression(path):
    rewritten(path, {}, compression=zipfile.ZIP_LZMA)
    refused(path, "another method than deflate")


def test_two_arrays_of_one_name(path):
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("actions.npy", npy(np.zeros(3, int)))
    refused(path, "same name")


def test_names_that_lead_elsewhere(path, tmp_path):
    """Members of an archive are keys of a dict, never files."""
    rewritten(path, {"observations/../../../escaped.npy": npy(np.zeros(3)), "/etc/escaped.npy": npy(np.zeros(3))})
    before = sorted(tmp_path.parent.rglob("*"))
    refused(path, "entries")
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "array", [np.zeros((36, 2), int), np.zeros(36), np.array(["a"] * 36), np.zeros((), int), np.zeros(36, complex)], ids=str
)
def test_arrays_of_another_kind(array, path):
    rewritten(path, {"actions.npy": npy(array)})
    refused(path, "actions has shape")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": [1', "[]", '"text"', "9" * 5_000])
def test_metadata_that_are_no_document(text, path):
    rewritten(path, {"metadata.npy": npy(np.array(text))})
    refused(path, "is not a readable file of episodes")


def test_what_is_written_can_be_read_however_well_it_is_compressed(tmp_path):
    """Rooms where nothing happens are the most compressible of all."""
    episodes = gym_causal.collect(lambda *_: (np.full(20, 7), None), "OddOneOut-v0", num_episodes=20, explain="none", max_trial_steps=60)
    episodes.save(tmp_path / "rooms.npz")
    stated = sum(value.nbytes for value in npz.read_arrays(tmp_path / "rooms.npz").values())
    assert stated > npz.ALWAYS_ALLOWED / 4
    assert stated / (tmp_path / "rooms.npz").stat().st_size < npz.MAX_INFLATION / 2


def test_json_that_is_nested_deeply(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps([1]).replace("1", "[" * 10**6))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "config.json")


def test_an_architecture_that_its_checkpoint_does_not_hold(tmp_path):
    """Built, it would take three terabytes."""
    pytest.importorskip("torch")
    loading = importlib.import_module("agents.policies.loading")
    for path in (loading.SHIPPED / "CausalDAG-v0").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    document = json.loads((tmp_path / "config.json").read_text())
    document["architecture"] |= {"width": 4_096, "num_layers": 4_096}
    (tmp_path / "config.json").write_text(json.dumps(document))
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"config\.json' describes an agent that cannot be built here: it has more than"):
        loading.load(tmp_path)
    assert time.process_time() - begun < 2


class UndecodedInfos(list):
    """In place of imitation's own list, which decodes jsonpickle, and so may run code, where it is read."""

    def __getitem__(self, index):
        pytest.fail("infos were decoded")

    def __iter__(self):
        pytest.fail("infos were decoded")


def test_infos_of_trajectories_are_not_decoded(tmp_path, monkeypatch):
    """(imitation's reader itself needs the library datasets, which is not among the tests' packages.)"""
    data = pytest.importorskip("imitation.data")
    types = importlib.import_module("imitation.data.types")
    infos = UndecodedInfos([{}, {}])
    trajectory = types.TrajectoryWithRew(np.zeros((3, 2), np.float32), np.array([0, 1]), infos, True, np.ones(2))
    reader = SimpleNamespace(load_with_rewards=lambda folder: [trajectory])
    monkeypatch.setitem(sys.modules, "imitation.data.serialize", reader)
    monkeypatch.setattr(data, "serialize", reader, raising=False)
    (tmp_path / "dataset_info.json").touch()
    assert len(importlib.import_module("agents.data.recorded").load_recorded(str(tmp_path))) == 1
