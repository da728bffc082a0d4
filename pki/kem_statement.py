"""The statement of possession of a key that cannot sign (RFC 9883): whose signature stands for it.

The request for a key-establishment certificate is signed by the key of a signature certificate that the same
subject holds already; this attribute names that certificate. It is a signed claim and proves nothing by
itself: a challenge does (registry.kem_challenge). Not handled here: the signature certificate's path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.extensions import KeyUsage, read_key_usage
from pki.findings import Finding, error
from pki.issuer_and_serial import IssuerAndSerial
from pki.tbs import Certificate

_FIELD = "statementOfPossession"


@dataclass(frozen=True, slots=True)
class Statement:
    """PrivateKeyPossessionStatement (RFC 9883 3), read."""

    signer: IssuerAndSerial
    certificate: bytes | None = field(default=None, repr=False)
    """The signature certificate itself, DER, where the request carries it along."""

    @classmethod
    def read(cls, der: bytes) -> Statement:
        """The attribute's value; MalformedInput names statementOfPossession."""
        parts = asn1.children(der, asn1.whole(der, what=_FIELD))
        if not 1 <= len(parts) <= 2:
            raise MalformedInput("The statement is not a signer and at most a certificate.", field=_FIELD)
        signer = IssuerAndSerial.read(asn1.encoded(der, parts[0]), "signer")
        if len(parts) == 1:
            return cls(signer)
        enclosed = asn1.encoded(der, parts[1])
        if not signer.names(Certificate.parse(enclosed)):
            raise MalformedInput("The statement names another certificate than it carries.", field="signer")
        return cls(signer, enclosed)

    @classmethod
    def by(cls, certificate: Certificate, *, enclose: bool = True) -> Statement:
        """A statement by the holder of this signature certificate."""
        return cls(IssuerAndSerial.of(certificate), certificate.der if enclose else None)

    def encode(self) -> bytes:
        """DER."""
        return asn1.sequence(self.signer.encode(), self.certificate or b"")


def check(
    statement: Statement, certificate: Certificate, subject: bytes, now: datetime
) -> tuple[Finding, ...]:
    """Findings that refuse the signature certificate as the statement's (RFC 9883 4); not its path."""
    return tuple(_check(statement, certificate, subject, now))


def _check(
    statement: Statement, certificate: Certificate, subject: bytes, now: datetime
) -> Iterator[Finding]:
    if not statement.signer.names(certificate):
        yield error("request.statement_signer_another", "The statement names another certificate.", "signer")
    if certificate.subject != subject:
        problem = "The statement's signature certificate is another subject's."
        yield error("request.statement_subject_of_another", problem, "signer")
    if not certificate.not_before <= now <= certificate.not_after:
        problem = "The statement's signature certificate is expired or not yet valid."
        yield error("request.statement_signer_not_current", problem, "signer")
    usage = certificate.extension(oids.KEY_USAGE)
    if usage is None or KeyUsage.DIGITAL_SIGNATURE not in read_key_usage(usage):
        problem = "The statement's certificate is not one for signatures."
        yield error("request.statement_signer_cannot_sign", problem, "signer")
