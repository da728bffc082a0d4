"""The port that status is served on: bound once, by whoever hands it to workers."""

from __future__ import annotations

import errno
import socket
from typing import Final

from mqtt_bridge.broker.interface import Address
from service.errors import BadSetting, PortTaken, ServiceError

BACKLOG: Final = 2048


def open_listener(listen: Address) -> socket.socket:
    """A bound socket; the error names the port and what to do."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listen.host, listen.port))
        listener.listen(BACKLOG)
    except OSError as bad:
        listener.close()
        raise _cannot_listen(listen, bad) from bad
    return listener


def address_of(listener: socket.socket) -> Address:
    """Where it listens."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)


def _cannot_listen(listen: Address, bad: OSError) -> ServiceError:
    where = f"{listen.host}:{listen.port}"
    if bad.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Something else listens on {where}, port {listen.port}.",
            next_step="Stop it, or choose another address: status.listen in medtrust.toml.",
            field="status.listen",
        )
    return BadSetting(
        f"{where} cannot be listened on: {bad.strerror}.",
        next_step="Choose an address of this machine and a port above 1023: status.listen in medtrust.toml.",
        field="status.listen",
    )
