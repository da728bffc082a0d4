"""What is known of a certificate's status, and which statuses a commit may have changed. Queries only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from registry.model.certificate import CertificateState, of_int
from registry.store.unit_of_work import UnitOfWork

ISSUER: Final = "issuing"
"""The first CA that answers are given for; the root's certificates are on the root's list only."""
_MOST_LEAVES: Final = 2_000
_HARMLESS: Final = frozenset(
    {
        *("certificate.intended", "device.registered", "device.seen_again", "device.approved"),
        *("token.created", "trust.judged", "crl.published", "reference.added"),
    }
)
"""Acts that move no certificate. Whatever is not here is taken to move some."""
_ALONE: Final = frozenset(
    {
        *("certificate.issued", "certificate.expired", "certificate.abandoned", "certificate.void"),
        *("certificate.held", "certificate.released"),
    }
)
"""Acts that move the certificate that they name and no other. Holds of a device say device.held."""


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
    not_after: datetime | None = field(default=None, compare=False)
    """The certificate's end, of what was issued; `statuses_after` says it beside."""


GOOD: Final = Status(StatusKind.GOOD)
NOT_ISSUED: Final = Status(StatusKind.NOT_ISSUED)


class KnownStatus(NamedTuple):
    """A certificate's status, for whoever signs answers before they are asked for."""

    certificate_serial: int
    status: Status
    not_after: datetime


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
        revoked_at = record.revoked_at or record.intended_at
        return Status(StatusKind.REVOKED, revoked_at, record.reason, record.not_after)
    if record.state is CertificateState.INTENDED or record.der is None:
        return NOT_ISSUED
    return replace(GOOD, not_after=record.not_after)


def statuses_after(
    issuer: str, after: str, limit: int, uow: UnitOfWork, *, not_after: datetime
) -> list[KnownStatus]:
    """At most `limit` certificates of one CA behind a stored serial ("": from the first), in its order.

    All whose status is not NOT_ISSUED and that are in force at `not_after` or revoked and not past their end.
    The next page begins behind `of_int` of the last one; fewer than `limit` are the last. Note the log's size
    before the first page: what changes meanwhile stands in `changes_between` from there.
    """
    found = uow.certificates.answered_after(issuer, after, limit, ends_from=not_after)
    return [
        KnownStatus(
            int(serial, 16),
            GOOD if since is None else Status(StatusKind.REVOKED, since, reason),
            end,
        )
        for serial, end, since, reason in found
    ]


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
    return changes_between(seen, size, uow)


def changes_between(seen: int, upto: int, uow: UnitOfWork) -> Changes:
    """What the leaves [seen, upto) may have changed, however many; `log_size` says how far that went.

    For a backlog of any length in steps: some thousand leaves each, each in a transaction of its own.
    """
    size = log_size(uow)
    if not 0 <= seen <= size:
        return Changes(size, None, True)
    upto = max(seen, min(upto, size))
    heads = [msgspec.json.decode(leaf, type=_Head) for leaf in uow.log.read_entries(seen, upto)]
    if len(heads) != upto - seen:
        return Changes(upto, None, True)  # a leaf is missing: somebody had a hand in the log
    lists = any(head.kind == "crl.published" for head in heads)
    serials = {head.subject for head in heads if head.kind in _ALONE}
    for subject in {head.subject for head in heads if head.kind not in _HARMLESS | _ALONE}:
        touched = uow.certificates.of_subject(subject)
        if not touched and uow.devices.get(subject) is None:
            return Changes(upto, None, True)
        serials.update(touched)
    try:
        return Changes(upto, frozenset(int(serial, 16) for serial in serials), lists)
    except ValueError:
        return Changes(upto, None, True)


class _Head(msgspec.Struct):
    kind: str
    subject: str
