"""Key and signature algorithms bound to their identifiers in DER, and keys that sign and verify."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pki import asn1
from pki.errors import MalformedInput
from pki.providers import routing
from pki.providers.composite import halves
from pki.providers.identifiers import SIGNATURES
from pki.providers.interface import KemProvider, KeyAlgorithm, KeyHolder, Provider, SignatureAlgorithm
from pki.providers.routing import require, require_all

__all__ = [
    "KeyAlgorithm",
    "PrivateKey",
    "PublicKey",
    "SignatureAlgorithm",
    "component_spkis",
    "require",
    "require_all",
]

_OID_OF: Final = {algorithm: dotted for dotted, algorithm in SIGNATURES.items()}
_RSA: Final = frozenset(a for a in SignatureAlgorithm if a.value.endswith("-rsa"))
_NAMES: Final = frozenset(algorithm.value for algorithm in SignatureAlgorithm)
_SIGNS_WITH: Final = {
    KeyAlgorithm.EC_P256: SignatureAlgorithm.ECDSA_SHA256,
    KeyAlgorithm.EC_P384: SignatureAlgorithm.ECDSA_SHA384,
    KeyAlgorithm.EC_P521: SignatureAlgorithm.ECDSA_SHA512,
    KeyAlgorithm.RSA_3072: SignatureAlgorithm.SHA256_WITH_RSA,
    KeyAlgorithm.RSA_4096: SignatureAlgorithm.SHA384_WITH_RSA,
} | {key: SignatureAlgorithm(key.value) for key in KeyAlgorithm if key.value in _NAMES}
SIGNATURE_BYTES: Final = {
    SignatureAlgorithm.ML_DSA_44: 2420,
    SignatureAlgorithm.ML_DSA_65: 3309,
    SignatureAlgorithm.ML_DSA_87: 4627,
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_128S, SignatureAlgorithm.SLH_DSA_SHAKE_128S), 7856),
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_128F, SignatureAlgorithm.SLH_DSA_SHAKE_128F), 17088),
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_192S, SignatureAlgorithm.SLH_DSA_SHAKE_192S), 16224),
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_192F, SignatureAlgorithm.SLH_DSA_SHAKE_192F), 35664),
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_256S, SignatureAlgorithm.SLH_DSA_SHAKE_256S), 29792),
    **dict.fromkeys((SignatureAlgorithm.SLH_DSA_SHA2_256F, SignatureAlgorithm.SLH_DSA_SHAKE_256F), 49856),
}
"""Exact signature sizes of the post-quantum algorithms (FIPS 204 table 2, FIPS 205 table 2)."""


def signature_algorithm_of(key: KeyAlgorithm) -> SignatureAlgorithm:
    """What a key of this kind signs with: the hash matches the curve; MalformedInput for a KEM key."""
    if key not in _SIGNS_WITH:
        raise MalformedInput(f"A {key} key receives secrets and does not sign.", field="key algorithm")
    return _SIGNS_WITH[key]


def algorithm_identifier(algorithm: SignatureAlgorithm) -> bytes:
    """AlgorithmIdentifier DER; parameters are NULL for RSA (RFC 4055 5) and absent for all others."""
    return asn1.sequence(asn1.oid(_OID_OF[algorithm]), asn1.null() if algorithm in _RSA else b"")


@lru_cache(maxsize=64)
def parse_algorithm_identifier(der: bytes) -> SignatureAlgorithm:
    """The signature algorithm; unknown identifiers and strange parameters are MalformedInput."""
    parts = asn1.children(der, asn1.whole(der, what="AlgorithmIdentifier"))
    if not parts:
        raise MalformedInput("The AlgorithmIdentifier is empty.", field="AlgorithmIdentifier")
    dotted = asn1.oid_value(der, parts[0])
    if dotted not in SIGNATURES:
        raise MalformedInput(
            f"The signature algorithm {dotted} is not known here.", field="signatureAlgorithm"
        )
    if asn1.sequence(*(asn1.encoded(der, part) for part in parts)) != algorithm_identifier(
        SIGNATURES[dotted]
    ):
        raise MalformedInput(
            "The signature algorithm carries parameters that are not its own.", field="signatureAlgorithm"
        )
    return SIGNATURES[dotted]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key by its SubjectPublicKeyInfo DER."""

    spki: bytes
    algorithm: KeyAlgorithm
    _handle: object = field(repr=False, compare=False)
    _provider: Provider = field(repr=False, compare=False, default=routing.OPENSSL)

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
        return _key_identifier(self)

    @property
    def signs_with(self) -> SignatureAlgorithm:
        """The one signature algorithm that this kind of key makes here."""
        return signature_algorithm_of(self.algorithm)

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """True only for a good signature by this key under exactly this algorithm."""
        return self._provider.verify(self._handle, algorithm, signature, data)

    def encapsulate(self) -> tuple[bytes, bytes]:
        """(shared secret of 32 octets, ciphertext) that only the private key opens; ML-KEM keys only."""
        return _kem(self._provider, self.algorithm).encapsulate(self._handle)


@lru_cache(maxsize=256)
def _key_identifier(key: PublicKey) -> bytes:
    return hashlib.sha256(key.key_bits).digest()[:20]


# Ten kilobytes each, at most; a batch of requests is read first and judged afterwards.
@lru_cache(maxsize=512)
def _load_public(spki: bytes) -> PublicKey:
    provider, algorithm, handle = routing.load_public(spki)
    return PublicKey(spki, algorithm, handle, provider)


def component_spkis(key: PublicKey) -> tuple[bytes, ...]:
    """What must not be reused: the key itself, and each half of a composite as if it stood alone."""
    return (key.spki, *halves(key.spki)) if key.algorithm.is_composite else (key.spki,)


def _kem(provider: KeyHolder, algorithm: KeyAlgorithm) -> KemProvider:
    if algorithm.is_kem and isinstance(provider, KemProvider):
        return provider
    raise MalformedInput(f"A {algorithm} key receives no secrets.", field="key algorithm")


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that is kept as an object: loading an ML-DSA seed costs more than a look-up."""

    algorithm: KeyAlgorithm
    public: PublicKey
    _handle: object = field(repr=False, compare=False)
    _provider: KeyHolder = field(repr=False, compare=False, default=routing.OPENSSL)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm) -> PrivateKey:
        """A new key from the provider's random source."""
        provider = routing.provider_of(algorithm)
        return cls.held_by(provider, algorithm, provider.generate(algorithm))

    @classmethod
    def load(cls, pkcs8: bytes) -> PrivateKey:
        """From unencrypted PKCS#8 DER."""
        return cls.held_by(*routing.load_private(pkcs8))

    @classmethod
    def held_by(cls, provider: KeyHolder, algorithm: KeyAlgorithm, handle: object) -> PrivateKey:
        """A key whose operations run where the provider says: in a token, or in another library."""
        return cls(algorithm, PublicKey.load(provider.public_bytes(handle)), handle, provider)

    def is_held_by(self, holder: KeyHolder) -> bool:
        """Whether it signs there."""
        return self._provider is holder

    @property
    def signs_with(self) -> SignatureAlgorithm:
        """The one signature algorithm of this key."""
        return signature_algorithm_of(self.algorithm)

    def pkcs8(self) -> bytes:
        """Unencrypted PKCS#8 DER: for an envelope, never for a file."""
        return self._provider.private_bytes(self._handle)

    def sign(self, data: bytes) -> bytes:
        """A signature with `signs_with`."""
        return self._provider.sign(self._handle, self.signs_with, data)

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The secret that somebody encapsulated to the public key; ML-KEM keys only."""
        return _kem(self._provider, self.algorithm).decapsulate(self._handle, ciphertext)
