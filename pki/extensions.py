"""Certificate and CRL extensions (RFC 5280 4.2, 5.2): encoders, and readers that refuse what is malformed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput

_SHORT: Final = 256


@dataclass(frozen=True, slots=True)
class Extension:
    """One Extension: dotted type, criticality, the octets inside extnValue."""

    oid: str
    critical: bool
    value: bytes

    def encode(self) -> bytes:
        """DER; critical FALSE is the default and therefore absent."""
        critical = asn1.boolean(True) if self.critical else b""
        return asn1.sequence(asn1.oid(self.oid), critical, asn1.octet_string(self.value))


class KeyUsage(IntEnum):
    """Bit numbers of RFC 5280 4.2.1.3."""

    DIGITAL_SIGNATURE = 0
    NON_REPUDIATION = 1
    KEY_ENCIPHERMENT = 2
    DATA_ENCIPHERMENT = 3
    KEY_AGREEMENT = 4
    KEY_CERT_SIGN = 5
    CRL_SIGN = 6
    ENCIPHER_ONLY = 7
    DECIPHER_ONLY = 8


def read_extensions(der: bytes) -> tuple[Extension, ...]:
    """The Extensions SEQUENCE in order, duplicates kept: whoever judges must see them."""
    listed = asn1.pieces(der, asn1.whole(der, what="extensions"))
    if not listed:
        raise MalformedInput("The list of extensions is there but empty.", field="extensions")
    return tuple([_read(octets) if len(octets) > _SHORT else _read_short(octets) for octets in listed])


def _read(der: bytes) -> Extension:
    whole = asn1.read(der)
    parts = asn1.children(der, whole)
    critical = False
    if whole.tag != asn1.SEQUENCE or not 2 <= len(parts) <= 3:
        raise MalformedInput("An extension is not a type, a criticality and a value.", field="extensions")
    if len(parts) == 3:
        critical = asn1.content(der, parts[1], asn1.BOOLEAN) == b"\xff"
        if not critical:
            raise MalformedInput("critical FALSE is written out: not DER.", field="extensions")
    value = asn1.content(der, parts[-1], asn1.OCTET_STRING)
    return Extension(asn1.oid_value(der, parts[0]), critical, value)


# All certificates of an issuer share most of their extensions, byte for byte; refusals are not kept.
_read_short: Final = lru_cache(maxsize=512)(_read)


def basic_constraints(*, ca: bool, path_length: int | None = None) -> Extension:
    """4.2.1.9, critical; cA FALSE is the default and leaves an empty SEQUENCE."""
    length = asn1.integer(path_length) if ca and path_length is not None else b""
    return Extension(oids.BASIC_CONSTRAINTS, True, asn1.sequence(asn1.boolean(True) if ca else b"", length))


@lru_cache(maxsize=64)
def read_basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """(cA, pathLenConstraint)."""
    parts = asn1.children(value, asn1.whole(value, what="basicConstraints"))
    if not parts:
        return False, None
    ca = asn1.content(value, parts[0], asn1.BOOLEAN) == b"\xff"
    length = asn1.int_value(value, parts[1]) if len(parts) == 2 else None
    if not ca or len(parts) > 2 or (length is not None and length < 0):
        raise MalformedInput("basicConstraints is not in DER's form.", field="basicConstraints")
    return ca, length


def key_usage(*usages: KeyUsage) -> Extension:
    """4.2.1.3, critical; a named bit list without trailing zero bits."""
    highest = max(usages)
    octets = bytearray(highest // 8 + 1)
    for usage in usages:
        octets[usage // 8] |= 0x80 >> (usage % 8)
    return Extension(oids.KEY_USAGE, True, asn1.bit_string(bytes(octets), 7 - highest % 8))


@lru_cache(maxsize=64)
def read_key_usage(value: bytes) -> frozenset[KeyUsage]:
    """The usages that are set."""
    octets = asn1.content(value, asn1.whole(value, asn1.BIT_STRING, "keyUsage"))
    if not 2 <= len(octets) <= 3 or octets[0] > 7 or octets[-1] == 0:
        raise MalformedInput("keyUsage is empty or not in DER's form.", field="keyUsage")
    return frozenset(u for u in KeyUsage if u // 8 < len(octets) - 1 and octets[1 + u // 8] & (0x80 >> u % 8))


def extended_key_usage(*purposes: str) -> Extension:
    """4.2.1.12, not critical."""
    return Extension(oids.EXTENDED_KEY_USAGE, False, asn1.sequence(*map(asn1.oid, purposes)))


@lru_cache(maxsize=64)
def read_extended_key_usage(value: bytes) -> tuple[str, ...]:
    """The purposes, dotted."""
    return tuple(
        asn1.oid_value(value, p) for p in asn1.children(value, asn1.whole(value, what="extKeyUsage"))
    )


def subject_key_identifier(identifier: bytes) -> Extension:
    """4.2.1.2."""
    return Extension(oids.SUBJECT_KEY_IDENTIFIER, False, asn1.octet_string(identifier))


def read_subject_key_identifier(value: bytes) -> bytes:
    """The identifier's octets."""
    return asn1.content(value, asn1.whole(value, asn1.OCTET_STRING, "subjectKeyIdentifier"))


def authority_key_identifier(identifier: bytes) -> Extension:
    """4.2.1.1, keyIdentifier only."""
    return Extension(oids.AUTHORITY_KEY_IDENTIFIER, False, asn1.sequence(asn1.implicit(0, identifier)))


@lru_cache(maxsize=256)
def read_authority_key_identifier(value: bytes) -> bytes | None:
    """The keyIdentifier, or None where the extension names the issuer otherwise."""
    for part in asn1.children(value, asn1.whole(value, what="authorityKeyIdentifier")):
        if part.tag == 0x80:
            return asn1.content(value, part)
    return None


def crl_distribution_points(urls: Iterable[str]) -> Extension:
    """4.2.1.13: one distribution point with the URLs as names of the same list."""
    names = b"".join(asn1.implicit(6, url.encode("ascii")) for url in urls)
    point = asn1.sequence(asn1.explicit(0, asn1.tlv(0xA0, names)))
    return Extension(oids.CRL_DISTRIBUTION_POINTS, False, asn1.sequence(point))


def authority_information_access(*, ocsp: str, ca_issuers: str) -> Extension:
    """4.2.2.1: where to ask for status and where the issuer's certificate is; empty means absent."""
    pairs = ((oids.AD_OCSP, ocsp), (oids.AD_CA_ISSUERS, ca_issuers))
    described = (
        asn1.sequence(asn1.oid(method), asn1.implicit(6, url.encode("ascii"))) for method, url in pairs if url
    )
    return Extension(oids.AUTHORITY_INFORMATION_ACCESS, False, asn1.sequence(*described))


def uris(value: bytes) -> tuple[str, ...]:
    """Every uniformResourceIdentifier inside a distribution point, access description or alt name."""
    found, stack = [], [asn1.whole(value, what="extension")]
    while stack:
        element = stack.pop()
        if element.tag == 0x86:
            found.append(asn1.content(value, element).decode("ascii", "replace"))
        elif element.tag & 0x20:
            stack += reversed(asn1.children(value, element))
    return tuple(found)


def ocsp_responders(value: bytes) -> tuple[str, ...]:
    """The URIs of id-ad-ocsp in an authorityInfoAccess, in order (4.2.2.1)."""
    described = asn1.children(value, asn1.whole(value, what="authorityInfoAccess"))
    pairs = [asn1.children(value, each) for each in described]
    if any(len(pair) != 2 for pair in pairs):
        raise MalformedInput("An access description is not two parts.", field="authorityInfoAccess")
    return tuple(
        asn1.content(value, location).decode("ascii", "replace")
        for method, location in pairs
        if asn1.oid_value(value, method) == oids.AD_OCSP and location.tag == 0x86
    )
