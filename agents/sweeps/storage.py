"""Where a run on another machine keeps its files: a folder that all machines see, or a URL that fsspec knows."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.algorithms.learning_curve import HISTORY
from agents.policies.checkpoints import CHECKPOINT, CONFIG
from agents.sweeps.runs import PROBE, RESULTS
from gym_causal.extras import needs_extra

_KEPT = (CONFIG, HISTORY, CHECKPOINT, PROBE, RESULTS)
"""In the order in which they are copied: a learning curve is at least as long as the checkpoint beside it, and with results a run is
finished."""
_POLL = 5.0
"""Seconds between looks for a new checkpoint."""


@contextmanager
def working_folder(location: str) -> Iterator[Path]:
    """A folder of this machine for the files of a run.

    Args:
        location: a folder, which is given as it is; or a URL ("s3://bucket/study/variation/seed_0"), whose files are copied to a temporary
            folder, and back after each checkpoint and at the end.

    Raises:
        ExtraNotInstalled: a URL, and fsspec is missing.
    """
    if "://" not in location:
        yield Path(location)
        return
    with tempfile.TemporaryDirectory() as temporary:
        remote = _Remote(location, Path(temporary))
        remote.download()
        over = threading.Event()
        watcher = threading.Thread(target=remote.upload_checkpoints, args=(over,), daemon=True)
        watcher.start()
        try:
            yield Path(temporary)
        finally:
            over.set()
            watcher.join()
            remote.upload()


class _Remote:
    """The files of a run at a URL, and their copies in a folder."""

    def __init__(self, location: str, folder: Path) -> None:
        with needs_extra(f"storage {location}", "ray"):
            import fsspec  # noqa: PLC0415 - folders need no such library
        self._files, self._root = fsspec.core.url_to_fs(location)
        self._folder = folder
        self._copied: int | None = None
        """When the last checkpoint was written that both places have (:meth:`_written`)."""

    def download(self) -> None:
        for name in _KEPT:
            if self._files.exists(f"{self._root}/{name}"):
                (self._folder / name).write_bytes(self._files.cat_file(f"{self._root}/{name}"))
        # Noted here and not in the thread, which may start only after the run has written a checkpoint of its own.
        self._copied = self._written()

    def upload(self) -> None:
        """Copy all files. Each is put in place once it is whole."""
        # The checkpoint is read first and copied last: what is read after it is at least as new.
        found = {name: (self._folder / name).read_bytes() for name in reversed(_KEPT) if (self._folder / name).exists()}
        self._files.makedirs(self._root, exist_ok=True)
        for name in _KEPT:
            if name in found:
                self._files.pipe_file(f"{self._root}/{name}.part", found[name])
                self._files.mv(f"{self._root}/{name}.part", f"{self._root}/{name}")

    def upload_checkpoints(self, over: threading.Event) -> None:
        """Copy all files whenever there is a new checkpoint, until it is ``over``."""
        while not over.wait(_POLL):
            if (written := self._written()) != self._copied:
                self.upload()
                self._copied = written

    def _written(self) -> int | None:
        """When the checkpoint here was written, in nanoseconds; None without one."""
        checkpoint = self._folder / CHECKPOINT
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
