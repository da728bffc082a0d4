"""A certificate as the registry knows it, and the table of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from registry.model.device import DeviceId
from registry.model.errors import BadInput, Conflict

CertificateSerial = NewType("CertificateSerial", str)
"""Lower-case hex without prefix, no leading zeros: the one stored form."""

_MAX_OCTETS: Final = 20


def certificate_serial(text: str) -> CertificateSerial:
    """Decimal, 0x hex, bare hex or colon hex to the stored form; BadInput otherwise.

    Bare digits are decimal only when they are too short to be one of our 32 hex digits; write 0x to be sure.
    """
    plain = text.strip().lower().replace(":", "")
    is_decimal = plain.isascii() and plain.isdigit() and ":" not in text and len(plain) != 2 * 16
    try:
        value = int(plain, 10 if is_decimal else 16)
    except ValueError:
        value = 0
    if value <= 0 or value.bit_length() > 8 * _MAX_OCTETS or "_" in plain or plain[:1] in "+-":
        raise BadInput(
            f"{text[:64]!r} is not a certificate serial number.",
            next_step="Give it as decimal, 0x hex, bare hex or colon hex (medtrust cert list).",
            field="certificate_serial",
        )
    return of_int(value)


def of_int(value: int) -> CertificateSerial:
    """From the certificate's INTEGER."""
    return CertificateSerial(f"{value:x}")


class CertificateState(StrEnum):
    """Where a certificate is in its life."""

    INTENDED = "intended"
    PENDING = "pending"
    ACTIVE = "active"
    HELD = "held"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    VOID = "void"
    ABANDONED = "abandoned"
    EXPIRED = "expired"

    @property
    def is_revoked(self) -> bool:
        """Whether CRL and OCSP say no to it."""
        return self in _REVOKED


class CertificateEvent(StrEnum):
    """What can happen to it."""

    SIGN = "sign"
    CONFIRM = "confirm"
    HOLD = "hold"
    RELEASE = "release"
    SUPERSEDE = "supersede"
    REVOKE = "revoke"
    VOID = "void"
    ABANDON = "abandon"
    EXPIRE = "expire"


_S, _E = CertificateState, CertificateEvent
_REVOKED: Final = frozenset({_S.HELD, _S.SUPERSEDED, _S.REVOKED, _S.VOID, _S.ABANDONED})
CERTIFICATE_LIFECYCLE: Final[dict[tuple[CertificateState, CertificateEvent], CertificateState]] = {
    (_S.INTENDED, _E.SIGN): _S.PENDING,
    (_S.INTENDED, _E.ABANDON): _S.ABANDONED,
    (_S.PENDING, _E.CONFIRM): _S.ACTIVE,
    (_S.PENDING, _E.HOLD): _S.HELD,
    (_S.PENDING, _E.REVOKE): _S.REVOKED,
    (_S.PENDING, _E.VOID): _S.VOID,
    (_S.PENDING, _E.EXPIRE): _S.EXPIRED,
    (_S.ACTIVE, _E.CONFIRM): _S.ACTIVE,
    (_S.ACTIVE, _E.HOLD): _S.HELD,
    (_S.ACTIVE, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.ACTIVE, _E.REVOKE): _S.REVOKED,
    (_S.ACTIVE, _E.EXPIRE): _S.EXPIRED,
    (_S.HELD, _E.RELEASE): _S.ACTIVE,
    (_S.HELD, _E.REVOKE): _S.REVOKED,
    (_S.SUPERSEDED, _E.REVOKE): _S.REVOKED,
}


def move(state: CertificateState, event: CertificateEvent) -> CertificateState:
    """The next state; Conflict names what is possible from here."""
    after = CERTIFICATE_LIFECYCLE.get((state, event))
    if after is None:
        possible = ", ".join(sorted(e for s, e in CERTIFICATE_LIFECYCLE if s is state)) or "nothing"
        raise Conflict(
            f"The certificate is {state}: {event} is not possible.",
            next_step=f"Possible: {possible}.",
            field="state",
        )
    return after


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """What is stored of one certificate: its intention first, the signed bytes later."""

    certificate_serial: CertificateSerial
    issuer: str
    """`root` or `issuing`."""
    profile: str
    subject: str
    """The common name."""
    state: CertificateState
    not_before: datetime
    not_after: datetime
    tbs_digest: bytes
    """SHA-256 of what was linted (PreTBS)."""
    intended_at: datetime
    device_id: DeviceId | None = None
    der: bytes | None = None
    fingerprint: str | None = None
    """SHA-256 of the DER, hex."""
    reason: str = ""
    """A CRLReason's name where the state is revoked."""
    revoked_at: datetime | None = None
    issued_at: datetime | None = None
    confirmed_at: datetime | None = None
    activate_before: datetime | None = None
    request_id: str = ""
