"""Key and signature algorithms bound to their identifiers in DER, and keys that sign and verify."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm, Provider, SignatureAlgorithm
from pki.providers.openssl import OpenSsl

__all__ = ["KeyAlgorithm", "PrivateKey", "PublicKey", "SignatureAlgorithm"]

_PROVIDER: Final[Provider] = OpenSsl()

_OID_OF: Final = {
    SignatureAlgorithm.ECDSA_SHA256: oids.ECDSA_WITH_SHA256,
    SignatureAlgorithm.ECDSA_SHA384: oids.ECDSA_WITH_SHA384,
    SignatureAlgorithm.ECDSA_SHA512: oids.ECDSA_WITH_SHA512,
    SignatureAlgorithm.ED25519: oids.ED25519,
    SignatureAlgorithm.ML_DSA_44: oids.ML_DSA_44,
    SignatureAlgorithm.ML_DSA_65: oids.ML_DSA_65,
    SignatureAlgorithm.ML_DSA_87: oids.ML_DSA_87,
}
_BY_OID: Final = {dotted: algorithm for algorithm, dotted in _OID_OF.items()}
_SIGNS_WITH: Final = {
    KeyAlgorithm.EC_P256: SignatureAlgorithm.ECDSA_SHA256,
    KeyAlgorithm.EC_P384: SignatureAlgorithm.ECDSA_SHA384,
    KeyAlgorithm.EC_P521: SignatureAlgorithm.ECDSA_SHA512,
    KeyAlgorithm.ED25519: SignatureAlgorithm.ED25519,
    KeyAlgorithm.ML_DSA_44: SignatureAlgorithm.ML_DSA_44,
    KeyAlgorithm.ML_DSA_65: SignatureAlgorithm.ML_DSA_65,
    KeyAlgorithm.ML_DSA_87: SignatureAlgorithm.ML_DSA_87,
}
SIGNATURE_BYTES: Final = {
    SignatureAlgorithm.ML_DSA_44: 2420,
    SignatureAlgorithm.ML_DSA_65: 3309,
    SignatureAlgorithm.ML_DSA_87: 4627,
}
"""Exact signature sizes of the post-quantum algorithms (FIPS 204 table 2)."""


def signature_algorithm_of(key: KeyAlgorithm) -> SignatureAlgorithm:
    """What a key of this kind signs with: the hash matches the curve."""
    return _SIGNS_WITH[key]


def algorithm_identifier(algorithm: SignatureAlgorithm) -> bytes:
    """AlgorithmIdentifier DER; parameters are absent for all of ours (RFC 5758 3.2, 8410, 9881)."""
    return asn1.sequence(asn1.oid(_OID_OF[algorithm]))


@lru_cache(maxsize=64)
def parse_algorithm_identifier(der: bytes) -> SignatureAlgorithm:
    """The signature algorithm; unknown identifiers and any parameters are MalformedInput."""
    parts = asn1.children(der, asn1.whole(der, what="AlgorithmIdentifier"))
    if not parts:
        raise MalformedInput("The AlgorithmIdentifier is empty.", field="AlgorithmIdentifier")
    dotted = asn1.oid_value(der, parts[0])
    if dotted not in _BY_OID:
        raise MalformedInput(
            f"The signature algorithm {dotted} is not known here.", field="signatureAlgorithm"
        )
    if len(parts) != 1:
        raise MalformedInput("The signature algorithm carries parameters.", field="signatureAlgorithm")
    return _BY_OID[dotted]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key by its SubjectPublicKeyInfo DER."""

    spki: bytes
    algorithm: KeyAlgorithm
    _handle: object = field(repr=False, compare=False)

    @classmethod
    def load(cls, spki: bytes) -> PublicKey:
        """From SubjectPublicKeyInfo DER; MalformedInput names what is wrong. Loaded keys are kept."""
        return _load_public(bytes(spki))

    @property
    def key_bits(self) -> bytes:
        """The content of the subjectPublicKey BIT STRING: what key identifiers are hashed over."""
        return asn1.bits(self.spki, asn1.children(self.spki, asn1.whole(self.spki))[1])

    @property
    def key_identifier(self) -> bytes:
        """20 octets: the leftmost 160 bits of SHA-256 over the key bits (RFC 7093 section 2, method 1)."""
        return hashlib.sha256(self.key_bits).digest()[:20]

    @property
    def signs_with(self) -> SignatureAlgorithm:
        """The one signature algorithm that this kind of key makes here."""
        return signature_algorithm_of(self.algorithm)

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """True only for a good signature by this key under exactly this algorithm."""
        return _PROVIDER.verify(self._handle, algorithm, signature, data)


@lru_cache(maxsize=256)
def _load_public(spki: bytes) -> PublicKey:
    algorithm, handle = _PROVIDER.load_public(spki)
    return PublicKey(spki, algorithm, handle)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that is kept as an object: loading an ML-DSA seed costs more than a look-up."""

    algorithm: KeyAlgorithm
    public: PublicKey
    _handle: object = field(repr=False, compare=False)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm) -> PrivateKey:
        """A new key from the provider's random source."""
        return cls._of(algorithm, _PROVIDER.generate(algorithm))

    @classmethod
    def load(cls, pkcs8: bytes) -> PrivateKey:
        """From unencrypted PKCS#8 DER."""
        return cls._of(*_PROVIDER.load_private(pkcs8))

    @classmethod
    def _of(cls, algorithm: KeyAlgorithm, handle: object) -> PrivateKey:
        return cls(algorithm, PublicKey.load(_PROVIDER.public_bytes(handle)), handle)

    @property
    def signs_with(self) -> SignatureAlgorithm:
        """The one signature algorithm of this key."""
        return signature_algorithm_of(self.algorithm)

    def pkcs8(self) -> bytes:
        """Unencrypted PKCS#8 DER: for an envelope, never for a file."""
        return _PROVIDER.private_bytes(self._handle)

    def sign(self, data: bytes) -> bytes:
        """A signature with `signs_with`."""
        return _PROVIDER.sign(self._handle, self.signs_with, data)
