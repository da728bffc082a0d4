"""One process at a time works on a home's keys, and one command at a time changes its CAs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from service.errors import AlreadyRunning
from service.home import Home, make_private


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Holds the home's lock; AlreadyRunning where a process has it."""
    problem = f"A medtrust process runs on {home.root} already."
    with _held(home, "daemon.lock", problem, "Stop it first, or use another home: --home."):
        yield


@contextmanager
def changing_cas(home: Home) -> Iterator[None]:
    """Nobody else changes the home's CAs meanwhile; AlreadyRunning where another command does.

    Each reads the list of CAs, works, and writes it: of two at once, one would undo what the other did.
    """
    problem = f"Another command changes the CAs of {home.root}."
    with _held(home, "authorities.lock", problem, "Wait until it is done, then: medtrust ca list."):
        yield


@contextmanager
def _held(home: Home, name: str, problem: str, next_step: str) -> Iterator[None]:
    lock = FileLock(make_private(home.run) / name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(problem, next_step=next_step, field="home") from None
    with lock:
        yield
