"""A certificate that a person names: by serial number in the store, or by a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cli.errors import Missing
from pki.tbs import Certificate
from registry.lookup import get_certificate
from registry.model.certificate import CertificateRecord, certificate_serial, of_int
from registry.store.unit_of_work import UnitOfWork
from service.pem import from_pem_or_der, read_file


@dataclass(frozen=True, slots=True)
class Named:
    """The certificate, what the store says of it, and whatever else the file held."""

    certificate: Certificate
    record: CertificateRecord | None
    others: tuple[bytes, ...] = ()


def named(text: str, uow: UnitOfWork) -> Named:
    """A file where there is one of that name, else a serial number in any of its forms."""
    if Path(text).is_file():
        first, *others = from_pem_or_der(read_file(Path(text), "certificate"))
        certificate = Certificate.parse(first)
        known = uow.certificates.get(of_int(certificate.serial))
        same = known if known is not None and known.der == certificate.der else None
        return Named(certificate, same, tuple(others))
    if Path(text).suffix or "/" in text:
        raise Missing(f"There is no file {text}.", next_step="Check the path.", field="certificate")
    record = get_certificate(certificate_serial(text), uow)
    return Named(Certificate.parse(signed(record)), record)


def signed(record: CertificateRecord) -> bytes:
    """The signed bytes; Missing where it never came to a signature."""
    if record.der is None:
        raise Missing(
            f"Certificate {record.certificate_serial} is {record.state}: it was never signed.",
            next_step="See: medtrust cert list.",
            field="certificate_serial",
        )
    return record.der
