"""The 18 composites of draft-ietf-lamps-pq-composite-sigs-19 section 6, as data, and M' of section 2.2."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding

from pki.providers.interface import KeyAlgorithm

_PREFIX: Final = b"CompositeAlgorithmSignatures2025"
EdwardsPrivate = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
EdwardsPublic = ed25519.Ed25519PublicKey | ed448.Ed448PublicKey


@dataclass(frozen=True, slots=True)
class MlDsaHalf:
    """The post-quantum half: its classes and its sizes (FIPS 204 table 2)."""

    algorithm: KeyAlgorithm
    private: type[mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey]
    public: type[mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey]
    public_bytes: int
    signature_bytes: int


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """A classical half on a curve: raw uncompressed point, DER signature."""

    curve: ec.EllipticCurve
    digest: hashes.HashAlgorithm


@dataclass(frozen=True, slots=True)
class Edwards:
    """A classical half by RFC 8032: everything raw."""

    private: type[EdwardsPrivate]
    public: type[EdwardsPublic]


@dataclass(frozen=True, slots=True)
class Rsa:
    """A classical half of this many bits: RSAPublicKey and RSAPrivateKey of PKCS#1."""

    bits: int
    digest: hashes.HashAlgorithm
    pss: bool

    @property
    def padding(self) -> padding.PSS | padding.PKCS1v15:
        """PSS with the digest in MGF1 and a salt of its size, or PKCS#1 v1.5."""
        if not self.pss:
            return padding.PKCS1v15()
        return padding.PSS(padding.MGF1(self.digest), self.digest.digest_size)


@dataclass(frozen=True, slots=True)
class CompositeKind:
    """One row of section 6."""

    label: bytes
    ml_dsa: MlDsaHalf
    classical: Ecdsa | Edwards | Rsa
    prehash: Callable[[bytes], bytes]

    def message(self, data: bytes) -> bytes:
        """M' that both halves sign: prefix, label, length of the empty context, digest of the data."""
        return _PREFIX + self.label + b"\x00" + self.prehash(data)


_44 = MlDsaHalf(KeyAlgorithm.ML_DSA_44, mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey, 1312, 2420)
_65 = MlDsaHalf(KeyAlgorithm.ML_DSA_65, mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey, 1952, 3309)
_87 = MlDsaHalf(KeyAlgorithm.ML_DSA_87, mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey, 2592, 4627)
_P256 = Ecdsa(ec.SECP256R1(), hashes.SHA256())
_P384 = Ecdsa(ec.SECP384R1(), hashes.SHA384())
_P521 = Ecdsa(ec.SECP521R1(), hashes.SHA512())
_BP256 = Ecdsa(ec.BrainpoolP256R1(), hashes.SHA256())
_BP384 = Ecdsa(ec.BrainpoolP384R1(), hashes.SHA384())
_ED25519 = Edwards(ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)
_ED448 = Edwards(ed448.Ed448PrivateKey, ed448.Ed448PublicKey)
_RSA2048 = Rsa(2048, hashes.SHA256(), pss=False)
_RSA2048_PSS = Rsa(2048, hashes.SHA256(), pss=True)
_RSA3072 = Rsa(3072, hashes.SHA256(), pss=False)
_RSA3072_PSS = Rsa(3072, hashes.SHA256(), pss=True)
_RSA4096 = Rsa(4096, hashes.SHA384(), pss=False)
_RSA4096_PSS = Rsa(4096, hashes.SHA384(), pss=True)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def _shake256(data: bytes) -> bytes:
    return hashlib.shake_256(data).digest(64)


def _row(
    label: str, ml_dsa: MlDsaHalf, classical: Ecdsa | Edwards | Rsa, prehash: Callable[[bytes], bytes]
) -> CompositeKind:
    return CompositeKind(f"COMPSIG-{label}".encode(), ml_dsa, classical, prehash)


_K = KeyAlgorithm
KINDS: Final = {
    _K.MLDSA44_RSA2048_PSS_SHA256: _row("MLDSA44-RSA2048-PSS-SHA256", _44, _RSA2048_PSS, _sha256),
    _K.MLDSA44_RSA2048_PKCS15_SHA256: _row("MLDSA44-RSA2048-PKCS15-SHA256", _44, _RSA2048, _sha256),
    _K.MLDSA44_ED25519_SHA512: _row("MLDSA44-Ed25519-SHA512", _44, _ED25519, _sha512),
    _K.MLDSA44_ECDSA_P256_SHA256: _row("MLDSA44-ECDSA-P256-SHA256", _44, _P256, _sha256),
    _K.MLDSA65_RSA3072_PSS_SHA512: _row("MLDSA65-RSA3072-PSS-SHA512", _65, _RSA3072_PSS, _sha512),
    _K.MLDSA65_RSA3072_PKCS15_SHA512: _row("MLDSA65-RSA3072-PKCS15-SHA512", _65, _RSA3072, _sha512),
    _K.MLDSA65_RSA4096_PSS_SHA512: _row("MLDSA65-RSA4096-PSS-SHA512", _65, _RSA4096_PSS, _sha512),
    _K.MLDSA65_RSA4096_PKCS15_SHA512: _row("MLDSA65-RSA4096-PKCS15-SHA512", _65, _RSA4096, _sha512),
    _K.MLDSA65_ECDSA_P256_SHA512: _row("MLDSA65-ECDSA-P256-SHA512", _65, _P256, _sha512),
    _K.MLDSA65_ECDSA_P384_SHA512: _row("MLDSA65-ECDSA-P384-SHA512", _65, _P384, _sha512),
    _K.MLDSA65_ECDSA_BRAINPOOLP256R1_SHA512: _row("MLDSA65-ECDSA-BP256-SHA512", _65, _BP256, _sha512),
    _K.MLDSA65_ED25519_SHA512: _row("MLDSA65-Ed25519-SHA512", _65, _ED25519, _sha512),
    _K.MLDSA87_ECDSA_P384_SHA512: _row("MLDSA87-ECDSA-P384-SHA512", _87, _P384, _sha512),
    _K.MLDSA87_ECDSA_BRAINPOOLP384R1_SHA512: _row("MLDSA87-ECDSA-BP384-SHA512", _87, _BP384, _sha512),
    _K.MLDSA87_ED448_SHAKE256: _row("MLDSA87-Ed448-SHAKE256", _87, _ED448, _shake256),
    _K.MLDSA87_RSA3072_PSS_SHA512: _row("MLDSA87-RSA3072-PSS-SHA512", _87, _RSA3072_PSS, _sha512),
    _K.MLDSA87_RSA4096_PSS_SHA512: _row("MLDSA87-RSA4096-PSS-SHA512", _87, _RSA4096_PSS, _sha512),
    _K.MLDSA87_ECDSA_P521_SHA512: _row("MLDSA87-ECDSA-P521-SHA512", _87, _P521, _sha512),
}
