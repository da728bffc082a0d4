"""A device's daily life: connect, tell every few seconds, renew in time, come back after a loss.

It ends when it is told to, after `count` messages, or when the broker says no: held, revoked, expired.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mqtt_bridge.client_settings import Log
from mqtt_bridge.device.device import Device
from mqtt_bridge.errors import BridgeError

_RENEW_AGAIN_AFTER = timedelta(minutes=10)
_SETTLED = 5.0
"""Seconds a session must last before the pauses start small again."""


@dataclass(slots=True)
class Backoff:
    """Pauses that double from `first` to `most` seconds, each scattered over its upper half."""

    first: float = 0.5
    most: float = 60.0
    _next: float = 0.0

    def pause(self) -> float:
        """Seconds to wait this time."""
        self._next = min(max(self._next * 2, self.first), self.most)
        return self._next * random.uniform(0.5, 1.0)  # noqa: S311  # scatter, not a secret

    def reset(self) -> None:
        """It worked."""
        self._next = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """How `run` was asked to go on; `interval` in seconds, `count` None for ever."""

    interval: float
    count: int | None
    clock: Callable[[], datetime]
    log: Log


class Session:
    """Runs one device until it is stopped, done or refused."""

    def __init__(self, device: Device, life: Life, stop: threading.Event, backoff: Backoff) -> None:
        self._device = device
        self._life = life
        self._stop = stop
        self._backoff = backoff
        self._renew_after = device.certificate().renew_at
        self.sent = 0

    def run(self) -> int:
        """The number of messages sent. Raises BrokerRefused when this identity is let in no more."""
        while not self._stop.is_set() and not self._done:
            if self._be_connected():
                self._renew_if_due()
                self._tell()
        return self.sent

    @property
    def _done(self) -> bool:
        return self._life.count is not None and self.sent >= self._life.count

    def _be_connected(self) -> bool:
        if self._device.is_connected:
            return True
        try:
            self._device.connect()
        except BridgeError as gone:
            if gone.kind != "dependency":  # refused: held, revoked or expired
                raise
            self._life.log("Not connected; trying again.", gone)
            self._stop.wait(self._backoff.pause())
            return False
        return True

    def _renew_if_due(self) -> None:
        now = self._life.clock()
        if now < self._renew_after:
            return
        try:
            self._renew_after = self._device.renew().renew_at
        except BridgeError as failed:
            # The current certificate has a third of its life left: tell, and try again.
            self._renew_after = now + _RENEW_AGAIN_AFTER
            self._life.log("The renewal did not succeed.", failed)

    def _tell(self) -> None:
        began = time.monotonic()
        try:
            self._device.publish_telemetry()
        except BridgeError as failed:
            self._life.log("A telemetry message was not sent.", failed)
            self._stop.wait(self._backoff.pause())
            return
        self.sent += 1
        if not self._done:
            self._sleep(began + self._life.interval)
        if time.monotonic() - began > min(_SETTLED, self._life.interval):
            self._backoff.reset()

    def _sleep(self, until: float) -> None:
        """Until then, or until the session is lost, or until it is told to stop."""
        while self._device.is_connected and (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, 0.25)):
                return
        if not self._device.is_connected:
            self._life.log(f"The session was lost: {self._device.on_disconnected.reason}.", None)
            self._stop.wait(self._backoff.pause())


def run(device: Device, life: Life, stop: threading.Event, backoff: Backoff | None = None) -> int:
    """Telemetry every `life.interval` seconds; the number of messages sent. Raises BrokerRefused."""
    return Session(device, life, stop, backoff or Backoff()).run()
