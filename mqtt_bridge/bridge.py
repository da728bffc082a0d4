"""MQTT on one side, use cases on the other: what arrives is queued, done by workers, then acknowledged.

A message is acknowledged after its effect is committed, so a killed bridge gets it again; the use cases are
idempotent. What fails three times is put aside, counted and told, and the next one is taken.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from mqtt_bridge.admission import Admission
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Message, MessageProperties
from mqtt_bridge.errors import BridgeError, MalformedTopic
from mqtt_bridge.messages import CONTENT_TYPE, PROBLEM_CONTENT_TYPE
from mqtt_bridge.requests import Requests
from mqtt_bridge.topics import BRIDGE_CLIENT_ID, BRIDGE_FILTERS, BootstrapTopic, DeviceTopic, parse
from registry.model import actor as actors
from registry.model.device import DeviceId
from registry.model.errors import DependencyDown
from registry.ports import Ports
from registry.reappraisal import Observation, Outcome, observe

BATCH: Final = 200
PER_DEVICE: Final = 16
"""In one batch. Killed before the acknowledgements are out, we hear two batches again at most; the registry
knows a device's last 32 messages again, and an older one would look like a clone's."""
_TRIES: Final = 3
_WAITING: Final = 50_000
_SESSION_SECONDS: Final = 24 * 3600
_APPRAISER: Final = actors.job("appraisal")


@dataclass(frozen=True, slots=True)
class _Telemetry:
    message: Message
    device_id: DeviceId


class Bridge:
    """Owns the control connection, one telemetry worker and two request workers."""

    def __init__(
        self,
        settings: ClientSettings,
        requests: Requests,
        *,
        ports: Ports,
        log: Any,  # noqa: ANN401 - structlog's bound logger
        on_effects: Callable[[], None],
    ) -> None:
        self._requests, self._ports, self._log = requests, ports, log
        self._on_effects = on_effects
        self._telemetry: queue.Queue[_Telemetry | None] = queue.Queue(_WAITING)
        self._asked: queue.Queue[tuple[Message, BootstrapTopic | DeviceTopic] | None] = queue.Queue(_WAITING)
        self._admission = Admission()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.client = MqttClient(settings, log=self._client_log, on_message=self._arrived)
        self.refused = 0
        """Messages put aside since the start: wrong topics, poison, refused telemetry."""

    def start(self) -> None:
        """Connects, starts the workers, subscribes; BrokerUnreachable where the broker is not there."""
        self.client.connect()
        for name, work in (("telemetry", self._judge), ("request-1", self._ask), ("request-2", self._ask)):
            thread = threading.Thread(target=work, name=f"bridge {name}", daemon=True)
            thread.start()
            self._threads.append(thread)
        self.client.subscribe(BRIDGE_FILTERS)

    def stop(self) -> None:
        """Ends the workers after what they have in hand; what is unacknowledged comes again."""
        self._stopping.set()
        self._telemetry.put(None)
        for _ in self._threads[1:]:
            self._asked.put(None)
        for thread in self._threads:
            thread.join(5.0)
        self.client.disconnect()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """A message of ours, at QoS 1."""
        self.client.publish(
            topic, payload, retain=retain, properties=MessageProperties(content_type=CONTENT_TYPE)
        )

    def _arrived(self, message: Message) -> None:
        # On the network thread: sort and queue, nothing else.
        try:
            topic = parse(message.topic)
        except MalformedTopic as bad:
            self._put_aside(message, "bridge.topic_refused", bad.field)
            return
        if isinstance(topic, DeviceTopic) and topic.verb == "tele" and not message.retain:
            self._take(message, topic)
        elif isinstance(topic, DeviceTopic) and topic.verb == "state":
            self.client.ack(message)
        elif message.retain:
            # A retained request would be answered at every restart: nobody may leave one.
            self._put_aside(message, "bridge.retained_request_ignored", "retain")
        elif isinstance(topic, BootstrapTopic | DeviceTopic) and topic.direction == "up":
            self._take(message, topic)
        else:
            self._put_aside(message, "bridge.topic_refused", "topic")

    def _take(self, message: Message, topic: BootstrapTopic | DeviceTopic) -> None:
        now = time.monotonic()
        if isinstance(topic, DeviceTopic) and topic.verb == "tele":
            if self._admission.telemetry(topic.device_id, now):
                self._telemetry.put(_Telemetry(message, DeviceId(topic.device_id)))
                return
        elif self._admission.request(topic, now):
            self._asked.put((message, topic))
            return
        self.refused += 1
        if self._admission.worth_telling(topic, now):
            said = topic.device_id if isinstance(topic, DeviceTopic) else ""
            self._log.warning("bridge.flood", device_id=said, step=topic.verb)
        self.client.ack(message)

    def _put_aside(self, message: Message, event: str, field: str) -> None:
        self.refused += 1
        self._log.warning(event, field=field, size=len(message.payload))
        self.client.ack(message)

    def _ask(self) -> None:
        while (asked := self._asked.get()) is not None:
            message, topic = asked
            handle = self._requests.bootstrap if isinstance(topic, BootstrapTopic) else self._requests.device
            answer = handle(topic, message.payload)  # type: ignore[arg-type]
            if answer.status == 503 and not self._stopping.is_set():
                self._log.warning("bridge.request_delayed", step=topic.verb, status=answer.status)
            correlation = message.properties.correlation_data
            properties = MessageProperties(
                PROBLEM_CONTENT_TYPE if answer.is_problem else CONTENT_TYPE, correlation
            )
            try:
                self.client.publish(answer.topic, answer.payload, properties=properties)
            except Exception as lost:  # noqa: BLE001 - a worker that ends would leave the ward without answers
                # Unacknowledged: the request comes again, and its stored answer with it.
                said = str(lost) if isinstance(lost, BridgeError) else type(lost).__name__
                self._log.warning("bridge.answer_not_sent", problem=said, step=topic.verb)
                continue
            self.client.ack(message)
            self._log.info("bridge.answered", step=topic.verb, status=answer.status, field=answer.field)
            if topic.verb == "confirm":
                self._on_effects()

    def _judge(self) -> None:
        first = self._telemetry.get()
        while first is not None:
            batch, ended, first = self._gather(first)
            self._judge_batch(batch)
            if ended:
                return
            first = first or self._telemetry.get()

    def _gather(self, first: _Telemetry) -> tuple[list[_Telemetry], bool, _Telemetry | None]:
        """(a batch, whether the end was called, the first of the next batch where it is already taken)."""
        batch, told = [first], Counter((first.device_id,))
        while len(batch) < BATCH:
            try:
                more = self._telemetry.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True, None
            if told[more.device_id] >= PER_DEVICE:
                return batch, False, more
            told[more.device_id] += 1
            batch.append(more)
        return batch, False, None

    def _judge_batch(self, batch: list[_Telemetry]) -> None:
        observations = [Observation(item.device_id, item.message.payload) for item in batch]
        attempt = 0
        while attempt < _TRIES:
            attempt += 1
            try:
                outcomes = observe(observations, _APPRAISER, ports=self._ports)
            except DependencyDown as gone:
                # Nothing is lost by waiting: the broker keeps what we have not acknowledged.
                self._log.error("bridge.store_down", problem=gone.problem)
                attempt = 0
                if self._stopping.wait(1.0):
                    return
            except Exception as broken:  # noqa: BLE001 - one poison message must not stop the ward
                self._log.error("bridge.batch_failed", error=type(broken).__name__, attempt=attempt)
                if len(batch) > 1:
                    # Alone, each one shows whether it is the poison; the others go through.
                    for item in batch:
                        self._judge_batch([item])
                    return
            else:
                self._finish(batch, outcomes)
                return
        if len(batch) == 1:
            self._put_aside(batch[0].message, "bridge.message_quarantined", "payload")

    def _finish(self, batch: list[_Telemetry], outcomes: list[Outcome]) -> None:
        for item in batch:
            self.client.ack(item.message)
        for outcome in outcomes:
            if outcome.refused is not None:
                self.refused += 1
                self._log.warning(
                    "telemetry.refused", device_id=outcome.device_id, field=outcome.refused.field
                )
            elif outcome.changed:
                self._log.info("trust.changed", device_id=outcome.device_id, tier=str(outcome.tier))
        if any(outcome.actions for outcome in outcomes):
            self._on_effects()

    def _client_log(self, text: str, error: BaseException | None = None) -> None:
        self._log.warning("bridge.client", problem=text, error=type(error).__name__ if error else "")


def control_settings(
    host: str, port: int, username: str, password: str, *, protocol: Literal["5", "3.1.1"] = "5"
) -> ClientSettings:
    """The bridge's own connection: a persistent session, so that what is queued survives our restart."""
    return ClientSettings(
        host=host,
        port=port,
        client_id=BRIDGE_CLIENT_ID,
        protocol=protocol,
        username=username,
        password=password,
        clean_start=False,
        session_expiry=_SESSION_SECONDS,
        manual_ack=True,
        receive_maximum=1_000,
    )
