"""Question and answer over publish and subscribe: one request id, the same bytes until somebody answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from mqtt_bridge import topics
from mqtt_bridge.client_settings import NO_PROPERTIES, ClientSettings, Log, Message, MessageProperties
from mqtt_bridge.device.errors import AwaitingApproval, NoAnswer, rejected
from mqtt_bridge.errors import BrokerUnreachable, MalformedTopic
from mqtt_bridge.messages import CONTENT_TYPE, BadMessage, Notice, Pending, Problem, decode

_TRIES = 3


class Link(Protocol):
    """What the device needs of an MQTT connection; mqtt_bridge.client.MqttClient is one."""

    @property
    def is_ready(self) -> bool:
        """Connected and accepted."""

    def connect(self, timeout: float = 10.0) -> None:
        """Raises BrokerRefused, BrokerUnreachable."""

    def subscribe(self, filters: Sequence[str], timeout: float = 10.0) -> None:
        """Returns after the SUBACK."""

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
        """With `wait`, returns after the PUBACK."""

    def disconnect(self, timeout: float = 5.0) -> None:
        """Harmless when repeated."""


class LinkFactory(Protocol):
    """Makes a connection that is not open yet; the class MqttClient is one."""

    def __call__(
        self,
        settings: ClientSettings,
        *,
        log: Log,
        on_message: Callable[[Message], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> Link:
        """Handlers run on the connection's own thread."""


class Mailbox:
    """Sorts what comes under `down/`: answers to whoever asked, notices to `on_notice`."""

    def __init__(self, on_notice: Callable[[Notice], None]) -> None:
        self._on_notice = on_notice
        self._changed = threading.Condition()
        self._wanted = ""
        self._answers: list[tuple[str, bytes]] = []

    def received(self, message: Message) -> None:
        """Handler of a connection. Retained answers are somebody's replay: ignored."""
        try:
            topic = topics.parse(message.topic)
        except MalformedTopic:
            return
        if message.retain or isinstance(topic, topics.PublicTopic) or topic.direction != "down":
            return
        if topic.verb == "notice":
            self._notice(message.payload)
            return
        rid = topic.rid if isinstance(topic, topics.BootstrapTopic) else topic.arg
        with self._changed:
            if rid == self._wanted:
                self._answers.append((topic.verb, message.payload))
                self._changed.notify_all()

    def _notice(self, payload: bytes) -> None:
        try:
            notice = decode(Notice, payload, "notice")
        except BadMessage:
            return
        self._on_notice(notice)

    def expect(self, rid: str) -> None:
        """From now on answers to `rid` are kept, older ones dropped."""
        with self._changed:
            self._wanted = rid
            self._answers.clear()

    def take(self, verbs: frozenset[str], timeout: float) -> tuple[str, bytes] | None:
        """The first answer whose verb is in `verbs`, or None after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: any(verb in verbs for verb, _ in self._answers), timeout)
            for answer in self._answers:
                if answer[0] in verbs:
                    self._answers.remove(answer)
                    return answer
        return None


_M = TypeVar("_M", bound=Struct)


class Dialogue:
    """Requests over one connection, each repeated unchanged until answered (the registry is idempotent)."""

    def __init__(self, link: Link, mailbox: Mailbox, *, timeout: float) -> None:
        self._link = link
        self._mailbox = mailbox
        self._timeout = timeout

    def ask(self, topic: topics.Topic, payload: bytes, *, rid: str, expect: str, kind: type[_M]) -> _M:
        """The answer of `kind` on down/{expect}. Raises Rejected, AwaitingApproval, NoAnswer, BadMessage."""
        self._mailbox.expect(rid)
        properties = MessageProperties(content_type=CONTENT_TYPE, correlation_data=rid.encode())
        lost: BrokerUnreachable | None = None
        for _ in range(_TRIES):
            try:
                self._link.publish(str(topic), payload, properties=properties, wait=self._timeout)
            except BrokerUnreachable as gone:
                lost = gone
            answer = self._mailbox.take(frozenset((expect, "pending", "rejected")), self._timeout)
            if answer is not None:
                return self._read(answer, kind)
        raise lost or NoAnswer(
            f"The registry did not answer {topic} within {_TRIES * self._timeout:g} s.",
            next_step="Check that the registry runs, then run the same command again.",
        )

    def _read(self, answer: tuple[str, bytes], kind: type[_M]) -> _M:
        verb, payload = answer
        if verb == "rejected":
            raise rejected(decode(Problem, payload, verb))
        if verb == "pending":
            raise AwaitingApproval(decode(Pending, payload, verb))
        return decode(kind, payload, verb)
