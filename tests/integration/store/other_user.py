"""A function run by a user who owns nothing: in a process of its own, with its result or its error."""

from __future__ import annotations

import multiprocessing
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_FORK = multiprocessing.get_context("fork")
IS_ROOT = os.geteuid() == 0


class Other:
    """The running process; `send` reaches it, `result` waits for its end."""

    def __init__(self, act: Callable[..., Any], *given: object, talks: bool = False) -> None:
        self._ours, theirs = _FORK.Pipe()
        arguments = (theirs, *given) if talks else given
        self._process = _FORK.Process(target=_run, args=(theirs, act, arguments))
        self._process.start()
        theirs.close()

    def send(self, message: object) -> None:
        """To its end of the pipe, which it gets as the first argument where it `talks`."""
        self._ours.send(message)

    def receive(self, seconds: float = 30) -> Any:  # noqa: ANN401 - whatever it sends
        """What it sent, or what it returned; an error is raised here."""
        if not self._ours.poll(seconds):
            raise TimeoutError("the other user's process says nothing")
        found = self._ours.recv()
        if isinstance(found, Exception):
            raise found
        return found

    def end(self) -> None:
        """Wait for it, or kill it."""
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


@contextmanager
def other(act: Callable[..., Any], *given: object, talks: bool = False) -> Iterator[Other]:
    """Nobody where we are root; else ourselves, so the test closes the folder instead."""
    running = Other(act, *given, talks=talks)
    try:
        yield running
    finally:
        running.end()


def asked(act: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401 - whatever it returns
    """Its result, or its error raised here."""
    with other(act, *given) as running:
        return running.receive()


def _run(pipe: Connection, act: Callable[..., Any], given: tuple[object, ...]) -> None:
    if IS_ROOT:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    try:
        pipe.send(act(*given))
    except Exception as failed:  # noqa: BLE001 - it is raised on the other side
        pipe.send(failed)
