"""What an enrolment asks for and what it gets: the one type where CLI and MQTT meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from registry.model.certificate import CertificateRecord, CertificateSerial
from registry.model.device import DeviceId


@dataclass(frozen=True, slots=True)
class Proof:
    """Signatures over a transcript by each key; alternative is None for a request without one."""

    classical: bytes
    alternative: bytes | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A nonce for one session, good once and until `expires_at`."""

    device_id: DeviceId
    session: str
    request_id: str
    nonce: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """A device's request, already decoded: CSR in DER, proof over the enroll transcript."""

    request_id: str
    device_id: DeviceId
    session: str
    claim: str
    csr: bytes
    proof: Proof
    token_hmac: bytes
    body_hash: bytes
    """SHA-256 of the message: the same id with another body is a conflict."""


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """A new CSR, proved by the new keys and by those of the current certificate."""

    request_id: str
    device_id: DeviceId
    csr: bytes
    current_fingerprint: str
    proof: Proof
    current_proof: Proof
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class ConfirmRequest:
    """First use of a certificate: signed by its keys over the confirm transcript."""

    request_id: str
    device_id: DeviceId
    fingerprint: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A certificate that was issued, and when it must be confirmed."""

    request_id: str
    device_id: DeviceId
    certificate: CertificateRecord
    chain: tuple[bytes, ...]
    """Leaf first, DER, without the root."""
    activate_before: datetime
    log_index: int
    """The leaf that records the issuance."""
    repeated: bool = False
    """Whether this is the stored answer to a redelivered request."""


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A one-time token as stored: never its secret, only the key that its HMAC is made with."""

    token_id: str
    device_id: DeviceId
    key: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None
    spent_on: CertificateSerial | None = None
