"""A word to the running process: a Unix socket in the home, so that what a command committed acts at once.

Nothing depends on it: the process looks by itself several times a second. It only saves that wait.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from service.home import Home

_LONGEST = 4096
_WAIT = 5.0
Handler = Callable[[], dict[str, object]]


def wake(home: Home) -> dict[str, object] | None:
    """Asks the running process to bring what is owed to the wire; its report, or None where none runs."""
    return _ask(home, b"wake\n")


def status(home: Home) -> dict[str, object] | None:
    """What the running process says of itself, or None where none runs."""
    return _ask(home, b"status\n")


def _ask(home: Home, word: bytes) -> dict[str, object] | None:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(_WAIT)
            with _short_path(home) as path:
                asked.connect(path)
            asked.sendall(word)
            answer = asked.makefile("rb").readline(_LONGEST)
        found = json.loads(answer)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _short_path(home: Home) -> Iterator[str]:
    """A socket's path has 107 bytes at most, a home may be longer: the folder is named by a descriptor."""
    descriptor = os.open(home.run, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{home.control_socket.name}"
    finally:
        os.close(descriptor)


class ControlServer:
    """Answers on the socket; one short question a connection."""

    def __init__(self, home: Home, handlers: dict[str, Handler]) -> None:
        self._home, self._handlers = home, handlers
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Binds (0600 by the umask and the folder's 0700) and serves on a thread."""
        self._home.control_socket.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short_path(self._home) as path:
            self._socket.bind(path)
        self._home.control_socket.chmod(0o600)
        self._socket.listen(16)
        threading.Thread(target=self._serve, args=(self._socket,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Closes and removes the socket."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._home.control_socket.unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                asked, _ = listener.accept()
            except OSError:
                return
            with asked, suppress(OSError):
                asked.settimeout(_WAIT)
                word = asked.makefile("rb").readline(64).decode("ascii", "replace").strip()
                asked.sendall(json.dumps(self._answer(word)).encode() + b"\n")

    def _answer(self, word: str) -> dict[str, object]:
        handler = self._handlers.get(word)
        if handler is None:
            return {"error": "unknown word"}
        try:
            return handler()
        except Exception as failed:  # noqa: BLE001 - one question must not silence the socket
            return {"error": type(failed).__name__}
