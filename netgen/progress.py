"""What takes long: told to whoever watches, and to the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

LOG = logging.getLogger("netgen")
LOG.addHandler(logging.NullHandler())
"""Steps, each simulation and how it ended: a library is silent unless somebody listens."""

Show = Callable[[str, float], AbstractContextManager[object]]
"""Shows a piece of work that is under way, given what it is and about how many seconds it takes."""


def _nothing(_: str, __: float) -> AbstractContextManager[object]:
    return nullcontext()


_show: ContextVar[Show] = ContextVar("show", default=_nothing)


@contextmanager
def shown(show: Show) -> Iterator[None]:
    """Have pieces of work shown while the block runs."""
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


@contextmanager
def announced(what: str, seconds: float) -> Iterator[None]:
    """Tell of a piece of work of about so many seconds while the block does it."""
    LOG.info("%s", what)
    started = time.monotonic()
    with _show.get()(what, seconds):
        yield
    LOG.info("%s: took %.1f s", what, time.monotonic() - started)
