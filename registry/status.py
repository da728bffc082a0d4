"""What is known of a certificate's status, and which statuses a commit may have changed. Queries only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from registry.model.certificate import CertificateState, of_int
from registry.store.unit_of_work import UnitOfWork

ISSUER: Final = "issuing"
"""The first CA that answers are given for; the root's certificates are on the root's list only."""
_MOST_LEAVES: Final = 2_000
_HARMLESS: Final = frozenset(
    {
        *("certificate.intended", "device.registered", "device.seen_again", "device.approved"),
        *("token.created", "trust.judged", "crl.published"),
    }
)
"""Acts that move no certificate. Whatever is not here is taken to move some."""


class StatusKind(StrEnum):
    """The three answers."""

    GOOD = "good"
    REVOKED = "revoked"
    NOT_ISSUED = "not_issued"


@dataclass(frozen=True, slots=True)
class Status:
    """One certificate's status."""

    kind: StatusKind
    revoked_at: datetime | None = None
    reason: str = ""
    """A CRLReason's name."""


GOOD: Final = Status(StatusKind.GOOD)
NOT_ISSUED: Final = Status(StatusKind.NOT_ISSUED)


@dataclass(frozen=True, slots=True)
class Changes:
    """What the log says has happened since a size that was seen before."""

    log_size: int
    """To ask from next time."""
    serials: frozenset[int] | None
    """Certificates whose status may have changed; None: any."""
    lists: bool
    """Whether a revocation list was published."""


def certificate_status(serial: int, uow: UnitOfWork, issuer: str = ISSUER) -> Status:
    """Good only for what that CA signed and nobody took back; an intention is not issued yet."""
    record = uow.certificates.get(of_int(serial)) if serial > 0 else None
    if record is None or record.issuer != issuer:
        return NOT_ISSUED
    if record.state.is_revoked:
        # An abandoned intention counts as revoked: its signature may have left the house before a crash.
        return Status(StatusKind.REVOKED, record.revoked_at or record.intended_at, record.reason)
    if record.state is CertificateState.INTENDED or record.der is None:
        return NOT_ISSUED
    return GOOD


def log_size(uow: UnitOfWork) -> int:
    """The audit log's size: every change of a certificate appends to it in the same commit (rule 3)."""
    return uow.log.size()


def changes_since(seen: int, uow: UnitOfWork) -> Changes:
    """What leaves after `seen` may have changed; when in doubt, everything."""
    size = log_size(uow)
    if size == seen:
        return Changes(size, frozenset(), False)
    if not seen < size <= seen + _MOST_LEAVES:
        return Changes(size, None, True)
    heads = [msgspec.json.decode(leaf, type=_Head) for leaf in uow.log.read_entries(seen, size)]
    subjects = {head.subject for head in heads if head.kind not in _HARMLESS}
    lists = any(head.kind == "crl.published" for head in heads)
    serials: set[int] = set()
    for subject in subjects:
        touched = _serials_of(subject, uow)
        if not touched:
            return Changes(size, None, True)
        serials |= touched
    return Changes(size, frozenset(serials), lists)


class _Head(msgspec.Struct):
    kind: str
    subject: str


def _serials_of(subject: str, uow: UnitOfWork) -> set[int]:
    """A certificate and its siblings, or all of a device: a confirmation supersedes the one before."""
    record = uow.certificates.get(subject)
    device_id = subject if record is None else record.device_id
    siblings = uow.certificates.of_device(device_id) if device_id else []
    found = siblings if record is None else [record, *siblings]
    return {int(each.certificate_serial, 16) for each in found}
