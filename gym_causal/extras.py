"""A clear error for a missing optional dependency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gymnasium.error import DependencyNotInstalled

_OURS = ("gym_causal", "baselines", "agents", "benchmarks")


class ExtraNotInstalled(DependencyNotInstalled, ImportError):
    """An optional dependency is missing; the message says what to install."""


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """A context for an import; if that fails, the error names the extra to install.

    Args:
        what: what needs the import, for example "rendering"; the message begins with it.
        extra: the name of the extra in ``pip install -e ".[extra]"``.

    Raises:
        ExtraNotInstalled: an import of another package inside failed; its own error is chained. It is a
            ``gymnasium.error.DependencyNotInstalled`` and an ``ImportError``.
    """
    try:
        yield
    except ExtraNotInstalled:
        raise  # it names the extra of the part that is missing
    except ImportError as error:
        if (error.name or "").partition(".")[0] in _OURS:
            raise  # no extra brings a module of ours
        raise ExtraNotInstalled(f'{what} needs the extra "{extra}": pip install -e ".[{extra}]" ({error})') from error
