"""PKCS#7 with certificates and lists only, nobody's signature: CMS SignedData (RFC 5652 5.1, RFC 8551 3.8).

Works with every form of certificate: it carries bytes. Not handled here: whether they belong together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pki import asn1
from pki.errors import MalformedInput

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_DATA: Final = "1.2.840.113549.1.7.1"
_CERTIFICATES, _LISTS = 0xA0, 0xA1


def certs_only(certificates: Iterable[bytes], lists: Iterable[bytes] = ()) -> bytes:
    """ContentInfo DER around certificates and CRLs in DER, each once; version 1 (RFC 5652 5.1)."""
    certs, crls = _set(_CERTIFICATES, certificates), _set(_LISTS, lists)
    inner = asn1.sequence(
        asn1.integer(1),
        asn1.set_of([]),
        asn1.sequence(asn1.oid(_DATA)),
        certs,
        crls,
        asn1.set_of([]),
    )
    return asn1.sequence(asn1.oid(_SIGNED_DATA), asn1.explicit(0, inner))


def read_certificates(der: bytes) -> tuple[bytes, ...]:
    """The certificates in a certs-only message, in its order; MalformedInput for anything else."""
    outer = asn1.children(der, asn1.whole(der, what="PKCS#7"))
    if len(outer) != 2 or asn1.oid_value(der, outer[0]) != _SIGNED_DATA or outer[1].tag != 0xA0:
        raise MalformedInput("The message is not PKCS#7 SignedData.", field="PKCS#7")
    inner = asn1.children(der, outer[1])
    if len(inner) != 1 or inner[0].tag != asn1.SEQUENCE:
        raise MalformedInput("SignedData is not one SEQUENCE.", field="PKCS#7")
    fields = asn1.children(der, inner[0])
    if len(fields) < 4 or fields[-1].tag != asn1.SET or asn1.children(der, fields[-1]):
        raise MalformedInput("The message is signed by somebody, or cut off.", field="signerInfos")
    wrapped = [field for field in fields[3:-1] if field.tag == _CERTIFICATES]
    if len(wrapped) != 1:
        raise MalformedInput("The message holds no set of certificates.", field="certificates")
    found = asn1.children(der, wrapped[0])
    if any(each.tag != asn1.SEQUENCE for each in found):
        raise MalformedInput("The set holds something that is no certificate.", field="certificates")
    return tuple(asn1.encoded(der, each) for each in found)


def _set(tag: int, members: Iterable[bytes]) -> bytes:
    # A DER SET OF: the members in the order of their octets (X.690 11.6).
    unique = sorted(set(members))
    return asn1.tlv(tag, b"".join(unique)) if unique else b""
