"""Which object identifier names which key and which signature; composites in draft-19's order, .37 to .54."""

from __future__ import annotations

from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm

ML_DSA: Final = {
    oids.ML_DSA_44: KeyAlgorithm.ML_DSA_44,
    oids.ML_DSA_65: KeyAlgorithm.ML_DSA_65,
    oids.ML_DSA_87: KeyAlgorithm.ML_DSA_87,
}
ML_KEM: Final = {oids.ML_KEM_768: KeyAlgorithm.ML_KEM_768, oids.ML_KEM_1024: KeyAlgorithm.ML_KEM_1024}
SLH_DSA: Final = {
    # RFC 9909 section 3: .20 to .25 are SHA2, .26 to .31 SHAKE; each 128s, 128f, 192s, 192f, 256s, 256f.
    f"{oids.NIST_SIGNATURES}.{20 + place}": algorithm
    for place, algorithm in enumerate(a for a in KeyAlgorithm if a.value.startswith("slh-dsa-"))
}
COMPOSITE: Final = {
    f"{oids.PKIX_ALGORITHMS}.{37 + place}": algorithm
    for place, algorithm in enumerate(a for a in KeyAlgorithm if a.is_composite)
}
NAMED_AS_THEIR_KEY: Final = ML_DSA | SLH_DSA | COMPOSITE | {oids.ED25519: KeyAlgorithm.ED25519}
"""Keys whose one signature algorithm has the key's own identifier."""

SIGNATURES: Final = {
    oids.ECDSA_WITH_SHA256: SignatureAlgorithm.ECDSA_SHA256,
    oids.ECDSA_WITH_SHA384: SignatureAlgorithm.ECDSA_SHA384,
    oids.ECDSA_WITH_SHA512: SignatureAlgorithm.ECDSA_SHA512,
    oids.SHA256_WITH_RSA: SignatureAlgorithm.SHA256_WITH_RSA,
    oids.SHA384_WITH_RSA: SignatureAlgorithm.SHA384_WITH_RSA,
    oids.SHA512_WITH_RSA: SignatureAlgorithm.SHA512_WITH_RSA,
} | {dotted: SignatureAlgorithm(key.value) for dotted, key in NAMED_AS_THEIR_KEY.items()}

KEY_OID: Final = {key: dotted for dotted, key in (NAMED_AS_THEIR_KEY | ML_KEM).items()}
"""Of keys that are named by their identifier alone: no curve, no parameters."""


def spki(algorithm: KeyAlgorithm, raw: bytes) -> bytes:
    """SubjectPublicKeyInfo of a key that is raw in the BIT STRING (RFC 9881, 9909, 9935, composite)."""
    return asn1.sequence(asn1.sequence(asn1.oid(KEY_OID[algorithm])), asn1.bit_string(raw))


def pkcs8(algorithm: KeyAlgorithm, content: bytes) -> bytes:
    """OneAsymmetricKey, version 0, around the algorithm's own private key octets."""
    return asn1.sequence(
        asn1.integer(0), asn1.sequence(asn1.oid(KEY_OID[algorithm])), asn1.octet_string(content)
    )


def key_oid(der: bytes, *, private: bool) -> str:
    """The algorithm's identifier in SubjectPublicKeyInfo or PKCS#8, nothing else looked at."""
    what = "private key" if private else "public key"
    parts = asn1.children(der, asn1.whole(der, what=what))
    place = 1 if private else 0
    if len(parts) <= place + 1 or parts[place].tag != asn1.SEQUENCE:
        raise MalformedInput(f"The {what} names no algorithm.", field="key")
    inside = asn1.children(der, parts[place])
    if not inside:
        raise MalformedInput(f"The {what} names no algorithm.", field="key")
    return asn1.oid_value(der, inside[0])


def raw_public(der: bytes) -> tuple[str, bytes]:
    """(identifier, key octets) of a key with no parameters; MalformedInput for any other form."""
    parts = asn1.children(der, asn1.whole(der, what="public key"))
    if len(parts) != 2 or parts[0].tag != asn1.SEQUENCE:
        raise MalformedInput("The public key is not an algorithm and a BIT STRING.", field="key")
    inside = asn1.children(der, parts[0])
    if len(inside) != 1:
        raise MalformedInput("The public key's algorithm carries parameters.", field="key algorithm")
    return asn1.oid_value(der, inside[0]), asn1.bits(der, parts[1])


def raw_private(der: bytes) -> tuple[str, bytes]:
    """(identifier, private key octets) of PKCS#8 version 0 with no parameters and no attributes."""
    parts = asn1.children(der, asn1.whole(der, what="private key"))
    if len(parts) != 3 or asn1.int_value(der, parts[0]) != 0 or parts[1].tag != asn1.SEQUENCE:
        raise MalformedInput("The private key is not plain PKCS#8 of version 0.", field="key")
    inside = asn1.children(der, parts[1])
    if len(inside) != 1:
        raise MalformedInput("The private key's algorithm carries parameters.", field="key algorithm")
    return asn1.oid_value(der, inside[0]), asn1.content(der, parts[2], asn1.OCTET_STRING)
