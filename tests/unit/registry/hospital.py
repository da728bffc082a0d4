"""A hospital in memory and on disk: a real CA, a real store, a clock that the test turns.

Keys are made once per process; each hospital has a store of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pki import csr as requests
from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import StatusUrls, SubjectFacts
from pki.tbs import Certificate
from registry.enrollment import challenge, confirm, enroll
from registry.identity.catalogue import SEED
from registry.model import transcript
from registry.model.actor import operator
from registry.model.certificate import CertificateRecord
from registry.model.device import Device
from registry.model.enrollment import ConfirmRequest, Enrollment, EnrollmentRequest, Proof, RenewalRequest
from registry.pending import IssuingParts
from registry.ports import Entropy, Ports
from registry.publication import ListSigner
from registry.registration import Approval, RegistrationRequest, approve, register
from registry.renewal import renew
from registry.store.unit_of_work import Store
from registry.tokens import create_token
from service.clock import entropy

ENGINEER = operator("engineer")
PUMP = "(01)09521000000018(21)PUMP-1"
VENTILATOR = "(01)09521000000025(21)VENT-1"
DISPLAY = "(01)09521000000032(21)WALL-1"
MONITOR = "(01)09521000000049(21)MON-1"
START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@lru_cache(maxsize=1)
def authority() -> tuple[Certificate, Certificate, HybridPrivateKey]:
    """(root, issuing, the issuing CA's key)."""
    before = START - timedelta(days=1)
    root_key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
    root = Certificate.parse(
        self_signed(
            profiles.ROOT, SubjectFacts(common_name="Test Root"), root_key, now=before, entropy=entropy
        ).der
    )
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    above = Issuer(root, root_key, StatusUrls("", "http://127.0.0.1/root.der", "http://127.0.0.1/root.crl"))
    facts = SubjectFacts(common_name="Test Issuing")
    token = above.prepare(profiles.ISSUING_CA, facts, key.public, now=before, entropy=entropy)
    return root, Certificate.parse(above.issue(token).der), key


def device_key(number: int = 0) -> HybridPrivateKey:
    """A device's keys, kept: making them is not what a test is about."""
    return _kept_key(number)


@lru_cache(maxsize=64)
def _kept_key(number: int) -> HybridPrivateKey:
    del number
    return HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)


@dataclass
class Hospital:
    """Everything a use case is handed."""

    store: Store
    now: datetime = START
    randomness: Entropy = entropy
    seen: dict[str, int] = field(default_factory=dict)
    """Devices that asked, by the number of their keys: the first has `device_key()`."""
    parts: IssuingParts = field(init=False)
    signer: ListSigner = field(init=False)

    def __post_init__(self) -> None:
        _, issuing, key = authority()
        issuer = Issuer(
            issuing,
            key,
            StatusUrls("http://127.0.0.1/ocsp", "http://127.0.0.1/i.der", "http://127.0.0.1/i.crl"),
        )
        self.parts = IssuingParts(issuer, (issuing.der,), "Test Hospital")
        self.signer = ListSigner("issuing", issuing, key, key.classical.public.key_identifier)

    @property
    def ports(self) -> Ports:
        """The hospital's store, its clock, its randomness (real unless the test says otherwise)."""
        return Ports(self.store, lambda: self.now, self.randomness)

    def wait(self, **how_long: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**how_long)

    def admit(self, label: str) -> Device:
        """A registered and approved device."""
        device = register(RegistrationRequest(label), ENGINEER, ports=self.ports, catalogue=SEED).device
        return approve(Approval(device.device_id), ENGINEER, ports=self.ports)

    def key_of(self, device_id: str) -> HybridPrivateKey:
        """The first keys of a device; no other device has them."""
        number = self.seen.setdefault(device_id, 1000 + len(self.seen) if self.seen else 0)
        return device_key(number)

    def request(
        self, device: Device, rid: str = "r1", *, key: HybridPrivateKey | None = None
    ) -> EnrollmentRequest:
        """A complete and honest enrolment request with a fresh token and challenge."""
        token, _ = create_token(device.device_id, ENGINEER, ports=self.ports)
        return self.request_with(device, token, rid, key=key)

    def request_with(
        self, device: Device, token: str, rid: str = "r1", *, key: HybridPrivateKey | None = None
    ) -> EnrollmentRequest:
        """The same with a token at hand."""
        key = key or self.key_of(device.device_id)
        session = hashlib.md5(rid.encode(), usedforsecurity=False).hexdigest()
        given = challenge(device.device_id, session, rid, ports=self.ports)
        der = requests.build(key, common_name=device.device_id)
        signed = transcript.enroll(der, given.nonce, device.device_id, device.device_id)
        return EnrollmentRequest(
            request_id=rid,
            device_id=device.device_id,
            session=session,
            claim=device.device_id,
            csr=der,
            proof=proof(key, signed),
            token_hmac=transcript.token_hmac(transcript.token_key(token), signed),
            body_hash=hashlib.sha256(der + rid.encode()).digest(),
        )

    def enroll(self, device: Device, rid: str = "r1", *, key: HybridPrivateKey | None = None) -> Enrollment:
        """A pending certificate."""
        return enroll(self.request(device, rid, key=key), ports=self.ports, parts=self.parts)

    def confirm(self, enrolled: Enrollment, *, key: HybridPrivateKey | None = None) -> CertificateRecord:
        """The certificate's first use."""
        fingerprint = enrolled.certificate.fingerprint or ""
        signed = transcript.confirm(enrolled.device_id, "c1", bytes.fromhex(fingerprint))
        request = ConfirmRequest(
            "c1", enrolled.device_id, fingerprint, proof(key or self.key_of(enrolled.device_id), signed)
        )
        return confirm(request, ports=self.ports)

    def renewal(
        self,
        device: Device,
        current: CertificateRecord,
        rid: str = "n1",
        *,
        key: HybridPrivateKey,
        held: HybridPrivateKey | None = None,
    ) -> RenewalRequest:
        """A complete and honest renewal to `key`, proved by the keys of the current certificate."""
        der = requests.build(key, common_name=device.device_id)
        fingerprint = current.fingerprint or ""
        signed = transcript.renew(der, device.device_id, rid, bytes.fromhex(fingerprint))
        return RenewalRequest(
            request_id=rid,
            device_id=device.device_id,
            csr=der,
            current_fingerprint=fingerprint,
            proof=proof(key, signed),
            current_proof=proof(held or self.key_of(device.device_id), signed),
            body_hash=hashlib.sha256(der + rid.encode()).digest(),
        )

    def renew(
        self, device: Device, current: CertificateRecord, rid: str = "n1", *, key: HybridPrivateKey
    ) -> Enrollment:
        """A pending certificate beside the current one."""
        return renew(self.renewal(device, current, rid, key=key), ports=self.ports, parts=self.parts)

    def active(self, label: str) -> tuple[Device, CertificateRecord]:
        """A device that is in use."""
        device = self.admit(label)
        record = self.confirm(self.enroll(device))
        return self.device(device.device_id), record

    def device(self, device_id: str) -> Device:
        """As it stands in the store."""
        with self.store.read() as uow:
            found = uow.devices.get(device_id)
        assert found is not None
        return found

    def certificate(self, serial: str) -> CertificateRecord:
        """As it stands in the store."""
        with self.store.read() as uow:
            found = uow.certificates.get(serial)
        assert found is not None
        return found

    def certificates(self) -> list[CertificateRecord]:
        """All, oldest first."""
        with self.store.read() as uow:
            return uow.certificates.all()

    def owed(self) -> list[tuple[str, str | None]]:
        """What the wire is still owed, in order: (kind, device)."""
        with self.store.read() as uow:
            return [(effect.kind, effect.device_id) for effect in uow.operations.owed()]

    def log_kinds(self) -> list[str]:
        """The kinds of all leaves, in order."""
        from registry.audit_trail import entries

        return [leaf.kind for _, leaf in entries(ports=self.ports, limit=10_000)]


def proof(key: HybridPrivateKey, signed: bytes) -> Proof:
    """Both keys' signatures."""
    return Proof(key.classical.sign(signed), key.alternative.sign(signed) if key.alternative else None)


def open_hospital(folder: Path) -> Hospital:
    """A hospital with a store in the folder."""
    return Hospital(Store.open(f"sqlite:///{folder / 'registry.db'}"))
