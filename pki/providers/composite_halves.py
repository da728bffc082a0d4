"""The classical half of a composite: its bytes in keys (draft-19 section 4) and its own sign and verify."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.providers.composite_kinds import Ecdsa, Edwards, EdwardsPrivate, EdwardsPublic, Rsa
from pki.providers.openssl import UNREADABLE

ClassicalPrivate = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | EdwardsPrivate
ClassicalPublic = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | EdwardsPublic
Kind = Ecdsa | Edwards | Rsa
_CURVE_OIDS = {
    "secp256r1": oids.SECP256R1,
    "secp384r1": oids.SECP384R1,
    "secp521r1": oids.SECP521R1,
    "brainpoolP256r1": oids.BRAINPOOL_P256R1,
    "brainpoolP384r1": oids.BRAINPOOL_P384R1,
}


def generate(kind: Kind) -> ClassicalPrivate:
    """A new key; RSA's exponent is 65537."""
    if isinstance(kind, Ecdsa):
        return ec.generate_private_key(kind.curve)
    if isinstance(kind, Edwards):
        return kind.private.generate()
    return rsa.generate_private_key(65537, kind.bits)


def load_public(kind: Kind, raw: bytes) -> ClassicalPublic:
    """Uncompressed point, raw Edwards key or RSAPublicKey, in exactly that form; else MalformedInput."""
    try:
        key = _public(kind, raw)
    except UNREADABLE as bad:
        raise MalformedInput("The classical half of the composite key is malformed.", field="key") from bad
    if public_bytes(kind, key) != raw:
        raise MalformedInput("The classical half of the composite key is not in its one form.", field="key")
    return key


def _public(kind: Kind, raw: bytes) -> ClassicalPublic:
    if isinstance(kind, Ecdsa):
        return ec.EllipticCurvePublicKey.from_encoded_point(kind.curve, raw)
    if isinstance(kind, Edwards):
        return kind.public.from_public_bytes(raw)
    key = load_der_public_key(raw)
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != kind.bits or key.public_numbers().e != 65537:
        raise ValueError("not the RSA key that the composite names")
    return key


def public_bytes(kind: Kind, key: ClassicalPublic) -> bytes:
    """What stands behind the ML-DSA key in the BIT STRING."""
    if isinstance(kind, Ecdsa):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if isinstance(kind, Edwards):
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def spki(key: ClassicalPublic) -> bytes:
    """The half as a key of its own: what a registry of used keys must know."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def load_private(kind: Kind, raw: bytes) -> ClassicalPrivate:
    """ECPrivateKey without its public key, raw Edwards key or RSAPrivateKey; else MalformedInput."""
    try:
        key = _private(kind, raw)
    except UNREADABLE as bad:
        raise MalformedInput("The classical half of the composite key is malformed.", field="key") from bad
    if private_bytes(kind, key) != raw:
        raise MalformedInput("The classical half of the composite key is not in its one form.", field="key")
    return key


def _private(kind: Kind, raw: bytes) -> ClassicalPrivate:
    if isinstance(kind, Edwards):
        return kind.private.from_private_bytes(raw)
    key = load_der_private_key(raw, None)
    if isinstance(kind, Ecdsa) and isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name == kind.curve.name:
            return key
    elif isinstance(kind, Rsa) and isinstance(key, rsa.RSAPrivateKey) and key.key_size == kind.bits:
        return key
    raise ValueError("not the key that the composite names")


def private_bytes(kind: Kind, key: ClassicalPrivate) -> bytes:
    """What stands behind the ML-DSA seed in the private key octets."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        scalar = key.private_numbers().private_value.to_bytes(size, "big")
        curve = asn1.oid(_CURVE_OIDS[key.curve.name])
        return asn1.sequence(asn1.integer(1), asn1.octet_string(scalar), asn1.explicit(0, curve))
    if isinstance(kind, Edwards):
        return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def sign(kind: Kind, key: ClassicalPrivate, message: bytes) -> bytes:
    """The half's signature over M'."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(kind, Ecdsa):
        return key.sign(message, ec.ECDSA(kind.digest))
    if isinstance(key, rsa.RSAPrivateKey) and isinstance(kind, Rsa):
        return key.sign(message, kind.padding, kind.digest)
    if isinstance(key, EdwardsPrivate):
        return key.sign(message)
    raise MalformedInput("The classical half is not the kind that the composite names.", field="key")


def verify(kind: Kind, key: ClassicalPublic, signature: bytes, message: bytes) -> bool:
    """Whether the half's signature over M' holds."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(kind, Ecdsa):
            key.verify(signature, message, ec.ECDSA(kind.digest))
        elif isinstance(key, rsa.RSAPublicKey) and isinstance(kind, Rsa):
            key.verify(signature, message, kind.padding, kind.digest)
        elif isinstance(key, EdwardsPublic):
            key.verify(signature, message)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
