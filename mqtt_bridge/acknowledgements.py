"""Answers of the broker, waited for by message id: whichever comes first, the answer or the waiter."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from mqtt_bridge.errors import BrokerUnreachable

Kind = Literal["suback", "puback"]


class Acknowledgements:
    """Keeps answers only while somebody expects one, so that it stays empty on the fast path."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._answers: dict[tuple[Kind, int], Sequence[str]] = {}
        self._expecting = 0
        self._losses = 0

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Entered before the request is sent: the answer may overtake the return of the sending call."""
        with self._changed:
            self._expecting += 1
        try:
            yield
        finally:
            with self._changed:
                self._expecting -= 1
                if not self._expecting:
                    self._answers.clear()

    def arrived(self, kind: Kind, mid: int, reasons: Sequence[str]) -> None:
        """An answer: one entry per item asked for, "" for granted, else the broker's words."""
        if not self._expecting:  # unlocked read: a waiter counts itself before it sends
            return
        with self._changed:
            self._answers[kind, mid] = reasons
            self._changed.notify_all()

    def connection_lost(self) -> None:
        """A SUBACK will not come any more; a PUBACK may, after the reconnect."""
        with self._changed:
            self._losses += 1
            self._changed.notify_all()

    def wait(self, kind: Kind, mid: int, timeout: float, where: str) -> Sequence[str]:
        """The answer to `mid`. Raises BrokerUnreachable after `timeout` seconds."""
        key = (kind, mid)
        with self._changed:
            losses = self._losses
            self._changed.wait_for(
                lambda: key in self._answers or (kind == "suback" and self._losses > losses), timeout
            )
            if key in self._answers:
                return self._answers.pop(key)
        raise BrokerUnreachable(f"The broker at {where} did not answer within {timeout:g} s.", field="broker")
