"""The socket under one HTTP exchange: every wait ends at one moment, and so many octets are read at most.

http.client's own limit is for each read alone: a server that sends an octet a second would hold it for ever.
"""

from __future__ import annotations

import io
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

_HEADERS: Final = 128 * 1024
"""Octets beside the body: status line, headers, trailers, what a server says in between."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock."""

    at: float

    def left(self) -> float:
        """Seconds; TimeoutError where there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Wire(io.RawIOBase):
    """As much of a socket as http.client uses, bounded. `connect` gives it the real one."""

    def __init__(self, deadline: Deadline, at_most: int) -> None:
        super().__init__()
        self.deadline, self.at_most = deadline, at_most
        # A body in chunks is longer than itself; one in chunks of an octet is refused.
        self._left = 2 * at_most + _HEADERS
        self._socket: socket.socket | None = None

    def use(self, connected: socket.socket) -> None:
        """From now on through this one."""
        self._socket = connected

    def sendall(self, data: bytes) -> None:
        """All of it, by the deadline."""
        self._timed().sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """For http.client, which reads through it."""
        del mode
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer is its own
        """As a socket's; ValueError once more came than any answer of the allowed size has."""
        got = self._timed().recv_into(buffer)
        self._left -= got
        if self._left < 0:
            raise ValueError("more octets than were allowed")
        return got

    def close(self) -> None:
        """Nothing: http.client closes before it has read; `connect` closes the socket."""

    def _timed(self) -> socket.socket:
        used = cast("socket.socket", self._socket)
        used.settimeout(self.deadline.left())
        return used


@contextmanager
def connect(wire: Wire, host: str, port: int, *, tls: bool) -> Iterator[None]:
    """The wire, connected and, where asked for, under TLS by this machine's trusted CAs; closed after."""
    raw = _connected(host, port, wire.deadline)
    try:
        if tls:
            import ssl

            raw.settimeout(wire.deadline.left())
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        wire.use(raw)
        yield
    finally:
        raw.close()


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """The first address that takes us; each may use its share of the time."""
    problem: OSError = OSError(f"{host} has no address")
    addresses = _addresses(host, port, deadline)
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        raw = socket.socket(family, kind, protocol)
        try:
            raw.settimeout(deadline.left() / (len(addresses) - place))
            raw.connect(address)
        except OSError as bad:
            raw.close()
            problem = bad
        else:
            return raw
    raise problem


def _addresses(host: str, port: int, deadline: Deadline) -> list[Any]:
    """Resolved in a thread of its own, for the resolver keeps no time of ours."""
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as bad:
            found.put(bad)
        except UnicodeError:
            found.put(OSError("no name of a host is like this"))

    threading.Thread(target=look, name="resolver", daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer
