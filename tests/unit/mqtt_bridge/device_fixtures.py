"""A registry in a box: a real little CA behind the link interface that the device speaks to."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from mqtt_bridge import messages as m
from mqtt_bridge import topics
from mqtt_bridge.client_settings import NO_PROPERTIES, ClientSettings, Log, Message, MessageProperties
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.owner import holds
from mqtt_bridge.errors import BrokerRefused, BrokerUnreachable
from mqtt_bridge.octets import Octets
from pki import csr, profiles, tbs
from pki.keys import HybridPrivateKey, HybridPublicKey
from registry.model import transcript
from tests.unit.mqtt_bridge.device_authority import DEVICE, NONCE, NOW, TOKEN, Authority, House, house


def _unchanged(answer: Struct) -> Struct:
    return answer


def sign(key: HybridPrivateKey, data: bytes) -> m.Signatures:
    assert key.alternative is not None
    return m.Signatures(
        classical=Octets(key.classical.sign(data)), alternative=Octets(key.alternative.sign(data))
    )


@dataclass
class BoxedRegistry:
    """Answers like the real one; the fields below `clock` are its fault hooks."""

    house: House = field(default_factory=house)
    clock: Callable[[], datetime] = lambda: NOW
    signer: Authority | None = None
    change: dict[str, Callable[[Struct], Struct]] = field(default_factory=dict)
    """verb asked -> what becomes of the answer."""
    lose: dict[str, int] = field(default_factory=dict)
    """verb asked -> how many answers get lost."""
    refused: set[str] = field(default_factory=set)
    """Certificate fingerprints, hexadecimal, that ops lets in no more."""
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    told: list[tuple[str, bytes, bool]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    links: list[BoxedLink] = field(default_factory=list)
    _answers: dict[tuple[str, bytes], tuple[str, bytes]] = field(default_factory=dict)
    _certificates: dict[str, tbs.Certificate] = field(default_factory=dict)

    def take(self, topic_text: str, payload: bytes, retain: bool) -> Message | None:
        """One message from a device; its answer, if it gets one."""
        topic = topics.parse(topic_text)
        assert not isinstance(topic, topics.PublicTopic)
        if topic.verb in ("tele", "state"):
            self.told.append((topic.verb, payload, retain))
            return None
        self.asked.append((topic.verb, payload))
        key = (topic_text, payload)
        if key not in self._answers:
            self._answers[key] = self._answer(topic, payload)
        verb, answer = self._answers[key]
        if self.lose.get(topic.verb, 0) > 0:
            self.lose[topic.verb] -= 1
            return None
        rid = m.decode(m.Hello, payload, "hello").rid if topic.verb == "hello" else topic_text.split("/")[-1]
        return Message(str(topic.answer(verb, rid)), answer, 1, False, 1)

    def _answer(self, topic: topics.BootstrapTopic | topics.DeviceTopic, payload: bytes) -> tuple[str, bytes]:
        made: dict[str, tuple[str, Callable[[bytes], Struct]]] = {
            "hello": ("challenge", self._challenge),
            "enroll": ("accepted", self._enroll),
            "confirm": ("accepted", self._confirm),
            "renew": ("accepted", self._renew),
        }
        verb, make = made[topic.verb]
        answer = self.change.get(topic.verb, _unchanged)(make(payload))
        if isinstance(answer, m.Problem):
            verb = "rejected"
        if isinstance(answer, m.Pending):
            verb = "pending"
        return verb, m.encode(answer)

    def _later(self, *, minutes: int) -> str:
        moment = self.clock() + timedelta(minutes=minutes)
        return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")

    def _challenge(self, payload: bytes) -> m.Challenge:
        hello = m.decode(m.Hello, payload, "hello")
        expires = self._later(minutes=2)
        issuing, signer = self.house.issuing.certificate, self.signer or self.house.signer
        signed = transcript.challenge(NONCE, hello.device_id, hello.rid, expires, issuing.fingerprint)
        return m.Challenge(
            rid=hello.rid,
            nonce=Octets(NONCE),
            expires_at=expires,
            csr=m.CsrAttributes(common_name=hello.device_id, classical="ec-p256", alternative="ml-dsa-65"),
            issuer_fingerprints=[issuing.fingerprint.hex()],
            signer_chain=[Octets(signer.certificate.der), Octets(issuing.der)],
            signature=sign(signer.key, signed),
        )

    def _enroll(self, payload: bytes) -> m.Accepted:
        ask = m.decode(m.Enroll, payload, "enroll")
        request = csr.Request.parse(ask.csr)
        signed = transcript.enroll(ask.csr, NONCE, DEVICE, DEVICE)
        assert not csr.verify_possession(request)
        assert holds(request.public, ask.proof, signed)
        assert ask.token_hmac == transcript.token_hmac(transcript.token_key(TOKEN), signed)
        return self._issue(ask.rid, request, m.Endpoint(host="ops.test", port=8883))

    def _renew(self, payload: bytes) -> m.Accepted:
        ask = m.decode(m.Renew, payload, "renew")
        request = csr.Request.parse(ask.csr)
        current = self._certificates[ask.current_fingerprint]
        signed = transcript.renew(ask.csr, DEVICE, ask.rid, current.fingerprint)
        old = HybridPublicKey(current.public_key, current.alternative_public_key)
        assert holds(request.public, ask.proof, signed)
        assert holds(old, ask.current_proof, signed)
        assert request.public != old
        return self._issue(ask.rid, request, None)

    def _issue(self, rid: str, request: csr.Request, ops: m.Endpoint | None) -> m.Accepted:
        issuing = self.house.issuing
        der = issuing.issue(profiles.DEVICE, DEVICE, request.public, serial=100 + len(self.issued))
        certificate = tbs.Certificate.parse(der)
        self.issued.append(certificate.fingerprint.hex())
        self._certificates[certificate.fingerprint.hex()] = certificate
        before = self._later(minutes=60)
        chain = [Octets(der), Octets(issuing.certificate.der)]
        return m.Accepted(rid=rid, chain=chain, activate_before=before, ops=ops)

    def _confirm(self, payload: bytes) -> m.ConfirmAccepted:
        ask = m.decode(m.Confirm, payload, "confirm")
        mine = self._certificates[ask.fingerprint]
        keys = HybridPublicKey(mine.public_key, mine.alternative_public_key)
        assert holds(keys, ask.signature, transcript.confirm(DEVICE, ask.rid, mine.fingerprint))
        self.active.append(ask.fingerprint)
        return m.ConfirmAccepted(rid=ask.rid)

    def link(
        self,
        settings: ClientSettings,
        *,
        log: Log,
        on_message: Callable[[Message], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> BoxedLink:
        """The link factory that a Device is given."""
        made = BoxedLink(self, settings, on_message, on_lost)
        self.links.append(made)
        return made

    def cut(self, reason: str = "session taken over") -> None:
        """Revokes the certificate of the newest link and ends its session."""
        link = self.links[-1]
        self.refused.add(link.fingerprint)
        link.lose(reason)


@dataclass
class BoxedLink:
    """One connection to the boxed registry."""

    registry: BoxedRegistry
    settings: ClientSettings
    on_message: Callable[[Message], None] | None
    on_lost: Callable[[str], None] | None
    filters: list[str] = field(default_factory=list)
    is_ready: bool = False

    @property
    def fingerprint(self) -> str:
        tls = self.settings.tls
        assert tls is not None
        if tls.certificate is None:
            return ""
        pem = tls.certificate.read_text().split("-----END CERTIFICATE-----")[0]
        der = ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----\n")
        return tbs.Certificate.parse(der).fingerprint.hex()

    def connect(self, timeout: float = 10.0) -> None:
        if self.fingerprint in self.registry.refused:
            raise BrokerRefused("certificate revoked", field="tls")
        self.is_ready = True

    def subscribe(self, filters: Sequence[str], timeout: float = 10.0) -> None:
        self.filters.extend(filters)

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
        if not self.is_ready:
            raise BrokerUnreachable("not connected")
        answer = self.registry.take(topic, payload, retain)
        if answer is not None and self.on_message is not None:
            assert any(answer.topic.startswith(each.removesuffix("#")) for each in self.filters)
            self.on_message(answer)
        return 1

    def lose(self, reason: str) -> None:
        self.is_ready = False
        if self.on_lost is not None:
            self.on_lost(reason)

    def disconnect(self, timeout: float = 5.0) -> None:
        self.is_ready = False


BOOTSTRAP = ("bootstrap.test", 8884)


def device(tmp_path: Path, registry: BoxedRegistry) -> Device:
    return Device(
        tmp_path / "state",
        house().root_pem,
        link_factory=registry.link,
        clock=lambda: NOW,
        timeout=0.02,
    )


def enroll(tmp_path: Path, registry: BoxedRegistry, token: str = TOKEN) -> None:
    with device(tmp_path, registry) as made:
        made.enroll(bootstrap=BOOTSTRAP, token=token, device_id=DEVICE)


def changed(**fields: object) -> Callable[[Struct], Struct]:
    return lambda answer: msgspec.structs.replace(answer, **fields)
