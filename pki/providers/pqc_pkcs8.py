"""The forms of an ML-DSA or ML-KEM private key: seed, expandedKey, both (RFC 9881 and 9935, section 6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pki import asn1
from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm
from pki.providers.mldsa_expand import expand, public_of

ML_KEM_PUBLIC_BYTES = {KeyAlgorithm.ML_KEM_768: 1184, KeyAlgorithm.ML_KEM_1024: 1568}
SEED_TAG = 0x80
"""[0] IMPLICIT OCTET STRING: the form that `cryptography` reads and that we write."""


@dataclass(frozen=True, slots=True)
class Forms:
    """What a private key's octets hold; `expanded` and `public` only where it came without a seed."""

    seed: bytes | None = field(repr=False)
    expanded: bytes = field(repr=False, default=b"")
    public: bytes = b""


def read_ml_dsa(algorithm: KeyAlgorithm, content: bytes) -> Forms:
    """Both halves of `both` must fit (RFC 9881 section 8.2), and an expanded key's parts each other."""
    seed, expanded = split(content, seed_bytes=32)
    if seed is None:
        return Forms(None, expanded, public_of(algorithm, expanded))
    if expanded and expand(algorithm, seed)[1] != expanded:
        raise MalformedInput("The seed and the expanded key do not belong together.", field="key")
    return Forms(seed)


def read_ml_kem(algorithm: KeyAlgorithm, content: bytes) -> Forms:
    """Of `both` the seed is used; its z must stand in the expanded key, which must be whole."""
    seed, expanded = split(content, seed_bytes=64)
    public = _ml_kem_public(algorithm, expanded) if expanded or seed is None else b""
    if seed is not None and expanded and expanded[-32:] != seed[32:]:
        raise MalformedInput("The seed and the expanded key do not belong together.", field="key")
    return Forms(seed, expanded, public)


def _ml_kem_public(algorithm: KeyAlgorithm, expanded: bytes) -> bytes:
    """dk = dkPKE || ek || H(ek) || z: the encapsulation key, after its digest was compared."""
    size = ML_KEM_PUBLIC_BYTES[algorithm]
    start = size - 32  # dkPKE is an encapsulation key without its 32 octets of rho
    public = expanded[start : start + size]
    if len(expanded) != start + size + 64 or hashlib.sha3_256(public).digest() != expanded[-64:-32]:
        raise MalformedInput(f"The expanded {algorithm} key is cut off or altered.", field="key")
    return public


def split(content: bytes, *, seed_bytes: int) -> tuple[bytes | None, bytes]:
    """(seed or None, expanded key or nothing), as the CHOICE holds them; MalformedInput for another form."""
    outer = asn1.read(content) if len(content) > 1 else None
    if outer is None or outer.end != len(content):
        raise MalformedInput("The private key is none of seed, expandedKey and both.", field="key")
    if outer.tag == asn1.OCTET_STRING:
        return None, asn1.content(content, outer)
    if outer.tag == SEED_TAG:
        seed, expanded = asn1.content(content, outer), b""
    else:
        parts = asn1.children(content, asn1.whole(content, what="private key"))
        if [part.tag for part in parts] != [asn1.OCTET_STRING, asn1.OCTET_STRING]:
            raise MalformedInput("The private key is none of seed, expandedKey and both.", field="key")
        seed, expanded = (asn1.content(content, part) for part in parts)
    if len(seed) != seed_bytes:
        raise MalformedInput(f"The seed has {len(seed)} octets, not {seed_bytes}.", field="key")
    return seed, expanded
