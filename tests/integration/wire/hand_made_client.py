"""A client that says what a test wants said, honest or not: a vendor's bug, or an attacker."""

from __future__ import annotations

import json
import queue
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from mqtt_bridge import messages, topics
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Message, MessageProperties, TlsFiles
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.enroll import signatures
from mqtt_bridge.octets import Octets
from pki import csr
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey
from registry.model import transcript
from tests.integration.wire.hospital_running import RunningHospital


def new_key() -> HybridPrivateKey:
    """Nobody else's: the registry refuses a key that another device has."""
    return HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)


OTHER_KEY = new_key()


class OtherAnswer(Exception):
    """hello got no challenge."""


@dataclass(frozen=True)
class Answer:
    """What came under `down/`."""

    verb: str
    body: dict[str, Any]

    @property
    def told(self) -> tuple[int, str, str]:
        """(status, step, field) of a problem."""
        return self.body["status"], self.body.get("step", ""), self.body.get("field", "")


class Caller:
    """One connection, and everything that it hears."""

    def __init__(self, settings: ClientSettings, down: str) -> None:
        self.heard: queue.Queue[Message] = queue.Queue()
        self.patience = 10.0
        self.strays: list[str] = []
        """Topics of what came although it is not addressed to us."""
        self.client = MqttClient(settings, log=lambda _text, _error: None, on_message=self.heard.put)
        self.client.connect()
        self.client.subscribe([down])

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()

    def say(self, topic: str, payload: bytes, *, retain: bool = False, response_topic: str = "") -> None:
        """Publishes and waits for nothing but the broker."""
        properties = MessageProperties(response_topic=response_topic)
        self.client.publish(topic, payload, retain=retain, properties=properties)

    def hear(self, timeout: float | None = None) -> Answer:
        """The next answer. Raises queue.Empty after `timeout` or our patience, in seconds."""
        timeout = timeout or self.patience
        message = self.heard.get(timeout=timeout)
        while "/down/" not in message.topic:
            self.strays.append(message.topic)
            message = self.heard.get(timeout=timeout)
        return Answer(message.topic.split("/down/")[1].split("/")[0], json.loads(message.payload))

    def ask(self, topic: str, payload: bytes) -> Answer:
        """Says it and hears the answer."""
        self.say(topic, payload)
        return self.hear()


@dataclass
class Joining:
    """A dialogue on the bootstrap listener, one step at a time."""

    hospital: RunningHospital
    device_id: str
    key: HybridPrivateKey = field(default_factory=new_key)
    session: str = field(default_factory=lambda: secrets.token_hex(16))
    rid: str = field(default_factory=lambda: secrets.token_hex(8))
    protocol: Literal["5", "3.1.1"] = "3.1.1"

    def connect(self) -> Caller:
        """As a stranger who claims to be the device."""
        host, port = self.hospital.bootstrap
        settings = ClientSettings(
            host=host,
            port=port,
            client_id=self.session,
            protocol=self.protocol,
            username=self.device_id,
            tls=TlsFiles(self.hospital.home.public / "root.pem"),
        )
        return Caller(settings, topics.bootstrap_down(self.device_id, self.session))

    @property
    def up(self) -> str:
        """Our own branch."""
        return f"mtr/1/b/{self.device_id}/{self.session}/up"

    def hello(self, caller: Caller) -> bytes:
        """The nonce of a challenge."""
        hello = messages.Hello(
            rid=self.rid, device_id=self.device_id, algorithms=[messages.HYBRID_ALGORITHMS]
        )
        said = caller.ask(f"{self.up}/hello", messages.encode(hello))
        if said.verb != "challenge":
            raise OtherAnswer(f"{said.verb}: {said.body}")
        return Octets.from_text(said.body["nonce"])

    def body(self, nonce: bytes, token: str, *, name: str = "", request: bytes = b"") -> dict[str, Any]:
        """An enroll message as JSON can hold it; the proof is over whatever the request is."""
        request = request or csr.build(self.key, common_name=name or self.device_id)
        signed = transcript.enroll(request, nonce, self.device_id, self.device_id)
        enroll = messages.Enroll(
            rid=self.rid,
            csr=Octets(request),
            proof=signatures(self.key, signed),
            token_hmac=Octets(transcript.token_hmac(transcript.token_key(token), signed)),
        )
        found: dict[str, Any] = json.loads(messages.encode(enroll))
        return found

    def send(self, caller: Caller, body: dict[str, Any] | bytes) -> Answer:
        """enroll, and its answer."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return caller.ask(f"{self.up}/enroll/{self.rid}", payload)

    def join(self, token: str) -> Answer:
        """hello and enroll, honestly."""
        with self.connect() as caller:
            return self.send(caller, self.body(self.hello(caller), token))


def as_device(hospital: RunningHospital, device: Device, device_id: str) -> Caller:
    """A hand-made client under a device's own certificate. Its live session ends with this."""
    home = device._home
    settings = ClientSettings(
        host=hospital.at.ops.host,
        port=hospital.at.ops.port,
        client_id=device_id,
        protocol="3.1.1",
        tls=home.tls(home.active),
    )
    return Caller(settings, topics.device_down(device_id))
