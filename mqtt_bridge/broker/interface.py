"""What the rest of the product knows of a broker, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name or IP address) and a TCP port: to listen on, or to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to connect: devices to the TLS listeners, the bridge to the loopback control listener."""

    bootstrap: Address
    ops: Address
    control: Address
    control_username: str
    control_password: str = field(repr=False)
    """Random, new at every start."""


@dataclass(frozen=True, slots=True)
class CutResult:
    """A session that is no more; `ms` is the time from the request to the certainty."""

    device_id: str
    ms: float
    how: str


class Broker(Protocol):
    """A running MQTT broker of ours; every call ends in bounded time and raises BridgeError."""

    @property
    def kind(self) -> str:
        """`mosquitto` or `embedded`, for people."""

    @property
    def endpoints(self) -> Endpoints:
        """Where it listens."""

    def start(self) -> None:
        """Returns when all listeners answer. Raises PortTaken, BrokerMissing, BrokerMisconfigured."""

    def stop(self) -> None:
        """Ends it; harmless when repeated."""

    def publish_crl(self, pem: bytes) -> None:
        """Replaces the CRLs (PEM, the issuing CA's at least); returns when new connections obey them."""

    def cut(self, device_id: str) -> CutResult:
        """Ends the live session of one device. Call `publish_crl` first, or it may come back."""
