"""The live session on the ops listener: birth, telemetry, goodbye, and the moment when it was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from mqtt_bridge import topics
from mqtt_bridge.client_settings import ClientSettings, Log, Will
from mqtt_bridge.device import telemetry
from mqtt_bridge.device.dialogue import Dialogue, Link, LinkFactory, Mailbox
from mqtt_bridge.device.errors import NotConnected, NotEnrolled
from mqtt_bridge.device.identity import Home
from mqtt_bridge.errors import BridgeError
from mqtt_bridge.messages import Presence, encode


class Loss:
    """The end of a live session that we did not end: when, by the monotonic clock, and in whose words."""

    def __init__(self) -> None:
        self._happened = threading.Event()
        self.at: float | None = None
        self.reason = ""

    def wait(self, timeout: float) -> bool:
        """Whether the session is lost, after at most `timeout` seconds."""
        return self._happened.wait(timeout)

    def record(self, reason: str) -> None:
        """It is lost, now."""
        self.at, self.reason = time.monotonic(), reason
        self._happened.set()

    def clear(self) -> None:
        """A new session is up."""
        self._happened.clear()


class LiveSession:
    """One connection at a time, under the certificate of one generation."""

    def __init__(
        self,
        home: Home,
        mailbox: Mailbox,
        *,
        link_factory: LinkFactory,
        clock: Callable[[], datetime],
        log: Log,
        timeout: float,
    ) -> None:
        self._home = home
        self._mailbox = mailbox
        self._make_link = link_factory
        self._clock = clock
        self._log = log
        self._timeout = timeout
        self._link: Link | None = None
        self._started = time.monotonic()
        self._booted = False
        self._seq = 0
        self._fingerprints = b"", b""
        self.loss = Loss()

    @property
    def is_ready(self) -> bool:
        """Whether it stands, as far as we know."""
        return self._link is not None and self._link.is_ready

    def open(self, generation: int) -> None:
        """Connects, listens, announces itself. Raises BrokerRefused, BrokerUnreachable, NotEnrolled."""
        home = self._home
        if home.state.ops is None:
            raise NotEnrolled("The address of the ops listener is not known.", field="ops")
        self._boot()
        self._fingerprints = home.certificate(generation).fingerprint, home.root.fingerprint
        settings = ClientSettings(
            host=home.state.ops.host,
            port=home.state.ops.port,
            client_id=home.state.device_id,
            protocol=home.state.protocol,
            tls=home.tls(generation),
            will=Will(self._up("state"), self._presence("offline"), retain=True),
        )
        self.loss.clear()
        link = self._make_link(settings, log=self._log, on_message=self._mailbox.received, on_lost=self._lost)
        self._link = link
        try:
            link.connect(self._timeout)
            link.subscribe([topics.device_down(home.state.device_id)], self._timeout)
            link.publish(self._up("state"), self._presence("online"), retain=True, wait=self._timeout)
        except BridgeError:
            self.hang_up()
            raise

    def _boot(self) -> None:
        """Once a process: the counter is on the disk before anything carries it."""
        if not self._booted:
            self._home.save(boot=self._home.state.boot + 1)
            self._booted, self._seq = True, self._home.state.seq

    def _lost(self, reason: str) -> None:
        self.loss.record(reason)
        if self._link is not None:
            self._link.disconnect()  # no silent return: a session that was cut must be seen to be cut

    def _up(self, verb: Literal["state", "tele"], arg: str = "") -> str:
        return str(topics.DeviceTopic(self._home.state.device_id, "up", verb, arg))

    def _presence(self, state: Literal["online", "offline"]) -> bytes:
        at = telemetry.timestamp(self._clock()) if state == "online" else None
        return encode(Presence(state=state, boot=self._home.state.boot, at=at))

    def dialogue(self) -> Dialogue:
        """Requests over this session. Raises NotConnected."""
        return Dialogue(self._connected(), self._mailbox, timeout=self._timeout)

    def _connected(self) -> Link:
        if self._link is None or not self._link.is_ready:
            raise NotConnected("There is no live session.", next_step="Connect first.", field="ops")
        return self._link

    def tell(self, posture: telemetry.Posture) -> int:
        """One telemetry message; its seq. Raises NotConnected, BrokerRefused, BrokerUnreachable."""
        link = self._connected()
        self._seq += 1
        payload = telemetry.claims(
            posture,
            boot=self._home.state.boot,
            seq=self._seq,
            uptime=int(time.monotonic() - self._started),
            now=self._clock(),
            certificate_fingerprint=self._fingerprints[0],
            anchor_fingerprint=self._fingerprints[1],
        )
        link.publish(self._up("tele", telemetry.STREAM), payload, wait=self._timeout)
        return self._seq

    def goodbye(self) -> None:
        """Says offline (after a clean end the will stays unsaid), hangs up, keeps the counter."""
        if self._link is not None and self._link.is_ready:
            try:
                self._link.publish(self._up("state"), self._presence("offline"), retain=True, wait=1.0)
            except BridgeError as gone:
                self._log("The goodbye was not said.", gone)
        self.hang_up()
        if self._booted:
            self._home.save(seq=self._seq)
            self._booted = False

    def hang_up(self) -> None:
        """Ends the connection; harmless when there is none."""
        if self._link is not None:
            self._link.disconnect()
            self._link = None
