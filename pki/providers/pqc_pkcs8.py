"""The forms of an ML-DSA or ML-KEM private key: seed, expandedKey, both (RFC 9881 and 9935, section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pki import asn1
from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm
from pki.providers.mldsa_expand import expand, public_of

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
