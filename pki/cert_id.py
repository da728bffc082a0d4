"""CertID (RFC 6960 4.1.1): which certificate is asked about, by its issuer's hashed name and key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.tbs import Certificate

_HASHES: Final[dict[str, Callable[[bytes], hashlib._Hash]]] = {
    # SHA-1 names issuers here and protects nothing; some clients know no other (RFC 5019 2.1.1).
    oids.SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False),
    oids.SHA256: hashlib.sha256,
    oids.SHA384: hashlib.sha384,
    oids.SHA512: hashlib.sha512,
}


@dataclass(frozen=True, slots=True)
class CertId:
    """CertID: which certificate, by its issuer's hashed name and key. Compared by meaning, not by octets."""

    hash_oid: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    certificate_serial: int
    der: bytes = field(repr=False, compare=False)
    """As it came: responses echo it octet by octet."""

    @classmethod
    def of(cls, issuer: Certificate, certificate_serial: int, hash_oid: str = oids.SHA256) -> CertId:
        """The CertID of a serial of this issuer; MalformedInput for a digest that is not known here."""
        name_hash, key_hash = issuer_hashes(issuer.subject, issuer.spki, hash_oid)
        der = asn1.sequence(
            asn1.sequence(asn1.oid(hash_oid), asn1.null()),
            asn1.octet_string(name_hash),
            asn1.octet_string(key_hash),
            asn1.integer(certificate_serial),
        )
        return cls(hash_oid, name_hash, key_hash, certificate_serial, der)

    @classmethod
    def parse(cls, der: bytes) -> CertId:
        """From DER; an unknown digest is read, and matches no issuer."""
        whole = asn1.whole(der, what="CertID")
        parts = asn1.children(der, whole)
        if len(parts) != 4 or parts[0].tag != asn1.SEQUENCE:
            raise MalformedInput("A CertID is not a digest, two hashes and a serial.", field="CertID")
        return cls(
            _digest(asn1.encoded(der, parts[0])),
            asn1.content(der, parts[1], asn1.OCTET_STRING),
            asn1.content(der, parts[2], asn1.OCTET_STRING),
            asn1.int_value(der, parts[3]),
            der,
        )

    def matches(self, issuer: Certificate) -> bool:
        """Whether this names a certificate of the issuer: its name and its key, both."""
        if self.hash_oid not in _HASHES:
            return False
        hashes = issuer_hashes(issuer.subject, issuer.spki, self.hash_oid)
        return hashes == (self.issuer_name_hash, self.issuer_key_hash)


@lru_cache(maxsize=64)
def _digest(der: bytes) -> str:
    algorithm = asn1.children(der, asn1.whole(der, what="hashAlgorithm"))
    parameters = [asn1.encoded(der, element) for element in algorithm[1:]]
    # NULL or absent (RFC 5754 2): both are in use.
    if not algorithm or parameters not in ([], [asn1.null()]):
        raise MalformedInput("A CertID's digest has parameters.", field="hashAlgorithm")
    return asn1.oid_value(der, algorithm[0])


@lru_cache(maxsize=256)
def issuer_hashes(name: bytes, spki: bytes, hash_oid: str) -> tuple[bytes, bytes]:
    """(issuerNameHash, issuerKeyHash): over the Name's DER, and the key bits without tag and length."""
    if hash_oid not in _HASHES:
        raise MalformedInput(f"The digest {hash_oid} is not known here.", field="hashAlgorithm")
    digest = _HASHES[hash_oid]
    key_bits = asn1.bits(spki, asn1.children(spki, asn1.whole(spki))[-1])
    return digest(name).digest(), digest(key_bits).digest()
