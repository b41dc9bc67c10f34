"""One process in a folder at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"
_PATIENCE = 2.0
"""Seconds that the processes of a killed command have to end before the folder counts as taken."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A context in which no other process may write to a folder. The operating system ends the lock with the process, also by SIGKILL.

    It is on a file, ``.lock``, which is removed in the end. (A killed process leaves it behind, without effect.) Folders that did
    not exist, and in which nothing was written, are removed too.

    Args:
        folder: made if it does not exist.

    Raises:
        BlockingIOError: another process, or another training of this one, has locked it.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]  # the innermost first
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_PATIENCE)
        while not path.exists():  # removed by its last owner after it was opened here
            lock.release()
            lock.acquire(timeout=_PATIENCE)
    except Timeout as error:
        raise BlockingIOError(
            f"folder: another process is writing to {os.fspath(folder)!r}; wait for its end, or choose another"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(PermissionError):  # Windows removes no open file
            path.unlink(missing_ok=True)
        lock.release()
        for each in made:
            if each.exists() and not any(each.iterdir()):
                each.rmdir()
