"""Requests of devices: bytes in, the use case, bytes out. Bootstrap: hello, enroll. Ops: confirm, renew.

Every request gets exactly one answer, under the caller's own `down/`, or none where the topic is wrong.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct

from mqtt_bridge import messages
from mqtt_bridge.messages import BadMessage, Challenge, Confirm, Enroll, Hello, Renew, decode
from mqtt_bridge.octets import Octets
from mqtt_bridge.pacer import Pacer
from mqtt_bridge.problems import TooManyRequests, answer_to
from mqtt_bridge.topics import BootstrapTopic, DeviceTopic
from pki.keys import HybridPrivateKey
from registry import enrollment, renewal
from registry.model import transcript
from registry.model.device import DeviceId
from registry.model.enrollment import ConfirmRequest, Enrollment, EnrollmentRequest, Proof, RenewalRequest
from registry.model.errors import BadInput, Refused
from registry.pending import IssuingParts
from registry.ports import Ports
from registry.trust.phi_guard import guard_text

_TURNS: Final = 64


@dataclass(frozen=True, slots=True)
class Owner:
    """Who proves to devices that this is their hospital: the registry's signing key and its chain."""

    key: HybridPrivateKey
    chain: tuple[bytes, ...]
    """DER: the signing certificate, then the issuing CA's."""
    issuer_fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One message to publish."""

    topic: str
    payload: bytes
    is_problem: bool
    verb: str
    status: int
    field: str = ""


class Requests:
    """The request-and-answer half of the bridge; safe to share among threads."""

    def __init__(
        self,
        *,
        ports: Ports,
        parts: IssuingParts,
        owner: Owner,
        ops: messages.Endpoint,
        report: Callable[[str, Exception], None],
    ) -> None:
        self._ports, self._parts, self._owner, self._ops = ports, parts, owner, ops
        self._report = report
        # Apart: a stranger who names a device on the bootstrap listener must not use up what it may ask.
        self._devices, self._sessions = Pacer(rate=5.0, burst=20), Pacer(rate=5.0, burst=20)
        # One name at a time: a request and its redelivery would race, and the loser be told 410.
        self._turns = tuple(threading.Lock() for _ in range(_TURNS))

    def use(self, owner: Owner) -> None:
        """From the next answer on this key proves whose hospital it is: the old one was made new."""
        self._owner = owner

    def bootstrap(self, topic: BootstrapTopic, payload: bytes) -> Answer:
        """hello or enroll of a session that has no certificate yet."""
        step, rid = topic.verb, topic.rid or _rid_of(payload)

        def handle() -> Struct:
            _pace(self._sessions, topic.session)
            guard_text("rid", rid)
            self._guard_claim(topic.claim)
            if topic.verb == "hello":
                return self._hello(topic, payload)
            return self._enroll(topic, payload)

        with self._turn_of(topic.claim):
            return self._answered(handle, topic.answer, rid, step)

    def device(self, topic: DeviceTopic, payload: bytes) -> Answer:
        """confirm or renew of a device that the broker knows by its certificate."""

        def handle() -> Struct:
            _pace(self._devices, topic.device_id)
            guard_text("rid", topic.arg)
            if topic.verb == "confirm":
                return self._confirm(topic, payload)
            if topic.verb == "renew":
                return self._renew(topic, payload)
            raise BadMessage("Evidence on demand is not taken yet.", step=topic.verb, field="topic")

        with self._turn_of(topic.device_id):
            return self._answered(handle, topic.answer, topic.arg, topic.verb)

    def _turn_of(self, name: str) -> threading.Lock:
        return self._turns[hash(name) % _TURNS]

    def _guard_claim(self, claim: str) -> None:
        # A stranger's name for itself would be stored with its challenge. Our own random ids may look like
        # anything, so a name that we gave is let through.
        try:
            guard_text("claim", claim)
        except BadInput:
            with self._ports.store.read() as uow:
                if uow.devices.get(claim) is None:
                    raise

    def _answered(
        self,
        handle: Callable[[], Struct],
        answer: Callable[[str, str], BootstrapTopic | DeviceTopic],
        rid: str,
        step: str,
    ) -> Answer:
        try:
            said = handle()
        except Exception as error:  # noqa: BLE001 - the one place where a device's request may fail
            self._report(step, error)
            said = answer_to(error, rid=rid, step=step)
        verb, status = _verb_of(said)
        field = said.field if isinstance(said, messages.Problem) else ""
        topic = answer(verb, rid or "unknown")
        return Answer(
            str(topic), messages.encode(said), isinstance(said, messages.Problem), verb, status, field
        )

    def _hello(self, topic: BootstrapTopic, payload: bytes) -> Challenge:
        hello = decode(Hello, payload, "hello")
        if hello.device_id != topic.claim:
            raise Refused("The claim of the topic is another device's.", field="device_id")
        given = enrollment.challenge(DeviceId(hello.device_id), topic.session, hello.rid, ports=self._ports)
        expires_at = _rfc3339(given.expires_at)
        signed = transcript.challenge(
            given.nonce, given.device_id, given.request_id, expires_at, self._owner.issuer_fingerprint
        )
        return Challenge(
            rid=hello.rid,
            nonce=Octets(given.nonce),
            expires_at=expires_at,
            csr=messages.CsrAttributes(
                common_name=hello.device_id, classical="ec-p256", alternative="ml-dsa-65"
            ),
            issuer_fingerprints=[self._owner.issuer_fingerprint.hex()],
            signer_chain=[Octets(der) for der in self._owner.chain],
            signature=_signatures(self._owner.key, signed),
        )

    def _enroll(self, topic: BootstrapTopic, payload: bytes) -> messages.Accepted:
        enroll = decode(Enroll, payload, "enroll")
        _same_rid(enroll.rid, topic.rid, "enroll")
        if enroll.token_hmac is None:
            raise BadMessage("Enroll lacks the field token_hmac.", step="enroll", field="token_hmac")
        request = EnrollmentRequest(
            request_id=enroll.rid,
            device_id=DeviceId(topic.claim),
            session=topic.session,
            claim=topic.claim,
            csr=enroll.csr,
            proof=_proof(enroll.proof),
            token_hmac=enroll.token_hmac,
            body_hash=hashlib.sha256(payload).digest(),
        )
        return self._accepted(enrollment.enroll(request, ports=self._ports, parts=self._parts), self._ops)

    def _confirm(self, topic: DeviceTopic, payload: bytes) -> messages.ConfirmAccepted:
        confirm = decode(Confirm, payload, "confirm")
        _same_rid(confirm.rid, topic.arg, "confirm")
        request = ConfirmRequest(
            confirm.rid, DeviceId(topic.device_id), confirm.fingerprint, _proof(confirm.signature)
        )
        enrollment.confirm(request, ports=self._ports)
        return messages.ConfirmAccepted(rid=confirm.rid)

    def _renew(self, topic: DeviceTopic, payload: bytes) -> messages.Accepted:
        renew = decode(Renew, payload, "renew")
        _same_rid(renew.rid, topic.arg, "renew")
        request = RenewalRequest(
            request_id=renew.rid,
            device_id=DeviceId(topic.device_id),
            csr=renew.csr,
            current_fingerprint=renew.current_fingerprint,
            proof=_proof(renew.proof),
            current_proof=_proof(renew.current_proof),
            body_hash=hashlib.sha256(payload).digest(),
        )
        return self._accepted(renewal.renew(request, ports=self._ports, parts=self._parts), None)

    def _accepted(self, done: Enrollment, ops: messages.Endpoint | None) -> messages.Accepted:
        return messages.Accepted(
            rid=done.request_id,
            chain=[Octets(der) for der in done.chain],
            activate_before=_rfc3339(done.activate_before),
            ops=ops,
        )


def _pace(pacer: Pacer, name: str) -> None:
    if not pacer.allows(name, time.monotonic()):
        raise TooManyRequests("Too many requests.", next_step="Wait some seconds.", field="topic")


def _verb_of(said: Struct) -> tuple[str, int]:
    if isinstance(said, messages.Problem):
        return "rejected", said.status
    if isinstance(said, messages.Pending):
        return "pending", said.status
    return ("challenge", 200) if isinstance(said, Challenge) else ("accepted", 200)


def _rfc3339(at: datetime) -> str:
    # Whole milliseconds, as the store keeps them: the same answer when it is given again.
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _proof(said: messages.Signatures) -> Proof:
    return Proof(said.classical, said.alternative)


def _signatures(key: HybridPrivateKey, signed: bytes) -> messages.Signatures:
    alternative = Octets(key.alternative.sign(signed)) if key.alternative else None
    return messages.Signatures(classical=Octets(key.classical.sign(signed)), alternative=alternative)


def _same_rid(said: str, topic: str, step: str) -> None:
    if said != topic:
        raise BadMessage("The rid of the message is not the topic's.", step=step, field="rid")


def _rid_of(payload: bytes) -> str:
    try:
        return decode(Hello, payload, "hello").rid
    except BadMessage:
        return ""
