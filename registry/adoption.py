"""A CA that lived elsewhere becomes one of ours: its own certificate and its last list enter the store."""

from __future__ import annotations

from datetime import datetime

from audit.leaf import DetailValue, Leaf
from pki.crl_list import CertificateList, RevokedEntry
from pki.tbs import Certificate
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.model.errors import Conflict
from registry.ports import Ports
from registry.publication import reason_name
from registry.store.lists import StoredList
from registry.store.unit_of_work import UnitOfWork

PROFILE = "imported-ca"


def adopt_authority(
    name: str,
    issuer_name: str,
    certificate: Certificate,
    last_list: bytes | None,
    actor: Actor,
    *,
    ports: Ports,
) -> int:
    """One commit: the CA's certificate, its list and every entry of it. How many entries were new.

    Numbers go on behind the list's. The same again changes nothing. Conflict where a serial is another
    CA's already: serials are told apart without their issuer here.
    """
    now = ports.clock()
    with ports.store.write() as uow:
        known = uow.certificates.get(of_int(certificate.serial)) if certificate.serial > 0 else None
        if known is None and certificate.serial > 0:
            uow.certificates.add([_own(certificate, issuer_name, now)])
        taken = _adopt_list(name, certificate, last_list, now, uow) if last_list else 0
        detail: dict[str, DetailValue] = {
            "certificate_sha256": certificate.fingerprint.hex(),
            "revocations": taken,
        }
        uow.log.append(Leaf(kind="ca.imported", at=now, actor=str(actor), subject=name, detail=detail))
    return taken


def _own(certificate: Certificate, issuer_name: str, now: datetime) -> CertificateRecord:
    return CertificateRecord(
        certificate_serial=of_int(certificate.serial),
        issuer=issuer_name,
        profile=PROFILE,
        subject="imported CA",
        state=CertificateState.ACTIVE,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        tbs_digest=b"",
        intended_at=now,
        der=certificate.der,
        fingerprint=certificate.fingerprint.hex(),
        issued_at=now,
        confirmed_at=now,
    )


def _adopt_list(name: str, certificate: Certificate, der: bytes, now: datetime, uow: UnitOfWork) -> int:
    held, found = uow.lists.head(name), CertificateList.parse(der)
    if held is not None and held.crl_number >= found.crl_number:
        return 0  # an import that was cut off had come this far
    uow.lists.adopt(StoredList(name, found.crl_number, der, found.this_update, found.next_update))
    return sum(_take_over(entry, name, certificate, now, uow) for entry in found.entries())


def _take_over(
    entry: RevokedEntry, name: str, certificate: Certificate, now: datetime, uow: UnitOfWork
) -> bool:
    serial = of_int(entry.certificate_serial)
    known = uow.certificates.get(serial)
    if known is not None:
        if known.issuer != name:
            raise Conflict(
                f"The serial {serial} of the list is a certificate of {known.issuer} already.",
                next_step="Import this CA into a home of its own.",
                field="certificate_serial",
            )
        return False
    reason = reason_name(entry.reason)
    uow.certificates.add(
        [
            CertificateRecord(
                certificate_serial=serial,
                issuer=name,
                profile="unknown",
                subject="issued before the CA was imported",
                state=CertificateState.HELD if reason == "certificateHold" else CertificateState.REVOKED,
                not_before=entry.revoked_at,
                # Its end is not known: it stays on the lists for as long as the CA could have let it live.
                not_after=max(certificate.not_after, entry.revoked_at),
                tbs_digest=b"",
                intended_at=now,
                reason=reason,
                revoked_at=entry.revoked_at,
            )
        ]
    )
    return True
