"""Revocation lists: number taken and committed; then the list, signed, checked against the last, recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from audit.leaf import DetailValue, Leaf
from pki.crl import build_crl
from pki.crl_checks import publication_findings
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord, of_int
from registry.model.errors import Refused
from registry.ports import Ports
from registry.store.lists import StoredList
from registry.store.unit_of_work import UnitOfWork

LIFETIME: Final = timedelta(hours=24)
_REASON: Final = {
    "": CrlReason.UNSPECIFIED,
    "unspecified": CrlReason.UNSPECIFIED,
    "keyCompromise": CrlReason.KEY_COMPROMISE,
    "cACompromise": CrlReason.CA_COMPROMISE,
    "affiliationChanged": CrlReason.AFFILIATION_CHANGED,
    "superseded": CrlReason.SUPERSEDED,
    "cessationOfOperation": CrlReason.CESSATION_OF_OPERATION,
    "certificateHold": CrlReason.CERTIFICATE_HOLD,
    "privilegeWithdrawn": CrlReason.PRIVILEGE_WITHDRAWN,
    "aACompromise": CrlReason.AA_COMPROMISE,
}


@dataclass(frozen=True, slots=True)
class ListSigner:
    """Who signs a list: `issuing` or `root`, with its certificate and keys."""

    issuer: str
    certificate: Certificate
    key: HybridPrivateKey
    key_identifier: bytes
    lifetime: timedelta = LIFETIME

    def living(self, lifetime: timedelta) -> ListSigner:
        """The same, for lists of another lifetime."""
        return replace(self, lifetime=lifetime)


def crl_reason(name: str) -> CrlReason:
    """A stored reason's CRLReason (RFC 5280 5.3.1)."""
    return _REASON[name]


def reason_name(reason: CrlReason) -> str:
    """The name under which the store keeps a CRLReason."""
    return next(name for name, known in _REASON.items() if known is reason and name)


def publish(signer: ListSigner, actor: Actor, *, ports: Ports) -> StoredList:
    """A new full list of everything revoked.

    Crash stories: after the number's commit the number is lost, never used twice; after the signature the
    list was never shown to anybody; after the record it is what everybody is served.
    """
    with ports.store.write() as uow:
        # Read inside: of two publishers the one with the higher number also has the later time.
        now = ports.clock()
        until = now + signer.lifetime
        before = uow.lists.latest(signer.issuer)
        # An entry stays on one more list after its certificate expired (RFC 5280 3.3).
        since = before.this_update if before else now
        revoked = uow.certificates.revoked(signer.issuer, not_expired_before=min(since, now))
        number = uow.lists.take_number(signer.issuer, now, until)
        old = CertificateList.parse(before.der) if before else None
        leaving = _may_leave(old, since, revoked, uow)
    der = build_crl(
        issuer_name=signer.certificate.subject,
        authority_key_identifier=signer.key_identifier,
        key=signer.key,
        entries=_entries(revoked),
        crl_number=number,
        this_update=now,
        next_update=until,
    )
    _check(old, der, signer=signer, now=now, leaving=leaving)
    with ports.store.write() as uow:
        uow.lists.record(signer.issuer, number, der)
        detail: dict[str, DetailValue] = {"entries": len(revoked), "number": number}
        uow.log.append(
            Leaf(kind="crl.published", at=now, actor=str(actor), subject=signer.issuer, detail=detail)
        )
    return StoredList(signer.issuer, number, der, now, until)


def _entries(revoked: Iterable[CertificateRecord]) -> list[RevokedEntry]:
    return [
        RevokedEntry(int(r.certificate_serial, 16), r.revoked_at or r.intended_at, crl_reason(r.reason))
        for r in revoked
    ]


def _may_leave(
    old: CertificateList | None, since: datetime, revoked: Iterable[CertificateRecord], uow: UnitOfWork
) -> set[int]:
    """Serials of the old list that may be missing: released from hold, or expired and listed once more.

    A serial that the store no longer knows is none of them: a lost row must stop the publication.
    """
    if old is None:
        return set()
    gone = set(old.serials) - {int(record.certificate_serial, 16) for record in revoked}
    known = ((serial, uow.certificates.get(of_int(serial))) for serial in gone)
    return {
        serial
        for serial, record in known
        if record is not None and (not record.state.is_revoked or record.not_after < since)
    }


def _check(
    old: CertificateList | None, der: bytes, *, signer: ListSigner, now: datetime, leaving: set[int]
) -> None:
    new = CertificateList.parse(der)
    found = publication_findings(old, new, signer.certificate, now, may_leave=leaving)
    refusing = [finding for finding in found if finding.refuses]
    if refusing:
        raise Refused(
            f"The new list was not published: {refusing[0].message}",
            next_step="The last list stays in force: medtrust doctor.",
            field=refusing[0].rule,
        )
