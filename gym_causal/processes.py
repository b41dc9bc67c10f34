"""Processes that end with the one that started them."""

from __future__ import annotations

import os
import threading
from multiprocessing.connection import wait
from typing import Any


def exit_when_closed(connection: Any) -> None:
    """End this process, at once and without cleaning up, when a connection or sentinel becomes ready.

    Args:
        connection: as :func:`multiprocessing.connection.wait` takes it: the sentinel of the parent process, ready when that ends; or the
            reading end of a pipe, ready when its writing end is closed.
    """

    def watch() -> None:
        wait([connection])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
