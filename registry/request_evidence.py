"""The certificate that a request rests on, beside its own signature: found, judged, and held to the request.

A related request (RFC 9763) and a statement of possession (RFC 9883) name one. It is taken from the registry
and from nowhere else: nothing is fetched from where a request says. What the request carries along is not
looked at either; the registry's own copy is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from pki import kem_statement, related
from pki.csr import Request
from pki.findings import Finding
from pki.issuer_and_serial import IssuerAndSerial
from pki.tbs import Certificate
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.model.device import DeviceId
from registry.model.errors import Refused
from registry.store.unit_of_work import UnitOfWork

Judge = Callable[[Certificate], Iterable[Finding]]
"""A certificate's path and status, as findings: pki.path over our own anchors, by whoever holds them."""


def shown_certificate(
    request: Request,
    subject: bytes,
    *,
    owner: DeviceId | None,
    judge: Judge,
    now: datetime,
    uow: UnitOfWork,
) -> Certificate | None:
    """The named certificate, valid, unrevoked and this subject's; None where none is named. Refused."""
    findings: tuple[Finding, ...]
    if request.related is not None:
        certificate = _of_registry(request.related.reference, owner, uow)
        findings = related.check(request.related, certificate, subject, now)
    elif request.statement is not None:
        certificate = _of_registry(request.statement.signer, owner, uow)
        findings = kem_statement.check(request.statement, certificate, subject, now)
    else:
        return None
    refusing = [found for found in (*findings, *judge(certificate)) if found.refuses]
    if refusing:
        raise Refused(
            " ".join(f"{found.message} [{found.rule}]" for found in refusing),
            next_step="Prove a certificate that is valid now, then make the request again.",
            field=refusing[0].subject,
        )
    return certificate


def _of_registry(named: IssuerAndSerial, owner: DeviceId | None, uow: UnitOfWork) -> Certificate:
    record = uow.certificates.get(of_int(named.certificate_serial)) if named.certificate_serial > 0 else None
    certificate = Certificate.parse(record.der) if record is not None and record.der is not None else None
    if record is None or certificate is None or not named.names(certificate):
        raise Refused(
            "The request names a certificate that this registry did not issue.",
            next_step="Name the device's current one; see: medtrust cert list --device ID.",
            field="certID",
        )
    if record.device_id != owner:
        # Not whose: the requester has no business with it.
        raise Refused("The request names a certificate of another owner.", field="certID")
    _require_active(record)
    return certificate


def still_active(certificate: Certificate, uow: UnitOfWork) -> None:
    """Refused where the certificate was held or revoked since it was judged."""
    record = uow.certificates.get(of_int(certificate.serial))
    if record is not None:
        _require_active(record)


def _require_active(record: CertificateRecord) -> None:
    if record.state is not CertificateState.ACTIVE:
        raise Refused(
            f"The request names a certificate that is {record.state}.",
            next_step="Name the device's current one; see: medtrust cert list --device ID.",
            field="certID",
        )
