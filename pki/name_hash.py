"""The file names of OpenSSL's certificate folders: eight hex digits made of a name.

X509_NAME_hash: SHA-1 over the canonical form of the Name, which is no security function here but a file name.
"""

from __future__ import annotations

import hashlib

from pki import asn1

_TEXT = {
    asn1.UTF8_STRING: "utf-8",
    asn1.PRINTABLE_STRING: "ascii",
    asn1.IA5_STRING: "latin-1",
    0x14: "latin-1",  # T61String
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


def name_hash(name: bytes) -> str:
    """As `openssl x509 -subject_hash` says it; MalformedInput for what is no Name."""
    sets = asn1.children(name, asn1.whole(name, what="name"))
    canonical = b"".join(
        asn1.set_of(_pair(name, pair) for pair in asn1.children(name, relative)) for relative in sets
    )
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return digest[:4][::-1].hex()


def _pair(name: bytes, pair: asn1.Tlv) -> bytes:
    kind, value = asn1.children(name, pair)
    octets = asn1.content(name, value)
    if value.tag not in _TEXT:
        return asn1.sequence(asn1.encoded(name, kind), asn1.encoded(name, value))
    text = octets.decode(_TEXT[value.tag], "replace")
    # One space for each run of them, none at the ends, ASCII in small letters (x509_name_canon).
    words = " ".join(part for part in text.strip(_SPACES).translate(_FOLD).split(" ") if part)
    return asn1.sequence(asn1.encoded(name, kind), asn1.utf8_string(words))


_SPACES = " \t\n\v\f\r"
_FOLD = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | dict.fromkeys(map(ord, _SPACES), " ")
