"""A relay of plain TCP that remembers what clients sent: which words a foreign client really uses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mqtt_bridge.broker.interface import Address


@dataclass
class Recorder:
    """Where it listens, and the octets that came, one entry a connection."""

    address: Address
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def recorded(upstream: Address) -> Iterator[Recorder]:
    """Relays one request and its answer a connection, until left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        recorder = Recorder(Address("127.0.0.1", listener.getsockname()[1]))
        thread = threading.Thread(target=_relay, args=(listener, upstream, recorder), daemon=True)
        thread.start()
        try:
            yield recorder
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _relay(listener: socket.socket, upstream: Address, recorder: Recorder) -> None:
    while True:
        try:
            client = listener.accept()[0]
        except OSError:
            return
        with client, socket.create_connection((upstream.host, upstream.port), timeout=10) as server:
            recorder.heard.append(b"")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65536):
                recorder.heard[-1] += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(65536):
        sink.sendall(data)
