"""Records the parts of a collection in parallel processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

from gym_causal.collect.recording import Recorder
from gym_causal.episodes import Episodes
from gym_causal.processes import exit_when_closed

MAX_WORKERS = 1_024


def record_in_parallel(recorder: Recorder, parts: list[range], workers: int) -> Generator[tuple[int, Episodes], None, None]:
    """The first episode of every part and the part's episodes, in any order.

    When this ends, by an exception in the loop over it too, so do all workers: at once, in the middle of a part.

    Args:
        recorder: records a part; it is pickled if there are several workers.
        parts: to record.
        workers: how many processes, >= 1; no more are started than there are parts. With 1 all is done in this process.

    Raises:
        RuntimeError: a worker died.
    """
    if min(workers, len(parts)) == 1:
        for part in parts:
            yield part.start, recorder.record(part)
        return
    # Not forked: a policy's threads, torch's for example, do not survive a fork.
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)  # nothing is written: workers exit when the writing end is closed, also by a kill
    executor = ProcessPoolExecutor(min(workers, len(parts)), context, initializer=_begin, initargs=(recorder, reader))
    try:
        with _interrupts_held_back():
            futures = {executor.submit(_record, part): part.start for part in parts}  # which starts the workers
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()
    except BrokenProcessPool as error:
        raise RuntimeError("workers: a worker process died; it was killed (is there enough memory?), or could not start") from error
    finally:
        writer.close()
        executor.shutdown(cancel_futures=True)
        reader.close()


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits until the end. Processes that are started meanwhile never get it, not even while they import modules."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


_recorder: Recorder  # of a worker


def _begin(recorder: Recorder, reader: Connection) -> None:
    """In a new worker."""
    global _recorder  # noqa: PLW0603 - what an initializer leaves to the calls that follow it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches this process; the parent answers it
    exit_when_closed(reader)
    _recorder = recorder


def _record(part: range) -> Episodes:
    return _recorder.record(part)
