"""One process at a time works on a home's keys: the daemon, or a command that exchanges them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from service.errors import AlreadyRunning
from service.home import Home, make_private


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Holds the home's lock; AlreadyRunning where a process has it."""
    lock = FileLock(make_private(home.run) / "daemon.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(
            f"A medtrust process runs on {home.root} already.",
            next_step="Stop it first, or use another home: --home.",
            field="home",
        ) from None
    with lock:
        yield
