"""Runs on a Ray cluster: each once, whatever machine is lost; and where their files are kept."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("imitation")

from agents import ablate
from agents.sweeps import storage
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import Run, runs_of
from gym_causal.files import write_atomically

pytestmark = pytest.mark.usefixtures("tiny_presets")


def runs_in(folder: Path, seeds: int, batches: int) -> list[Run]:
    return runs_of(Recipe(study="trial", seeds=seeds, variations=("one_head",), batches=batches, episodes=25, out=folder))


def begun(folder: Path) -> int:
    """In how many processes the training in a folder was begun: each leaves a file for TensorBoard."""
    return len(list((folder / "tensorboard").glob("events*")))


@pytest.mark.slow
def test_a_lost_machine_loses_no_run_and_repeats_none(tmp_path):
    """Two machines of one CPU; one is killed in the middle of its run. All results are those of runs in this process."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    from agents.sweeps.ray_cluster import RayOptions, execute_all_on_ray  # noqa: PLC0415

    runs, shared = runs_in(tmp_path / "here", seeds=3, batches=400), tmp_path / "shared"
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    second = cluster.add_node(**node)
    options = RayOptions(cluster.address, cpus_per_run=1, gpus_per_run=0, retries=3, storage=str(shared))
    placed = [dataclasses.replace(run, folder=Path(options.location(run))) for run in runs]
    updates_when_killed: list[int] = []

    def kill_one() -> None:
        while sum(0 < run.updates < 400 for run in placed) < 2:
            time.sleep(0.05)
        updates_when_killed.extend(run.updates for run in placed)
        cluster.remove_node(second, allow_graceful=False)

    killer = threading.Thread(target=kill_one, daemon=True)
    try:
        killer.start()
        assert execute_all_on_ray(runs, options, Console(quiet=True)) == {}
        killer.join(60)
        times = [begun(run.folder) for run in placed]
        assert sorted(times) == [1, 1, 2]
        repeated = times.index(2)
        assert updates_when_killed[repeated] > 0
        for run in runs:
            (run.folder / "results.csv").unlink()
        assert execute_all_on_ray(runs, options, Console(quiet=True)) == {}  # what is finished is returned, and not executed again
        assert [begun(run.folder) for run in placed] == times
    finally:
        cluster.shutdown()
    (expected,) = (run for run in runs_in(tmp_path / "expected", 3, 400) if run.config.seed == runs[repeated].config.seed)
    expected.execute()
    for name in ("results.csv", "learning_curve.csv", "probe.csv"):
        assert (runs[repeated].folder / name).read_bytes() == (expected.folder / name).read_bytes()
    assert all(run.finished for run in runs)


def test_a_run_goes_on_from_a_url(tmp_path, monkeypatch):
    """Interrupted once it is trained, it is evaluated on another machine, which has its files from the URL."""
    pytest.importorskip("fsspec")
    monkeypatch.setattr(storage, "_POLL", 0.01)
    (run,), (expected,) = runs_in(tmp_path / "unused", 1, 8), runs_in(tmp_path / "expected", 1, 8)
    expected.execute()
    url = (tmp_path / "bucket" / "seed_0").as_uri()

    def stop(split, *_):
        raise KeyboardInterrupt

    with storage.working_folder(url) as folder, monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "_evaluate", stop)  # trained, and not evaluated
        dataclasses.replace(run, folder=folder).execute()
    assert sorted(path.name for path in (tmp_path / "bucket" / "seed_0").iterdir()) == [
        "checkpoint.safetensors",
        "config.json",
        "learning_curve.csv",
    ]
    with storage.working_folder(url) as folder:
        placed = dataclasses.replace(run, folder=folder)
        assert placed.updates == 8
        placed.execute()
        assert begun(folder) == 0  # nothing was trained again
    assert not folder.exists() and not run.folder.exists()
    assert (tmp_path / "bucket" / "seed_0" / "results.csv").read_bytes() == (expected.folder / "results.csv").read_bytes()


def test_checkpoints_are_copied_while_it_runs(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.setattr(storage, "_POLL", 0.01)
    bucket = tmp_path / "bucket"
    with storage.working_folder(bucket.as_uri()) as folder:
        for content in (b"first", b"second"):
            for name in ("learning_curve.csv", "checkpoint.safetensors"):
                write_atomically(folder / name, lambda path, content=content: path.write_bytes(content))
            deadline = time.monotonic() + 30
            while not (bucket / "checkpoint.safetensors").exists() or (bucket / "checkpoint.safetensors").read_bytes() != content:
                assert time.monotonic() < deadline, "it is not copied"
                time.sleep(0.01)
            assert (bucket / "learning_curve.csv").read_bytes() == content
    assert {path.name for path in bucket.iterdir()} == {"learning_curve.csv", "checkpoint.safetensors"}


def test_a_checkpoint_written_before_the_thread_starts_is_copied(tmp_path, monkeypatch):
    """A machine with too much to do starts the thread late: the first checkpoint must not be taken for one that was downloaded."""
    pytest.importorskip("fsspec")
    monkeypatch.setattr(storage, "_POLL", 0.01)
    remote = storage._Remote((tmp_path / "bucket").as_uri(), tmp_path)
    remote.download()
    write_atomically(tmp_path / "checkpoint.safetensors", lambda path: path.write_bytes(b"first"))
    copied, over = threading.Event(), threading.Event()
    monkeypatch.setattr(remote, "upload", copied.set)
    thread = threading.Thread(target=remote.upload_checkpoints, args=(over,), daemon=True)
    thread.start()
    assert copied.wait(10)
    over.set()
    thread.join()


def test_a_folder_is_taken_as_it_is(tmp_path):
    with storage.working_folder(str(tmp_path)) as folder:
        assert folder == tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "auto", "retries": 1}, "address, retries must be left out with backend processes"),
        ({"backend": "ray", "cpus_per_run": 0}, "cpus_per_run must be a number > 0"),
        ({"backend": "ray", "retries": -2}, "retries must be an int from -1"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(SystemExit, match=f"error: {message}"):
        ablate.main(ablate.Args(study="trial", out=tmp_path / "new", **arguments))
    assert not (tmp_path / "new").exists()


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "agents.sweeps.ray_cluster", raising=False)
    with pytest.raises(SystemExit, match=r'error: --backend ray needs the extra "ray": pip install -e "\.\[ray\]"'):
        ablate.main(ablate.Args(study="trial", out=tmp_path / "new", backend="ray"))
    assert not (tmp_path / "new").exists()
