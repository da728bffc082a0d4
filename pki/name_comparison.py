"""When two names are the same (RFC 5280 7.1): attributes by meaning, not by how their text is encoded.

Text is folded as RFC 4518 prepares it for caseIgnoreMatch, in short: NFKC, case, runs of spaces. What is not
text is compared as octets. Only this decides; how a name looks to people is pki.names'.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from pki import asn1
from pki.errors import MalformedInput

Rdn = frozenset[tuple[bytes, bytes]]
"""One RelativeDistinguishedName: its types, and its values folded."""
_CODECS: Final = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
"""UTF8String, PrintableString, TeletexString (as all wrote it), IA5String, UniversalString, BMPString."""
_KEPT: Final = 512
_MOST: Final = 8 * 1024
"""Octets of a name that is compared by meaning; nobody is called anything longer."""
_MOST_PARTS: Final = 64
"""Attributes of one: each costs more than its octets, and a search compares a name thousands of times."""


def rdns(name: bytes) -> tuple[Rdn, ...]:
    """A Name folded, RDN by RDN; MalformedInput for what is none."""
    return _rdns(name) if len(name) <= _KEPT else _fold_name(name)


def same(one: bytes, other: bytes) -> bool:
    """Whether two Names are one; a malformed one equals only its own octets."""
    if one == other:
        return True
    try:
        return rdns(one) == rdns(other)
    except MalformedInput:
        return False


def within(name: bytes, subtree: bytes) -> bool:
    """Whether a Name lies below (or is) the base of a directoryName subtree (7.1, last paragraph)."""
    base = rdns(subtree)
    return rdns(name)[: len(base)] == base


def is_empty(name: bytes) -> bool:
    """Whether a Name has no attributes."""
    return name == b"\x30\x00"


def _fold_name(name: bytes) -> tuple[Rdn, ...]:
    if len(name) > _MOST:
        raise MalformedInput(f"A name has {len(name)} octets; at most {_MOST} are read.", field="name")
    found, left = list[Rdn](), _MOST_PARTS
    for rdn in asn1.children(name, asn1.whole(name, what="name")):
        pairs = [asn1.children(name, pair) for pair in asn1.children(name, rdn)]
        if rdn.tag != asn1.SET or not pairs or any(len(pair) != 2 for pair in pairs):
            raise MalformedInput("A relative distinguished name is no SET of types and values.", field="name")
        left -= len(pairs)
        if left < 0:
            raise MalformedInput(f"A name has more than {_MOST_PARTS} attributes.", field="name")
        found.append(
            frozenset((asn1.content(name, kind, asn1.OID), _fold(name, value)) for kind, value in pairs)
        )
    return tuple(found)


_rdns = lru_cache(maxsize=1024)(_fold_name)


def _fold(name: bytes, value: asn1.Tlv) -> bytes:
    octets = asn1.content(name, value)
    codec = _CODECS.get(value.tag)
    if codec is None:
        return asn1.encoded(name, value)
    try:
        text = octets.decode(codec)
    except UnicodeDecodeError:
        return asn1.encoded(name, value)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return b"text " + " ".join(folded.split()).encode()
