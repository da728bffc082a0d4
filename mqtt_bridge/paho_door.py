"""The one door to paho: its callbacks, codes and property bags on one side, our values on the other."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Literal, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from mqtt_bridge.client_settings import NO_PROPERTIES, ClientSettings, Message, MessageProperties
from mqtt_bridge.errors import MalformedTopic


class Events(Protocol):
    """What happens on the connection, told on the network thread; reasons are "" for granted."""

    def accepted(self, session_present: bool) -> None:
        """The broker said yes."""

    def refused(self, reason: str) -> None:
        """The broker said no in its CONNACK."""

    def suback(self, mid: int, reasons: Sequence[str]) -> None:
        """One reason per filter."""

    def puback(self, mid: int, reason: str) -> None:
        """One message acknowledged."""

    def received(self, message: Message) -> None:
        """One message came."""

    def error(self, text: str) -> None:
        """What paho logs as an error: the socket's and TLS's own words."""


class _ErrorsOnly(logging.Logger):
    """paho's log: a logger and not `on_log`, for which paho formats a line per packet."""

    def __init__(self, events: Events) -> None:
        super().__init__("paho", logging.ERROR)
        handler = logging.Handler()
        handler.emit = lambda record: events.error(record.getMessage())  # type: ignore[method-assign]
        self.addHandler(handler)


class PahoDoor(paho.Client):
    """One paho client that its owner turns; connects with TCP_NODELAY (Nagle costs 40 ms a round trip)."""

    def __init__(self, settings: ClientSettings, events: Events) -> None:
        five = settings.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if five else settings.clean_start,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=settings.manual_ack,
        )
        self._five = five
        self._events = events
        self.connect_timeout = settings.connect_timeout
        self.max_queued_messages_set(settings.max_queued)
        self.max_inflight_messages_set(settings.max_inflight)
        self._set_identity(settings)
        self._listen()
        self.connect_async(
            settings.host,
            settings.port,
            settings.keepalive,
            clean_start=settings.clean_start if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=_connect_properties(settings) if five else None,
        )

    def turn(self, timeout: float) -> bool:
        """One round of the network loop; False when the connection is over."""
        return self.loop(timeout) is MQTTErrorCode.MQTT_ERR_SUCCESS

    def ask(self, filters: Sequence[str]) -> int | None:
        """Sends a SUBSCRIBE at QoS 1; its id, or None when there is no connection."""
        try:
            rc, mid = self.subscribe([(wanted, 1) for wanted in filters])
        except ValueError as error:
            raise MalformedTopic(f"A filter that MQTT does not allow: {error}.", field="filters") from error
        return mid if rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def send(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, properties: MessageProperties
    ) -> tuple[int, Literal["taken", "full", "offline"]]:
        """Queues a PUBLISH: its id, and whether it was taken (QoS 1 is taken while offline, too)."""
        try:
            info = self.publish(topic, payload, qos, retain, _to_paho(properties) if self._five else None)
        except ValueError as error:
            raise MalformedTopic(f"A topic or payload that MQTT does not allow: {error}.") from error
        if info.rc is MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return info.mid, "full"
        if qos == 0 and info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return info.mid, "offline"
        return info.mid, "taken"

    def _create_socket_connection(self) -> socket.socket:
        sock = super()._create_socket_connection()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _set_identity(self, settings: ClientSettings) -> None:
        if settings.tls is not None:
            self.tls_set_context(settings.tls.context())
        if settings.username:
            self.username_pw_set(settings.username, settings.password or None)
        if settings.will is not None:
            will = settings.will
            self.will_set(will.topic, will.payload, will.qos, will.retain)

    def _listen(self) -> None:
        self.on_connect = self._connected
        self.on_subscribe = self._subscribed
        self.on_publish = self._published
        self.on_message = self._arrived
        self.enable_logger(_ErrorsOnly(self._events))
        # With a register-write hook paho leaves all writing to our loop: one thread on the TLS socket.
        self.on_socket_register_write = lambda *_: None

    def _connected(
        self, _client: object, _data: object, flags: paho.ConnectFlags, reason: ReasonCode, _props: object
    ) -> None:
        if reason.is_failure:
            self._events.refused(str(reason))
        else:
            self._events.accepted(flags.session_present)

    def _subscribed(
        self, _client: object, _data: object, mid: int, reasons: list[ReasonCode], _props: object
    ) -> None:
        self._events.suback(mid, [_refusal(each) for each in reasons])

    def _published(
        self, _client: object, _data: object, mid: int, reason: ReasonCode, _props: object
    ) -> None:
        self._events.puback(mid, _refusal(reason))

    def _arrived(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._events.error("A message whose topic is not UTF-8 was dropped.")
            return
        self._events.received(
            Message(
                topic,
                bytes(message.payload),
                message.qos,
                message.retain,
                message.mid,
                _from_paho(message.properties),
            )
        )


def _refusal(reason: ReasonCode) -> str:
    return str(reason) if reason.is_failure else ""


def _connect_properties(settings: ClientSettings) -> Properties:
    bag = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves this class untyped
    bag.SessionExpiryInterval = settings.session_expiry
    bag.ReceiveMaximum = settings.receive_maximum
    return bag


def _to_paho(properties: MessageProperties) -> Properties | None:
    """None where there is nothing to say: an empty bag costs time on the hot path."""
    if properties == NO_PROPERTIES:
        return None
    bag = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if properties.content_type:
        bag.ContentType = properties.content_type
    if properties.correlation_data:
        bag.CorrelationData = properties.correlation_data
    if properties.response_topic:
        bag.ResponseTopic = properties.response_topic
    if properties.message_expiry is not None:
        bag.MessageExpiryInterval = properties.message_expiry
    if properties.user:
        bag.UserProperty = list(properties.user)
    return bag


def _from_paho(bag: Properties | None) -> MessageProperties:
    if bag is None or len(vars(bag)) <= 4:  # packetType, types, names, properties: nothing was set
        return NO_PROPERTIES
    return MessageProperties(
        content_type=getattr(bag, "ContentType", ""),
        correlation_data=getattr(bag, "CorrelationData", b""),
        response_topic=getattr(bag, "ResponseTopic", ""),
        message_expiry=getattr(bag, "MessageExpiryInterval", None),
        user=tuple((str(name), str(value)) for name, value in getattr(bag, "UserProperty", ())),
    )
