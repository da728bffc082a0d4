"""The attributes of a PKCS#10 request (RFC 2986 4.1), written and read in DER's order of a SET OF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions

TAG: Final = 0xA0
_VERSION: Final = asn1.integer(0)
KNOWN: Final = oids.CATALYST | {
    oids.EXTENSION_REQUEST,
    oids.RELATED_CERT_REQUEST,
    oids.STATEMENT_OF_POSSESSION,
}
"""What is read here; a request with any other attribute is refused (pki.request_rules)."""


def attribute(dotted: str, value: bytes) -> bytes:
    """One attribute with one value, DER."""
    return asn1.sequence(asn1.oid(dotted), asn1.set_of([value]))


def request_info(subject: bytes, spki: bytes, attributes: list[bytes]) -> bytes:
    """CertificationRequestInfo, DER: what a request's signatures are over."""
    listed = asn1.tlv(TAG, b"".join(sorted(attributes)))
    return asn1.sequence(_VERSION, subject, spki, listed)


def info_fields(info: bytes) -> list[bytes]:
    """Version, subject, key and attributes, encoded; MalformedInput for another version or shape."""
    fields = [asn1.encoded(info, part) for part in asn1.children(info, asn1.whole(info))]
    if len(fields) != 4 or fields[0] != _VERSION or fields[3][0] != TAG:
        raise MalformedInput("The request is not PKCS#10 version 1 with attributes.", field="version")
    return fields


def read_attributes(der: bytes) -> dict[str, bytes]:
    """One value by attribute type; DER's order, no type twice, no list of values."""
    elements = asn1.children(der, asn1.whole(der, TAG, "attributes"))
    encoded = [asn1.encoded(der, element) for element in elements]
    if encoded != sorted(encoded):
        raise MalformedInput("The attributes are not in DER's order of a SET OF.", field="attributes")
    values: dict[str, bytes] = {}
    for element in elements:
        parts = asn1.children(der, element) if element.tag == asn1.SEQUENCE else []
        listed = asn1.children(der, parts[1]) if len(parts) == 2 and parts[1].tag == asn1.SET else []
        if len(listed) != 1:
            raise MalformedInput("An attribute is not a type and one value.", field="attributes")
        dotted = asn1.oid_value(der, parts[0])
        if dotted in values:
            raise MalformedInput(f"The attribute {dotted} is there more than once.", field=dotted)
        values[dotted] = asn1.encoded(der, listed[0])
    return values


def extensions_asked(values: Mapping[str, bytes]) -> tuple[Extension, ...]:
    """What extensionRequest holds (RFC 2985 5.4.2)."""
    asked = values.get(oids.EXTENSION_REQUEST)
    # OpenSSL writes an empty list where its configuration names none: nothing is asked for.
    return () if asked is None or asked == asn1.sequence() else read_extensions(asked)
