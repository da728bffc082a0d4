"""Related certificates (RFC 9763): the request attribute that asks for a binding, and its extension.

The attribute's signature, by the related certificate's key, is over certID and requestTime one behind the
other, and over nothing else: locationInfo is only a hint, and nothing is ever fetched from there. Not handled
here: whether the related certificate's path holds (pki.path) and whether it was revoked (its issuer's store).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from pki import asn1, oids
from pki.algorithms import PrivateKey
from pki.errors import MalformedInput
from pki.extensions import Extension
from pki.findings import Finding, error
from pki.issuer_and_serial import IssuerAndSerial
from pki.tbs import Certificate

REQUEST_LIVES: Final = timedelta(days=1)
"""How old a requestTime may be: a request may travel on a stick, not lie in a drawer."""
CLOCK_AHEAD: Final = timedelta(minutes=5)
_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z."""
_MOST_LOCATIONS: Final = 8
_DATA_URI: Final = "data:application/pkix-cert;base64,"
_DIGESTS: Final = {oids.SHA256: "sha256", oids.SHA384: "sha384", oids.SHA512: "sha512"}
_FIELD: Final = "relatedCertRequest"


@dataclass(frozen=True, slots=True)
class RelatedRequest:
    """RequesterCertificate (RFC 9763 3.1), read. Reading proves nothing: see `proves` and `check`."""

    reference: IssuerAndSerial
    requested_at: datetime
    locations: tuple[str, ...]
    signature: bytes = field(repr=False)

    @classmethod
    def read(cls, der: bytes) -> RelatedRequest:
        """The attribute's value; MalformedInput names relatedCertRequest."""
        parts = asn1.children(der, asn1.whole(der, what=_FIELD))
        if len(parts) != 4:
            problem = "relatedCertRequest is not a certID, a time, places and a signature."
            raise MalformedInput(problem, field=_FIELD)
        seconds = asn1.int_value(der, parts[1])
        if not 0 <= seconds <= _LAST_SECOND:
            raise MalformedInput("requestTime is not a time (RFC 6019).", field="requestTime")
        return cls(
            IssuerAndSerial.read(asn1.encoded(der, parts[0]), "certID"),
            datetime.fromtimestamp(seconds, UTC),
            _locations(der, parts[2]),
            asn1.bits(der, parts[3]),
        )

    def encode(self) -> bytes:
        """DER."""
        places = (asn1.tlv(asn1.IA5_STRING, place.encode("ascii")) for place in self.locations)
        return asn1.sequence(
            self.reference.encode(),
            _binary_time(self.requested_at),
            asn1.sequence(*places),
            asn1.bit_string(self.signature),
        )

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return _signed(self.reference, self.requested_at)

    @property
    def enclosed(self) -> bytes | None:
        """The certificate that a data: URI among the places carries, DER; None where there is none."""
        for place in self.locations:
            if place.startswith(_DATA_URI):
                try:
                    return base64.b64decode(place.removeprefix(_DATA_URI), validate=True)
                except binascii.Error:
                    return None
        return None

    def proves(self, certificate: Certificate) -> bool:
        """Whether the named certificate's key made the signature."""
        key = certificate.public_key
        return self.reference.names(certificate) and key.verify(key.signs_with, self.signature, self.signed)


def ask(certificate: Certificate, key: PrivateKey, now: datetime) -> bytes:
    """The attribute's value that binds a new certificate to this one, which it carries along."""
    reference, moment = IssuerAndSerial.of(certificate), now.astimezone(UTC).replace(microsecond=0)
    place = _DATA_URI + base64.b64encode(certificate.der).decode()
    return RelatedRequest(reference, moment, (place,), key.sign(_signed(reference, moment))).encode()


def check(
    asked: RelatedRequest, certificate: Certificate, subject: bytes, now: datetime
) -> tuple[Finding, ...]:
    """Findings that refuse the binding: another certificate, signature, time or subject; not the path."""
    return tuple(_check(asked, certificate, subject, now))


def _check(
    asked: RelatedRequest, certificate: Certificate, subject: bytes, now: datetime
) -> Iterator[Finding]:
    if not asked.reference.names(certificate):
        yield error("request.related_certificate_another", "certID names another certificate.", "certID")
    elif not asked.proves(certificate):
        problem = "The signature in relatedCertRequest is not by the related certificate's key."
        yield error("request.related_possession_unproven", problem, _FIELD)
    if not now - REQUEST_LIVES <= asked.requested_at <= now + CLOCK_AHEAD:
        problem = (
            f"requestTime is {asked.requested_at:%Y-%m-%d %H:%M:%S}Z; it may be at most "
            f"{REQUEST_LIVES // timedelta(hours=1)} hours old. Make the request again."
        )
        yield error("request.related_request_not_fresh", problem, "requestTime")
    if not certificate.not_before <= now <= certificate.not_after:
        problem = "The related certificate is expired or not yet valid."
        yield error("request.related_certificate_not_current", problem, "certID")
    if certificate.subject != subject:
        problem = "The related certificate is another subject's."
        yield error("request.related_subject_of_another", problem, "certID")


def related_certificate(certificate: bytes) -> bytes:
    """The value of id-pe-relatedCert (RFC 9763 4.1): SHA-256 over the whole related certificate, DER."""
    algorithm = asn1.sequence(asn1.oid(oids.SHA256))
    return asn1.sequence(algorithm, asn1.octet_string(hashlib.sha256(certificate).digest()))


def related_extension(value: bytes) -> Extension:
    """id-pe-relatedCert, not critical."""
    return Extension(oids.RELATED_CERTIFICATE, False, value)


@dataclass(frozen=True, slots=True)
class RelatedCertificate:
    """The extension, read: which certificate this one is bound to, by its hash."""

    digest_name: str
    """hashlib's: sha256, sha384 or sha512."""
    digest: bytes

    @classmethod
    def read(cls, value: bytes) -> RelatedCertificate:
        """From the extension's value; MalformedInput for what is none or uses another hash."""
        what = "relatedCertificate"
        parts = asn1.children(value, asn1.whole(value, what=what))
        if len(parts) != 2 or parts[0].tag != asn1.SEQUENCE:
            raise MalformedInput("relatedCertificate is not a hash algorithm and a hash.", field=what)
        inner = asn1.children(value, parts[0])
        # Absent parameters are ours; NULL is what RFC 4055 and much code still write.
        if not inner or [asn1.encoded(value, extra) for extra in inner[1:]] not in ([], [asn1.null()]):
            raise MalformedInput("The hash algorithm has parameters.", field=what)
        name = _DIGESTS.get(asn1.oid_value(value, inner[0]))
        digest = asn1.content(value, parts[1], asn1.OCTET_STRING)
        if name is None or len(digest) != hashlib.new(name).digest_size:
            raise MalformedInput("The hash is not SHA-256, SHA-384 or SHA-512.", field=what)
        return cls(name, digest)

    def matches(self, certificate: bytes) -> bool:
        """Whether it is this certificate, DER."""
        return hashlib.new(self.digest_name, certificate).digest() == self.digest


def _signed(reference: IssuerAndSerial, moment: datetime) -> bytes:
    return reference.encode() + _binary_time(moment)


def _binary_time(moment: datetime) -> bytes:
    return asn1.integer(int(moment.timestamp()))


def _locations(der: bytes, listed: asn1.Tlv) -> tuple[str, ...]:
    places = asn1.children(der, listed) if listed.tag == asn1.SEQUENCE else []
    if not 1 <= len(places) <= _MOST_LOCATIONS or any(place.tag != asn1.IA5_STRING for place in places):
        raise MalformedInput(f"locationInfo is not 1 to {_MOST_LOCATIONS} URIs.", field="locationInfo")
    texts = tuple(asn1.content(der, place).decode("ascii", "replace") for place in places)
    if not all(text.isascii() and text.isprintable() for text in texts):
        raise MalformedInput("A URI of locationInfo is not printable ASCII.", field="locationInfo")
    return texts
