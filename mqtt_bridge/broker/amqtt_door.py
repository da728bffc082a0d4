"""The one door to amqtt: its broker, made to know who a client is before anything happens for it.

What amqtt leaves open and this closes: any CONNECT could end another's session before it was judged, wills
were not checked, keepalive was not enforced, sizes were not bounded, queues had no end.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage, Server
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.errors import AMQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.session import OutgoingApplicationMessage, Session

from mqtt_bridge.broker import access
from mqtt_bridge.broker.config import Limits
from mqtt_bridge.errors import MalformedTopic
from mqtt_bridge.topics import check

_RULES: Mapping[str, Sequence[access.Rule]] = {
    "ops": access.OPS,
    "bootstrap": access.BOOTSTRAP,
    "control": access.CONTROL,
}
_LISTENER = "medtrust.listener"
_OUT = "medtrust.out"
_CONNECT_WITHIN = 10.0
_WAITER_TURNS = 1000
_SESSION_KEPT = 14 * 24 * 3600


class _Reader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Refuses a packet above the limit before reading it."""

    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        super().__init__(reader)
        self._most = most

    async def read(self, n: int = -1) -> bytes:
        """`n` bytes exactly."""
        if not 0 <= n <= self._most:
            raise ConnectionAbortedError(f"packet of {n} bytes")
        data: bytes = await super().read(n)
        return data


class _Writer(StreamWriterAdapter):  # type: ignore[misc]
    """Knows the listener that it belongs to, and how to end without waiting for the other side."""

    def __init__(self, writer: asyncio.StreamWriter, listener: str) -> None:
        super().__init__(writer)
        self.listener = listener

    def abort(self) -> None:
        """Ends the connection now."""
        self._writer.transport.abort()


class _Handler(BrokerProtocolHandler):  # type: ignore[misc]
    """Ends silent connections, and keeps what was not acknowledged for the next one."""

    def handle_read_timeout(self) -> None:
        """The keepalive ran out (MQTT 3.1.1 3.1.2.10)."""
        self.writer.abort()

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Waits for the waiter: amqtt registers it after sending, and the answer may be faster."""
        for _ in range(_WAITER_TURNS):
            if puback.variable_header.packet_id in self._puback_waiters or self.session is None:
                break
            await asyncio.sleep(0.001)
        await super().handle_puback(puback)

    async def mqtt_publish(
        self, topic: str, data: bytes, qos: int | None, retain: bool, ack_timeout: int | None = None
    ) -> OutgoingApplicationMessage:
        """As amqtt's, but a QoS 1 message without PUBACK is sent again instead of forgotten."""
        session = self.session
        try:
            return await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
        except (TimeoutError, asyncio.CancelledError, AMQTTError):
            if qos and session is not None and not session.clean_session:
                await session.retained_messages.put(RetainedApplicationMessage(None, topic, data, qos))
            raise


class GuardedBroker(Broker):  # type: ignore[misc]
    """Three listeners; identity from certificate, claim or password; one live connection per client id."""

    def __init__(
        self,
        *,
        control_password: str,
        limits: Limits,
        tell: Callable[[str], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        listeners = {"default": ListenerConfig(bind=None)}
        config = BrokerConfig(listeners=listeners, plugins={}, session_expiry_interval=_SESSION_KEPT)
        super().__init__(config, loop=loop)
        for name in _RULES:
            self.listeners_config[name] = ListenerConfig(bind=None)
        self._control_password = control_password
        self._limits = limits
        self._tell = tell

    async def listen(self, name: str, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        """Serves listener `name` on `sock`, in place of what served it before; live connections stay."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._one_client(name, reader, writer)

        instance = await asyncio.start_server(connected, sock=sock, ssl=context, limit=2**17)
        before = self._servers.get(name)
        if before is None:
            self._servers[name] = Server(name, instance)
        else:
            before.instance.close()
            before.instance = instance

    async def kick(self, client_id: str) -> bool:
        """Ends the live connection of a client id; what it sent and we have not yet read is dropped."""
        session, handler = self._sessions.get(client_id, (None, None))
        if session is None or not session.transitions.is_connected():
            return False
        session.attributes[_OUT] = True
        if handler.writer is not None:
            handler.writer.abort()
        for _ in range(1000):
            if not session.transitions.is_connected():
                break
            await asyncio.sleep(0.001)
        return True

    async def _one_client(
        self, listener: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        most = self._limits.payload_bytes + 4096
        bound = self._limits.ops_connections if listener == "ops" else self._limits.bootstrap_connections
        try:
            if self._servers[listener].conn_count < bound:
                await self._client_connected(listener, _Reader(reader, most), _Writer(writer, listener))
        except Exception as error:  # noqa: BLE001  # one client's fault must not reach the loop
            self._tell(f"{listener}: a connection failed: {type(error).__name__}")
        finally:
            writer.transport.abort()

    async def _initialize_client_session(
        self, reader: _Reader, writer: _Writer, remote_address: str, remote_port: int
    ) -> tuple[_Handler, Session]:
        """Judges the CONNECT before it can touch anybody's session."""
        try:
            handler, asked = await asyncio.wait_for(
                _Handler.init_from_connect(reader, writer, self.plugins_manager), _CONNECT_WITHIN
            )
        except Exception as error:
            raise AMQTTError(f"no CONNECT: {type(error).__name__}") from error
        problem = self._judge(asked, writer.listener)
        if problem:
            self._tell(f"{writer.listener}: {remote_address}:{remote_port} refused: {problem}")
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise AMQTTError(problem)
        await self.kick(asked.client_id)
        asked.keep_alive = int(1.5 * min(asked.keep_alive or 65_535, self._limits.max_keepalive))
        return handler, await self._session_for(asked)

    def _judge(self, asked: Session, listener: str) -> str:
        """ "" for welcome, else the reason; sets the client id and user name that the evidence supports."""
        try:
            if listener == "ops":
                asked.client_id = asked.username = check("device", _common_name(asked.ssl_object))
            elif listener == "bootstrap":
                check("claim", asked.username or "")
                check("session", asked.client_id or "")
            elif asked.username != access.CONTROL_USER or not hmac.compare_digest(
                (asked.password or "").encode(), self._control_password.encode()
            ):
                return "wrong control password"
        except MalformedTopic as malformed:
            return str(malformed)
        asked.attributes[_LISTENER] = listener
        known, _ = self._sessions.get(asked.client_id, (None, None))
        if known is not None and known.attributes.get(_LISTENER) != listener:
            return "client id belongs to another listener"
        if asked.will_flag and not self._may(asked, asked.will_topic or "", Action.PUBLISH):
            return "will on a foreign topic"
        return ""

    async def _session_for(self, asked: Session) -> Session:
        """The session that goes on, or a new one (MQTT 3.1.1 3.1.2.4)."""
        known, _ = self._sessions.get(asked.client_id, (None, None))
        if asked.clean_session or known is None or known.clean_session:
            await self._delete_session(asked.client_id)
            asked.parent = 0
            return asked
        for name in ("will_flag", "will_message", "will_topic", "will_qos", "will_retain", "keep_alive"):
            setattr(known, name, getattr(asked, name))
        known.clean_session, known.ssl_object = asked.clean_session, asked.ssl_object
        known.attributes.pop(_OUT, None)
        known.parent = 1
        return known

    async def _start_listeners(self) -> None:
        """Nothing here: `listen` is told the sockets."""

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        """Whoever came this far was judged."""
        return _LISTENER in session.attributes

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        return not session.attributes.get(_OUT) and self._may(session, topic, action)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Only for a filter that the session itself holds: amqtt offers it everybody's at each connect."""
        holders = [holder for holder, _ in self._subscriptions.get(subscription[0], [])]
        if session in holders:
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _retain_broadcast_message(self, broadcast: dict[str, Any], qos: int, target: Session) -> None:
        if target.retained_messages.qsize() >= self._limits.queued_messages:
            self._tell(f"queue of {target.client_id} is full, a message was dropped")
            return
        await super()._retain_broadcast_message(broadcast, qos, target)

    def _may(self, session: Session, topic: str, action: Action) -> bool:
        rules = _RULES.get(session.attributes.get(_LISTENER, ""), ())
        judge = access.may_publish if action is Action.PUBLISH else access.may_read
        return judge(rules, topic, user=session.username or "", client=session.client_id or "")


def _common_name(tls: ssl.SSLObject | None) -> str:
    """The one CN of the verified client certificate, "" without one."""
    subject: Any = (tls.getpeercert() or {}).get("subject", ()) if tls is not None else ()
    names = [value for rdn in subject for key, value in rdn if key == "commonName"]
    return names[0] if len(names) == 1 else ""
