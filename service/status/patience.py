"""How long clients of the status service may take, and what ends those who take longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patience:
    """How long clients may take, in seconds."""

    request: float = 10.0
    """From a request's first byte to its last, and to take an answer."""
    idle: float = 75.0
    linger: float = 2.0
    """A refused client may go on sending this long: closing on unread bytes would reset away our answer."""
    sweep: float = 1.0
    """How often deadlines are looked at."""


def sweep(connections: Iterable[Any], now: float, most: int) -> None:
    """Ends connections past their deadline; above `most` of them, also those next in line."""
    by_deadline = sorted(connections, key=lambda connection: connection.deadline)
    surplus = len(by_deadline) - most
    for place, connection in enumerate(by_deadline):
        if connection.deadline > now and place >= surplus:
            break
        connection.expire()
