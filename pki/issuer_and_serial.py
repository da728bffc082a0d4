"""IssuerAndSerialNumber (RFC 5652 10.2.4): how a request names a certificate that its sender holds."""

from __future__ import annotations

from dataclasses import dataclass

from pki import asn1, names
from pki.errors import MalformedInput
from pki.tbs import Certificate


@dataclass(frozen=True, slots=True)
class IssuerAndSerial:
    """Who issued a certificate, and under which number."""

    issuer: bytes
    """Name, DER."""
    certificate_serial: int

    @classmethod
    def of(cls, certificate: Certificate) -> IssuerAndSerial:
        """What names this certificate."""
        return cls(certificate.issuer, certificate.serial)

    @classmethod
    def read(cls, der: bytes, what: str) -> IssuerAndSerial:
        """From DER; MalformedInput names `what`."""
        parts = asn1.children(der, asn1.whole(der, what=what))
        if len(parts) != 2:
            raise MalformedInput(f"The {what} is not an issuer and a serial number.", field=what)
        issuer = asn1.encoded(der, parts[0])
        names.parse(issuer)
        return cls(issuer, asn1.int_value(der, parts[1]))

    def encode(self) -> bytes:
        """DER."""
        return asn1.sequence(self.issuer, asn1.integer(self.certificate_serial))

    def names(self, certificate: Certificate) -> bool:
        """Whether it is this certificate, byte for byte."""
        return (self.issuer, self.certificate_serial) == (certificate.issuer, certificate.serial)
