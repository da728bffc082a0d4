"""What an MQTT client is told and what it hands over: plain values, no MQTT library in them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mqtt_bridge.errors import BrokerMisconfigured

Log = Callable[[str, BaseException | None], None]
"""Where a client tells what went wrong: a sentence, and the exception where there is one."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the anchors of the broker's certificate, and our own certificate and key, if we have one."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A TLS 1.3 client context that checks the broker's name. Raises BrokerMisconfigured."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise BrokerMisconfigured(
                f"The TLS files of the MQTT client cannot be used: {error}.",
                next_step="Check that ca, certificate and key are readable PEM and belong together.",
                field="tls",
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class MessageProperties:
    """The MQTT 5 properties of a PUBLISH that we use; all empty under 3.1.1."""

    content_type: str = ""
    correlation_data: bytes = b""
    response_topic: str = ""
    """Advisory only: an answer goes under the caller's own `down/`."""
    message_expiry: int | None = None
    """Seconds."""
    user: tuple[tuple[str, str], ...] = ()


NO_PROPERTIES = MessageProperties()


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One PUBLISH as received; `mid` and `qos` are what an acknowledgement needs."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    mid: int
    properties: MessageProperties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One connection to a broker."""

    host: str
    port: int
    client_id: str
    protocol: Literal["5", "3.1.1"] = "5"
    tls: TlsFiles | None = None
    """None only for the loopback control listener."""
    username: str = ""
    password: str = field(default="", repr=False)
    clean_start: bool = True
    session_expiry: int = 0
    """Seconds that the broker keeps our session after we are gone (MQTT 5); 0 ends it with the connection."""
    keepalive: int = 30
    connect_timeout: float = 5.0
    """Seconds for the TCP and TLS handshakes, and again for the CONNACK."""
    manual_ack: bool = False
    """The receiver acknowledges each message itself, after it is safely stored."""
    max_queued: int = 10_000
    max_inflight: int = 100
    receive_maximum: int = 65_535
    will: Will | None = None
    retry_first: float = 0.2
    retry_most: float = 30.0
    """Seconds between attempts: doubled from first to most, each scattered over its upper half."""
