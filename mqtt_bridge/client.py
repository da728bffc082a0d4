"""An MQTT client for bridge and device: every wait ends, it comes back by itself, no handler can kill it.

Not here: what topics mean, what to do with a message, the watchdog (a canary message to oneself).
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from mqtt_bridge.acknowledgements import Acknowledgements
from mqtt_bridge.client_settings import NO_PROPERTIES, ClientSettings, Log, Message, MessageProperties
from mqtt_bridge.errors import BridgeError, BrokerRefused, BrokerUnreachable, OutboxFull
from mqtt_bridge.pacing import Pacing
from mqtt_bridge.paho_door import PahoDoor

_SILENT_ENDS = 3  # a broker may hang up without the TLS alert; so often in a row it is no accident


class MqttClient:
    """One connection that comes back by itself. Handlers run on its network thread and must not block."""

    def __init__(
        self,
        settings: ClientSettings,
        *,
        log: Log,
        on_message: Callable[[Message], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self._where = f"{settings.host}:{settings.port}"
        self._log = log
        self._on_message = on_message
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._acks = Acknowledgements()
        self._filters: list[str] = []
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._first_word = threading.Event()
        self._answered = False
        self._silent_ends = 0
        self._failure: BridgeError | None = None
        self._last_error = ""
        self._thread: threading.Thread | None = None
        self._door = PahoDoor(settings, self)

    @property
    def is_ready(self) -> bool:
        """Connected and accepted; no proof that messages flow."""
        return self._ready.is_set()

    @property
    def last_error(self) -> str:
        """The last reason why there was no connection, in the socket's, TLS's or broker's words."""
        return self._last_error

    def start(self) -> None:
        """Connects in the background and keeps trying until `disconnect`."""
        if self._thread is None:
            self._stopping.clear()
            name = f"mqtt {self.settings.client_id}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def connect(self, timeout: float = 10.0) -> None:
        """Starts and waits for the broker's yes. Raises BrokerRefused at once, BrokerUnreachable in time."""
        self._first_word.clear()
        self._failure = None
        self.start()
        self._first_word.wait(timeout)
        if self.is_ready:
            return
        failure = self._failure or self._unreachable(
            f"no answer within {timeout:g} s: {self._last_error or 'silence'}"
        )
        self.disconnect(timeout=1.0)
        raise failure

    def subscribe(self, filters: Sequence[str], timeout: float = 10.0) -> None:
        """Subscribes at QoS 1 and waits for the SUBACK; renewed by itself after a lost session.

        mosquitto grants what its ACL will never deliver: a grant is no proof of access.
        """
        self._must_not_wait_on_own_thread()
        with self._acks.expecting():
            mid = self._door.ask(filters)
            if mid is None:
                raise self._unreachable("not connected, nothing subscribed")
            reasons = self._acks.wait("suback", mid, timeout, self._where)
        refused = [f"{name} ({why})" for name, why in zip(filters, reasons, strict=False) if why]
        if refused:
            raise BrokerRefused(f"The broker refused to subscribe {', '.join(refused)}.", field="filters")
        self._filters.extend(wanted for wanted in filters if wanted not in self._filters)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        properties: MessageProperties = NO_PROPERTIES,
        wait: float | None = None,
    ) -> int:
        """Hands a message over and gives its id; with `wait`, the seconds until its PUBACK must be here.

        Raises OutboxFull, BrokerRefused (MQTT 5 only: 3.1.1 cannot say no), BrokerUnreachable.
        """
        if wait is None or qos == 0:
            return self._hand_over(topic, payload, qos, retain, properties)
        self._must_not_wait_on_own_thread()
        with self._acks.expecting():
            mid = self._hand_over(topic, payload, qos, retain, properties)
            why = self._acks.wait("puback", mid, wait, self._where)[0]
        if why:
            raise BrokerRefused(f"The broker refused the message on {topic}: {why}.", field="topic")
        return mid

    def ack(self, message: Message) -> None:
        """Acknowledges a message under `manual_ack`; if the connection was lost since, it comes again."""
        self._door.ack(message.mid, message.qos)

    def disconnect(self, timeout: float = 5.0) -> None:
        """Says goodbye (the will stays unsaid), ends the thread; harmless when repeated."""
        self._stopping.set()
        self._door.disconnect()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
            self._thread = None

    def accepted(self, session_present: bool) -> None:
        """The broker said yes: renew what a new session does not know, and tell the owner."""
        self._answered, self._silent_ends = True, 0
        if self._filters and not session_present:
            self._door.ask(self._filters)
        self._ready.set()
        self._first_word.set()
        if self._on_ready is not None:
            self._guarded(self._on_ready)

    def refused(self, reason: str) -> None:
        """The broker said no in its CONNACK."""
        self._answered = True
        self._fail(BrokerRefused(f"The broker at {self._where} refused us: {reason}.", field="credentials"))

    def suback(self, mid: int, reasons: Sequence[str]) -> None:
        """Answers to a SUBSCRIBE; an unwaited refusal (after a reconnect) is logged."""
        self._acks.arrived("suback", mid, reasons)
        if any(reasons):
            self._tell(f"The broker at {self._where} refused a subscription: {'; '.join(reasons)}.", None)

    def puback(self, mid: int, reason: str) -> None:
        """One message acknowledged, or refused by the broker's ACL."""
        self._acks.arrived("puback", mid, (reason,))
        if reason:
            self._tell(f"The broker at {self._where} refused a message: {reason}.", None)

    def received(self, message: Message) -> None:
        """One message came."""
        if self._on_message is not None:
            handler = self._on_message
            self._guarded(lambda: handler(message))

    def error(self, text: str) -> None:
        """The socket's or TLS's own words."""
        self._last_error = text

    def _unreachable(self, why: str) -> BrokerUnreachable:
        return BrokerUnreachable(
            f"The MQTT broker at {self._where} is not reachable: {why}.",
            next_step="Check that the broker runs and that its address is right.",
            field="broker",
        )

    def _hand_over(
        self, topic: str, payload: bytes, qos: int, retain: bool, properties: MessageProperties
    ) -> int:
        mid, outcome = self._door.send(topic, payload, qos=qos, retain=retain, properties=properties)
        if outcome == "full":
            raise OutboxFull(f"{self.settings.max_queued} messages already wait for {self._where}.")
        if outcome == "offline":
            raise self._unreachable("not connected, message not sent")
        return mid

    def _must_not_wait_on_own_thread(self) -> None:
        if threading.current_thread() is self._thread:
            raise BridgeError("A handler cannot wait for the broker: it holds the network thread.")

    def _run(self) -> None:
        pacing = Pacing(self.settings.retry_first, self.settings.retry_most)
        while not self._stopping.is_set():
            pacing.begin()
            self._guarded(self._one_connection)
            pacing.wait(self._stopping)

    def _one_connection(self) -> None:
        """From the TCP connect to the end of the connection."""
        self._answered, self._last_error = False, ""
        try:
            self._door.reconnect()
        except ssl.SSLCertVerificationError as error:
            self._fail(BrokerRefused(f"The broker at {self._where} is not trusted: {error}.", field="tls"))
            return
        except (OSError, ValueError) as error:
            self._last_error = str(error)
            return
        deadline = time.monotonic() + self.settings.connect_timeout
        while self._door.turn(1.0 if self._answered else 0.1):
            if not self._answered and time.monotonic() > deadline:
                self._last_error = "connected, but it sent no CONNACK"
                return
        self._after_loss()

    def _after_loss(self) -> None:
        was_ready = self.is_ready
        self._ready.clear()
        self._acks.connection_lost()
        if was_ready and self._on_lost is not None and not self._stopping.is_set():
            self._on_lost(self._last_error or "connection closed")
        elif not self._answered and self.settings.tls is not None:
            self._judge_silence()

    def _judge_silence(self) -> None:
        """TLS 1.3: the broker judges our certificate after our handshake is done (RFC 8446 4.4.2.4)."""
        self._silent_ends += 1
        if "alert" in self._last_error or self._silent_ends >= _SILENT_ENDS:
            why = self._last_error or "it closes the connection after the TLS handshake"
            problem = f"The broker at {self._where} refused our certificate: {why}."
            self._fail(BrokerRefused(problem, next_step="Renew or re-enroll the certificate.", field="tls"))

    def _fail(self, failure: BridgeError) -> None:
        self._last_error = failure.problem
        self._failure = failure
        self._first_word.set()

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001  # a handler's fault must not end the network thread
            self._tell(f"A handler of MQTT client {self.settings.client_id} failed.", error)

    def _tell(self, text: str, error: BaseException | None) -> None:
        with suppress(Exception):  # a broken log must not end the network thread either
            self._log(text, error)
