"""A real broker of each kind, a tiny CA, and clients that remember what they heard."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from mqtt_bridge.broker.choice import choose_broker
from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.interface import Address, Broker
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Message, TlsFiles, Will
from tests.integration.broker.tiny_ca import TinyCa
from tests.tools import require_tool

SESSION = "0123456789abcdef0123456789abcdef"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_plan(room: Path, ca: TinyCa) -> BrokerPlan:
    return BrokerPlan(
        directory=room / "run",
        bootstrap=Address("127.0.0.1", free_port()),
        ops=Address("127.0.0.1", free_port()),
        control=Address("127.0.0.1", free_port()),
        ca=ca.ca,
        certificate=_must(ca.server_certificate),
        key=_must(ca.server_key),
        crl=ca.crl,
    )


def _must(path: Path | None) -> Path:
    assert path is not None
    return path


def make_broker(kind: Literal["mosquitto", "embedded"], plan: BrokerPlan, log: list[str]) -> Broker:
    if kind == "mosquitto":
        require_tool("mosquitto", "the MQTT broker of the product")
    return choose_broker(kind, plan, entropy=os.urandom, tell=log.append)


class Listener:
    """A client and everything that it heard."""

    def __init__(self, settings: ClientSettings) -> None:
        self.heard: queue.Queue[Message] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.problems: list[str] = []
        self.client = MqttClient(
            settings,
            log=lambda text, error: self.problems.append(f"{text} {error!r}"),
            on_message=self.heard.put,
            on_lost=self.lost.put,
        )

    def next(self, timeout: float = 5.0) -> Message:
        return self.heard.get(timeout=timeout)


class House:
    """A broker, its CA, and a way to connect as anybody."""

    def __init__(self, broker: Broker, ca: TinyCa, stack: ExitStack, log: list[str]) -> None:
        self.broker = broker
        self.ca = ca
        self.log = log
        self._stack = stack

    def connect(self, settings: ClientSettings) -> Listener:
        listener = Listener(settings)
        self._stack.callback(listener.client.disconnect)
        listener.client.connect(timeout=10)
        return listener

    def bridge(self, client_id: str = "mtr.bridge") -> Listener:
        return self.connect(self.control_settings(client_id))

    def control_settings(self, client_id: str, *, password: str | None = None) -> ClientSettings:
        ends = self.broker.endpoints
        return ClientSettings(
            host=ends.control.host,
            port=ends.control.port,
            client_id=client_id,
            protocol=self.protocol,
            username=ends.control_username,
            password=ends.control_password if password is None else password,
        )

    @property
    def protocol(self) -> Literal["5", "3.1.1"]:
        return "5" if self.broker.kind == "mosquitto" else "3.1.1"

    def device(
        self, device_id: str, *, client_id: str = "", tls: TlsFiles | None = None, will: Will | None = None
    ) -> Listener:
        return self.connect(self.device_settings(device_id, client_id=client_id, tls=tls, will=will))

    def device_settings(
        self, device_id: str, *, client_id: str = "", tls: TlsFiles | None = None, will: Will | None = None
    ) -> ClientSettings:
        ops = self.broker.endpoints.ops
        return ClientSettings(
            host=ops.host,
            port=ops.port,
            client_id=client_id or device_id,
            protocol=self.protocol,
            tls=tls or self.ca.issue(device_id),
            will=will,
            retry_first=0.1,
        )

    def stranger(self, claim: str, client_id: str = SESSION) -> Listener:
        return self.connect(self.stranger_settings(claim, client_id))

    def stranger_settings(self, claim: str, client_id: str = SESSION) -> ClientSettings:
        bootstrap = self.broker.endpoints.bootstrap
        return ClientSettings(
            host=bootstrap.host,
            port=bootstrap.port,
            client_id=client_id,
            protocol=self.protocol,
            tls=TlsFiles(self.ca.ca),
            username=claim,
        )

    def settle(self, sender: Listener, bridge: Listener, topic: str) -> list[str]:
        """What the bridge heard up to and including a marker that `sender` is allowed to send."""
        sender.client.publish(topic, b"marker")
        heard: list[str] = []
        while True:
            message = bridge.next()
            if message.payload == b"marker":
                return heard
            heard.append(message.topic)


@pytest.fixture
def ca(tmp_path: Path) -> TinyCa:
    room = tmp_path / "ca"
    room.mkdir()
    return TinyCa(room)


@pytest.fixture(params=["mosquitto", "embedded"])
def house(request: pytest.FixtureRequest, tmp_path: Path, ca: TinyCa) -> Iterator[House]:
    log: list[str] = []
    broker = make_broker(request.param, make_plan(tmp_path, ca), log)
    with ExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        yield House(broker, ca, stack, log)
