"""What a key that is not taken here is called, so that a refusal can name it."""

from __future__ import annotations

from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput

_KINDS: Final = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.7": "RSAES-OAEP",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10046.2.1": "Diffie-Hellman",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.32": "HashML-DSA-44",
    "2.16.840.1.101.3.4.3.33": "HashML-DSA-65",
    "2.16.840.1.101.3.4.3.34": "HashML-DSA-87",
    "2.16.840.1.101.3.4.4.1": "ML-KEM-512",
}
_CURVES: Final = {
    "1.2.840.10045.3.1.1": "P-192",
    "1.3.132.0.33": "P-224",
    "1.3.132.0.10": "secp256k1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.2.156.10197.1.301": "SM2",
}
_NIST: Final = "2.16.840.1.101.3.4.3."


def kind_of(spki: bytes) -> str:
    """A name for the SubjectPublicKeyInfo's kind of key; its dotted identifier where none is known."""
    try:
        algorithm = asn1.children(spki, asn1.whole(spki, what="key"))[0]
        parts = asn1.children(spki, algorithm)
        dotted = asn1.oid_value(spki, parts[0])
        if dotted == oids.EC_PUBLIC_KEY:
            return _curve(spki, parts[1:])
    except (MalformedInput, IndexError):
        return "malformed"
    if dotted.startswith(_NIST) and 35 <= int(dotted.removeprefix(_NIST)) <= 46:
        return "HashSLH-DSA"
    return _KINDS.get(dotted, dotted)


def _curve(spki: bytes, parameters: list[asn1.Tlv]) -> str:
    if len(parameters) != 1 or parameters[0].tag != asn1.OID:
        return "an elliptic curve that is not named"
    dotted = asn1.oid_value(spki, parameters[0])
    return f"elliptic curve {_CURVES.get(dotted, dotted)}"
