"""Two processes in one folder: the second one is refused, and a killed one stands in nobody's way."""

import importlib
import multiprocessing
import time

import pytest

pytest.importorskip("filelock")

from agents.algorithms import folder_lock
from agents.algorithms.folder_lock import LOCK, locked


def hold(folder, held):
    with locked(folder):
        held.set()
        time.sleep(60)


@pytest.fixture
def other(tmp_path):
    """A process that has locked ``tmp_path / "run"``."""
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=hold, args=(tmp_path / "run", held))
    process.start()
    assert held.wait(60)
    yield process
    process.kill()
    process.join()


def test_the_second_process_is_refused_until_the_first_is_killed(other, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "_PATIENCE", 0.1)
    folder = tmp_path / "run"
    with pytest.raises(BlockingIOError, match=r"folder: another process is writing to '.*run'"), locked(folder):
        pass
    other.kill()
    other.join()
    assert (folder / LOCK).exists()
    with locked(folder):
        (folder / "written").touch()
    assert [path.name for path in folder.iterdir()] == ["written"]


@pytest.mark.parametrize("module", ["agents.train", "agents.ablate", "agents.language.train"])
def test_commands_are_refused_in_one_line(module, tmp_path, monkeypatch):
    pytest.importorskip("imitation")
    pytest.importorskip("transformers")
    monkeypatch.setattr(folder_lock, "_PATIENCE", 0.1)
    command = importlib.import_module(module)
    with locked(tmp_path), pytest.raises(SystemExit, match=r"^error: folder: another process is writing to '.*'") as caught:
        if module == "agents.ablate":
            command.main(command.parse(["--out", str(tmp_path), "--batches", "2", "--seeds", "1", "--variations", "variable"]))
        else:
            command.main(["--out", str(tmp_path)])
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_what_is_refused_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="no such thing"), locked(tmp_path / "new"):
        raise ValueError("no such thing")
    assert not (tmp_path / "new").exists()
