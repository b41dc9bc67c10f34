"""Optional dependencies: what to say when one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Wrap a lazy import: when it fails, say which extra to install.

    Args:
        what: what needs it, "rendering" say; the message begins with it.
        extra: the name of the extra in ``pip install gym-causal[extra]``.

    Raises:
        ImportError: the import inside failed; its own error is chained.
    """
    try:
        yield
    except ImportError as error:
        message = f"{what} needs the extra: pip install gym-causal[{extra}]"
        raise ImportError(message, name=error.name, path=error.path) from error
