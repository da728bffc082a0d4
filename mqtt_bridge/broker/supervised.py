"""A child process that is kept alive, whose log is read, and that ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LINES_KEPT = 500
_LINE_LIMIT = 2_000
_SETTLED = 10.0
_FIRST_DELAY, _MOST_DELAY = 0.2, 15.0


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a child runs as when we are root."""

    name: str
    uid: int
    gid: int


class SupervisedChild:
    """A program, started again after growing delays; `tell` hears its log, not `noise`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        tell: Callable[[str], None],
        account: Account | None = None,
        noise: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._command = list(command)
        self._tell = tell
        self._account = account
        self._noise = tuple(noise)
        self._news = threading.Condition()
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._seen = 0
        self._exits = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None between two lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def exits(self) -> int:
        """How often it has ended since `start`."""
        return self._exits

    @property
    def lines_seen(self) -> int:
        """A position in its log, for `wait_for_line`."""
        return self._seen

    def recent_lines(self, count: int) -> list[str]:
        """The last lines of its log."""
        with self._news:
            return list(self._lines)[-count:]

    def start(self) -> None:
        """Starts it on a thread that lives as long as it: the kernel ties a child to that thread's death."""
        self._stopping.clear()
        self._exits = 0
        self._thread = threading.Thread(target=self._keep_alive, name=f"child {self.name}", daemon=True)
        self._thread.start()

    def signal(self, number: signal.Signals) -> bool:
        """Sends a signal; False when it is not running."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    def stop(self, timeout: float = 5.0) -> None:
        """SIGTERM, and SIGKILL for what is left after `timeout` seconds."""
        self._stopping.set()
        if self.signal(signal.SIGTERM) and self._thread is not None:
            self._thread.join(timeout)
            self.signal(signal.SIGKILL)
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None

    def wait_for_line(self, part: str, since: int, timeout: float) -> bool:
        """Whether a line with `part` comes after position `since`; False on exit or after `timeout` s."""
        with self._news:
            exits = self._exits
            self._news.wait_for(lambda: self._said(part, since) or self._exits > exits, timeout)
            return self._said(part, since)

    def _said(self, part: str, since: int) -> bool:
        fresh = min(self._seen - since, len(self._lines))
        return fresh > 0 and any(part in line for line in list(self._lines)[-fresh:])

    def _keep_alive(self) -> None:
        delay = _FIRST_DELAY
        while not self._stopping.is_set():
            began = time.monotonic()
            ending = self._one_life()
            with self._news:
                self._exits += 1
                self._news.notify_all()
            if self._stopping.is_set():
                return
            delay = _FIRST_DELAY if time.monotonic() - began > _SETTLED else delay
            self._say(f"{self.name} {ending}; it starts again in {delay:.1f} s")
            self._stopping.wait(delay)
            delay = min(delay * 2, _MOST_DELAY)

    def _one_life(self) -> str:
        try:
            self._process = self._spawn()
        except OSError as error:
            return f"could not be started: {error}"
        with self._process as process:
            if self._stopping.is_set():
                process.terminate()
            assert process.stdout is not None  # noqa: S101  # asked for with PIPE
            for raw in iter(lambda: process.stdout.readline(_LINE_LIMIT), b""):  # type: ignore[union-attr]
                self._heard(raw.decode("utf-8", "replace").rstrip())
            return f"ended with code {process.wait()}"

    def _spawn(self) -> subprocess.Popen[bytes]:
        wrapper = Path(__file__).with_name("child.py")
        as_whom = self._account
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(wrapper), str(os.getpid()), *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=None if as_whom is None else as_whom.uid,
            group=None if as_whom is None else as_whom.gid,
            extra_groups=None if as_whom is None else [],
            umask=0o077,
        )

    def _heard(self, line: str) -> None:
        with self._news:
            self._lines.append(line)
            self._seen += 1
            self._news.notify_all()
        if not any(noise in line for noise in self._noise):
            self._say(f"{self.name}: {line}")

    def _say(self, text: str) -> None:
        with suppress(Exception):  # a broken log must not leave the child without a keeper
            self._tell(text)
