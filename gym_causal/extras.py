"""A clear error for a missing optional dependency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """A context for a lazy import; if that fails, the error names the extra to install.

    Args:
        what: what needs the import, for example "rendering"; the message begins with it.
        extra: the name of the extra in ``pip install gym-causal[extra]``.

    Raises:
        ImportError: the import inside failed; its own error is chained.
    """
    try:
        yield
    except ImportError as error:
        message = f"{what} needs the extra: pip install gym-causal[{extra}]"
        raise ImportError(message, name=error.name, path=error.path) from error
