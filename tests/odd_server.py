"""A server on a real port that does to each connection what a test says: for clients that meet odd ones."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

Deed = Callable[[socket.socket, bytes], None]
"""(connection, the request's head) -> what is done to it; the connection is closed after."""


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole HTTP answer; `length` is what it claims."""
    told = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {told}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def says(data: bytes) -> Deed:
    """Always the same octets."""
    return lambda connection, _head: connection.sendall(data)


def _secured(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return connection if tls is None else tls.wrap_socket(connection, server_side=True)


@contextmanager
def odd_server(deed: Deed, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its URL; every connection is served by a thread, and all end with the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), closing(_secured(connection, tls)) as used:
            head = b""
            while b"\r\n\r\n" not in head and (piece := used.recv(65536)):
                head += piece
            if head:
                deed(used, head)

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/list.crl"
    finally:
        ended.set()
        # A shutdown wakes accept() and recv(); closing alone would not.
        for each in (listener, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(10)
