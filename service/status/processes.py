"""Children of one process: started, heard of when they are ready, replaced when they die, ended together.

A child is a fork of a process that has no thread and no open store yet: it opens its own. It ends with its
parent, however that ends.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from service.errors import ServiceError

Work = Callable[[threading.Event, Callable[[], None]], None]
"""What a child does until the event is set; it calls the second argument once it is ready."""
_GRACE: Final = 6.0
_START: Final = 30.0
_SOON: Final = 10.0
"""A child that dies younger than this is not started again at once: what ended it is still there."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


class ChildFailed(ServiceError):
    """A process of the status service ended before it was ready."""


@dataclass(frozen=True, slots=True)
class _Child:
    name: str
    work: Work
    since: float
    """Running since, or to be started at; of the steady clock."""
    pause: float
    """That came before its start."""

    def again(self, now: float, lived: float) -> _Child:
        """Itself after it died: twice the pause each time that it did not live long."""
        pause = 0.0 if lived >= _SOON else min(max(_FIRST_PAUSE, 2 * self.pause), _LONGEST_PAUSE)
        return _Child(self.name, self.work, now + pause, pause)


class Children:
    """The parent's side. Belongs to its main thread."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's bound logger
        self._log = log
        self._life, self._parents_end = os.pipe()
        self._running: dict[int, _Child] = {}
        self._waiting: list[_Child] = []
        """Died, and not yet started again."""

    @property
    def pids(self) -> dict[int, str]:
        """Names by process id."""
        return {pid: child.name for pid, child in self._running.items()}

    def start(self, name: str, work: Work, *, pause: float = 0.0) -> int:
        """A new child, ready when this returns; ChildFailed where it is not within half a minute.

        `pause`: the seconds that it was waited for its start.
        """
        ready, tells = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            os.close(self._parents_end)
            os._exit(_child(work, self._life, tells, self._log))
        os.close(tells)
        try:
            heard, _, _ = select.select([ready], [], [], _START)
            said = os.read(ready, 1) if heard else b""
        finally:
            os.close(ready)
        if said != b"R":
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise ChildFailed(
                f"The {name} process did not start.", next_step="Its reason is in the log above.", field=name
            )
        self._running[pid] = _Child(name, work, time.monotonic(), pause)
        return pid

    def replace_dead(self) -> None:
        """Start again whatever ended by itself: at once, or after a pause where it was young."""
        now = time.monotonic()
        for pid, child in list(self._running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self._running[pid]
                self._log.error("process.ended", kind=child.name, status=os.waitstatus_to_exitcode(status))
                self._waiting.append(child.again(now, now - child.since))
        for child in [child for child in self._waiting if child.since <= now]:
            self._waiting.remove(child)
            try:
                self.start(child.name, child.work, pause=child.pause)
            except ChildFailed as failed:
                self._log.error("process.not_started", problem=failed.problem)
                self._waiting.append(child.again(time.monotonic(), 0.0))

    def give_up(self) -> None:
        """Start none again of those that died until now: others have their place."""
        self._waiting.clear()

    def end(self, pids: list[int] | None = None) -> None:
        """Ends these, or all: asked first, killed where they do not listen."""
        if pids is None:
            self.give_up()
        ending = list(self._running) if pids is None else pids
        for pid in ending:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        for pid in ending:
            while os.waitpid(pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    break
                time.sleep(0.01)
            self._running.pop(pid, None)


def _outlive(life: int, ended: threading.Event) -> None:
    os.read(life, 1)
    ended.set()


def _child(work: Work, life: int, tells: int, log: Any) -> int:  # noqa: ANN401
    """The child's whole life; its exit code."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    # The pipe ends with the parent: nobody is left who would end us.
    threading.Thread(target=_outlive, args=(life, ended), daemon=True).start()

    def ready() -> None:
        os.write(tells, b"R")
        os.close(tells)

    try:
        work(ended, ready)
    except BaseException as bad:  # noqa: BLE001 - a child must not run on into its parent's code
        log.error("process.failed", error=type(bad).__name__, problem=getattr(bad, "problem", ""))
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
