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
_SETTLED, _FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 0.5, 10.0


class ChildFailed(ServiceError):
    """A process of the status service ended before it was ready."""


@dataclass(slots=True)
class _Child:
    name: str
    work: Work
    born: float = 0.0
    pause: float = 0.0
    """Seconds to wait before the next start, where it ended soon after its last."""

    def ended(self, now: float) -> None:
        """It ended by itself, or did not start."""
        self.pause = (
            0.0 if now - self.born > _SETTLED else min(max(2 * self.pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        )
        self.born = now + self.pause


class Children:
    """The parent's side. Belongs to its main thread."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's bound logger
        self._log = log
        self._life, self._parents_end = os.pipe()
        self._running: dict[int, _Child] = {}
        self._waiting: list[_Child] = []
        """Those that ended by themselves; `born` is when they may start again."""

    @property
    def pids(self) -> dict[int, str]:
        """Names by process id."""
        return {pid: child.name for pid, child in self._running.items()}

    def start(self, name: str, work: Work) -> int:
        """A new child, ready when this returns; ChildFailed where it is not within half a minute."""
        return self._start(_Child(name, work))

    def replace_dead(self) -> None:
        """Start again whatever ended by itself; what ends soon after its start waits longer each time."""
        now = time.monotonic()
        for pid, child in list(self._running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self._running[pid]
                child.ended(now)
                self._waiting.append(child)
                self._log.error("process.ended", kind=child.name, status=os.waitstatus_to_exitcode(status))
        for child in [each for each in self._waiting if each.born <= now]:
            self._waiting.remove(child)
            try:
                self._start(child)
            except ChildFailed as failed:
                self._log.error("process.not_started", kind=child.name, problem=failed.problem)
                child.ended(time.monotonic())
                self._waiting.append(child)

    def end(self, pids: list[int] | None = None) -> None:
        """Ends these, or all, and what waits to start again: asked first, then killed."""
        self._waiting.clear()
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

    def _start(self, child: _Child) -> int:
        ready, tells = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            os.close(self._parents_end)
            os._exit(_live(child.work, self._life, tells, self._log))
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
                f"The {child.name} process did not start.",
                next_step="Its reason is in the log above.",
                field=child.name,
            )
        child.born = time.monotonic()
        self._running[pid] = child
        return pid


def _outlive(life: int, ended: threading.Event) -> None:
    os.read(life, 1)
    ended.set()


def _live(work: Work, life: int, tells: int, log: Any) -> int:  # noqa: ANN401
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
