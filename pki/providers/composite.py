"""Composite ML-DSA, draft-ietf-lamps-pq-composite-sigs-19: two keys as one, two signatures that both hold.

Not handled: a context string (X.509 has none), and whether a half is used alone elsewhere; see `halves`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa

from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers import composite_halves as classical_half
from pki.providers.composite_halves import ClassicalPrivate, ClassicalPublic
from pki.providers.composite_kinds import KINDS, CompositeKind
from pki.providers.identifiers import COMPOSITE, pkcs8, raw_private, raw_public, spki
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm
from pki.providers.oqs_keys import OqsPrivate, OqsPublic, expanded, sign_raw, verify_raw

MlDsaPrivate = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MlDsaPublic = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class CompositePrivate:
    """Both private halves."""

    algorithm: KeyAlgorithm
    ml_dsa: MlDsaPrivate
    classical: ClassicalPrivate
    fast: OqsPrivate | None = None
    """The ML-DSA half once more, where liboqs signs for it."""


@dataclass(frozen=True, slots=True)
class CompositePublic:
    """Both public halves."""

    algorithm: KeyAlgorithm
    ml_dsa: MlDsaPublic
    classical: ClassicalPublic


class Composite:
    """Provider of the 18 composites, over `cryptography`."""

    name = "composite"

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """All of them."""
        return algorithm in KINDS

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """Two new halves; composites with RSA are checked, not made."""
        if algorithm not in KINDS or "-rsa" in algorithm.value:
            raise AlgorithmUnavailable(
                f"The provider {self.name} makes no {algorithm} keys.",
                next_step="Choose mldsa65-ecdsa-p256-sha512 or another composite without RSA.",
                field=str(algorithm),
            )
        kind = KINDS[algorithm]
        return CompositePrivate(
            algorithm, kind.ml_dsa.private.generate(), classical_half.generate(kind.classical)
        )

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, object]:
        """Seed of 32 octets, then the classical private key (section 4)."""
        algorithm, raw = _named(*raw_private(pkcs8))
        if len(raw) <= _SEED_BYTES:
            raise MalformedInput("The composite private key is cut off.", field="key")
        kind = KINDS[algorithm]
        ml_dsa = kind.ml_dsa.private.from_seed_bytes(raw[:_SEED_BYTES])
        classical = classical_half.load_private(kind.classical, raw[_SEED_BYTES:])
        return algorithm, CompositePrivate(algorithm, ml_dsa, classical)

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """ML-DSA public key, then the classical one (section 4)."""
        algorithm, raw = _named(*raw_public(spki))
        kind = KINDS[algorithm]
        size = kind.ml_dsa.public_bytes
        if len(raw) <= size:
            raise MalformedInput("The composite public key is cut off.", field="key")
        ml_dsa = kind.ml_dsa.public.from_public_bytes(raw[:size])
        return algorithm, CompositePublic(
            algorithm, ml_dsa, classical_half.load_public(kind.classical, raw[size:])
        )

    def private_bytes(self, handle: object) -> bytes:
        """PKCS#8 DER."""
        key = cast(CompositePrivate, handle)
        classical = classical_half.private_bytes(KINDS[key.algorithm].classical, key.classical)
        return pkcs8(key.algorithm, key.ml_dsa.private_bytes_raw() + classical)

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER."""
        key = cast(CompositePrivate, handle)
        kind = KINDS[key.algorithm]
        classical = classical_half.public_bytes(kind.classical, key.classical.public_key())
        return spki(key.algorithm, key.ml_dsa.public_key().public_bytes_raw() + classical)

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """ML-DSA with the label as its context, then the classical signature, both over M' (section 3.2)."""
        key = cast(CompositePrivate, handle)
        kind = _kind_of(algorithm, key.algorithm)
        message = kind.message(data)
        ml_dsa = sign_raw(key.fast, message, kind.label) if key.fast else key.ml_dsa.sign(message, kind.label)
        return ml_dsa + classical_half.sign(kind.classical, key.classical, message)

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """Both halves, or nothing (section 3.3)."""
        key = cast(CompositePublic, handle)
        if algorithm.value != key.algorithm.value:
            return False
        kind = KINDS[key.algorithm]
        size, message = kind.ml_dsa.signature_bytes, kind.message(data)
        try:
            key.ml_dsa.verify(signature[:size], message, kind.label)
        except (InvalidSignature, ValueError):
            return False
        return classical_half.verify(kind.classical, key.classical, signature[size:], message)


def signed_by_liboqs(pkcs8_der: bytes) -> CompositePrivate:
    """The key with its ML-DSA half expanded for liboqs; AlgorithmUnavailable where that is absent."""
    key = cast(CompositePrivate, Composite().load_private(pkcs8_der)[1])
    return replace(key, fast=expanded(KINDS[key.algorithm].ml_dsa.algorithm, key.ml_dsa.private_bytes_raw()))


def liboqs_believes(spki_der: bytes, signature: bytes, data: bytes) -> bool:
    """Whether liboqs too believes the ML-DSA half of a composite signature."""
    algorithm, raw = _named(*raw_public(spki_der))
    kind = KINDS[algorithm]
    key = OqsPublic(kind.ml_dsa.algorithm, raw[: kind.ml_dsa.public_bytes])
    return verify_raw(key, signature[: kind.ml_dsa.signature_bytes], kind.message(data), kind.label)


def halves(spki_der: bytes) -> tuple[bytes, bytes]:
    """SubjectPublicKeyInfo of the ML-DSA half and of the classical one, as if each stood alone."""
    algorithm, raw = _named(*raw_public(spki_der))
    kind = KINDS[algorithm]
    size = kind.ml_dsa.public_bytes
    classical = classical_half.load_public(kind.classical, raw[size:])
    return spki(kind.ml_dsa.algorithm, raw[:size]), classical_half.spki(classical)


def _named(dotted: str, raw: bytes) -> tuple[KeyAlgorithm, bytes]:
    if dotted not in COMPOSITE:
        raise MalformedInput(f"{dotted} is no composite that is known here.", field="key algorithm")
    return COMPOSITE[dotted], raw


def _kind_of(algorithm: SignatureAlgorithm, key: KeyAlgorithm) -> CompositeKind:
    if algorithm.value != key.value:
        raise MalformedInput(f"A {key} key does not sign with {algorithm}.", field="signatureAlgorithm")
    return KINDS[key]
