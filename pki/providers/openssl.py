"""The provider behind `cryptography` (its wheel bundles OpenSSL 4): everything medtrust needs by default.

RSA is for other people's certificates: keys of 3072 and 4096 bits are loaded and checked, none is made.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)
"""What `cryptography` raises for malformed keys; InternalError for an Ed25519 key of the wrong length."""

_MLDSA_PRIVATE: dict[KeyAlgorithm, Any] = {
    KeyAlgorithm.ML_DSA_44: mldsa.MLDSA44PrivateKey,
    KeyAlgorithm.ML_DSA_65: mldsa.MLDSA65PrivateKey,
    KeyAlgorithm.ML_DSA_87: mldsa.MLDSA87PrivateKey,
}
_MLDSA_PUBLIC: dict[KeyAlgorithm, Any] = {
    KeyAlgorithm.ML_DSA_44: mldsa.MLDSA44PublicKey,
    KeyAlgorithm.ML_DSA_65: mldsa.MLDSA65PublicKey,
    KeyAlgorithm.ML_DSA_87: mldsa.MLDSA87PublicKey,
}
_CURVES: dict[KeyAlgorithm, ec.EllipticCurve] = {
    KeyAlgorithm.EC_P256: ec.SECP256R1(),
    KeyAlgorithm.EC_P384: ec.SECP384R1(),
    KeyAlgorithm.EC_P521: ec.SECP521R1(),
}
_KEM_PRIVATE: dict[KeyAlgorithm, Any] = {
    KeyAlgorithm.ML_KEM_768: mlkem.MLKEM768PrivateKey,
    KeyAlgorithm.ML_KEM_1024: mlkem.MLKEM1024PrivateKey,
}
_KEM_PUBLIC: dict[KeyAlgorithm, Any] = {
    KeyAlgorithm.ML_KEM_768: mlkem.MLKEM768PublicKey,
    KeyAlgorithm.ML_KEM_1024: mlkem.MLKEM1024PublicKey,
}
_RSA_BITS = {3072: KeyAlgorithm.RSA_3072, 4096: KeyAlgorithm.RSA_4096}
_OURS = frozenset(_MLDSA_PRIVATE) | frozenset(_KEM_PRIVATE) | frozenset(_CURVES) | {KeyAlgorithm.ED25519}
_ECDSA = {
    SignatureAlgorithm.ECDSA_SHA256: ec.ECDSA(hashes.SHA256()),
    SignatureAlgorithm.ECDSA_SHA384: ec.ECDSA(hashes.SHA384()),
    SignatureAlgorithm.ECDSA_SHA512: ec.ECDSA(hashes.SHA512()),
}
_RSA: dict[SignatureAlgorithm, hashes.HashAlgorithm] = {
    SignatureAlgorithm.SHA256_WITH_RSA: hashes.SHA256(),
    SignatureAlgorithm.SHA384_WITH_RSA: hashes.SHA384(),
    SignatureAlgorithm.SHA512_WITH_RSA: hashes.SHA512(),
}


def _algorithm_of(handle: object) -> KeyAlgorithm:
    known = _KINDS.get(type(handle))
    if known is not None:
        return known
    algorithm = _looked_up(handle)
    if algorithm in _MLDSA_PRIVATE:
        # One class a kind; to ask abstract classes one after the other costs more than reading the key.
        _KINDS[type(handle)] = algorithm
    return algorithm


_KINDS: dict[type, KeyAlgorithm] = {}


def _looked_up(handle: object) -> KeyAlgorithm:
    if isinstance(handle, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        for algorithm, curve in _CURVES.items():
            if handle.curve.name == curve.name:
                return algorithm
    if isinstance(handle, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return KeyAlgorithm.ED25519
    for algorithm in _MLDSA_PRIVATE:
        if isinstance(handle, _MLDSA_PRIVATE[algorithm] | _MLDSA_PUBLIC[algorithm]):
            return algorithm
    for algorithm in _KEM_PRIVATE:
        if isinstance(handle, _KEM_PRIVATE[algorithm] | _KEM_PUBLIC[algorithm]):
            return algorithm
    if isinstance(handle, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return _rsa_algorithm(handle)
    raise MalformedInput("The key is of a kind that medtrust does not use.", field="key algorithm")


def _rsa_algorithm(handle: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> KeyAlgorithm:
    public = handle.public_key() if isinstance(handle, rsa.RSAPrivateKey) else handle
    if handle.key_size not in _RSA_BITS or public.public_numbers().e != 65537:
        raise MalformedInput(
            f"The RSA key has {handle.key_size} bits; 3072 or 4096 with exponent 65537 are believed.",
            field="key",
        )
    return _RSA_BITS[handle.key_size]


class OpenSsl:
    """Provider of everything but SLH-DSA, composites and keys in their expanded form."""

    name = "cryptography"

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """With cryptography 50 and newer."""
        return algorithm in _OURS or algorithm in _RSA_BITS.values()

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """A new private key; never an RSA one."""
        if algorithm not in _OURS:
            raise AlgorithmUnavailable(
                f"The provider {self.name} makes no {algorithm} keys.",
                next_step="Choose an elliptic curve, ML-DSA or a composite for new keys.",
                field=str(algorithm),
            )
        try:
            if algorithm in _CURVES:
                return ec.generate_private_key(_CURVES[algorithm])
            if algorithm is KeyAlgorithm.ED25519:
                return ed25519.Ed25519PrivateKey.generate()
            return (_MLDSA_PRIVATE | _KEM_PRIVATE)[algorithm].generate()
        except UnsupportedAlgorithm as gone:
            raise AlgorithmUnavailable(
                f"The provider {self.name} cannot make {algorithm} keys here.",
                next_step="Install the locked version of `cryptography` (make setup).",
                field=str(algorithm),
            ) from gone

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, object]:
        """A private key from PKCS#8 DER."""
        try:
            handle = load_der_private_key(pkcs8, None)
        except UNREADABLE as bad:
            raise MalformedInput("The private key is not PKCS#8 of a known algorithm.", field="key") from bad
        return _algorithm_of(handle), handle

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """A public key from SubjectPublicKeyInfo DER."""
        try:
            handle = load_der_public_key(spki)
        except UNREADABLE as bad:
            raise MalformedInput(
                "The public key is malformed or of an unknown algorithm.", field="key"
            ) from bad
        algorithm = _algorithm_of(handle)
        if handle.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki:
            # Compressed points, explicit curves, stray parameters: one key, one form.
            raise MalformedInput("The public key is not in its one DER form.", field="key")
        return algorithm, handle

    def private_bytes(self, handle: object) -> bytes:
        """PKCS#8 DER."""
        encoded: bytes = handle.private_bytes(  # type: ignore[attr-defined]
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        return encoded

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER."""
        public = handle.public_key()  # type: ignore[attr-defined]
        encoded: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return encoded

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """ECDSA in DER, EdDSA and ML-DSA raw (pure, empty context: RFC 9881 section 3)."""
        if isinstance(handle, ec.EllipticCurvePrivateKey):
            return handle.sign(data, _ECDSA[algorithm])
        if isinstance(handle, rsa.RSAPrivateKey):
            return handle.sign(data, padding.PKCS1v15(), _RSA[algorithm])
        signature: bytes = handle.sign(data)  # type: ignore[attr-defined]
        return signature

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """Whether the signature holds."""
        try:
            if isinstance(handle, ec.EllipticCurvePublicKey):
                if algorithm not in _ECDSA:
                    return False
                handle.verify(signature, data, _ECDSA[algorithm])
                return True
            if isinstance(handle, rsa.RSAPublicKey):
                if algorithm not in _RSA:
                    return False
                handle.verify(signature, data, padding.PKCS1v15(), _RSA[algorithm])
                return True
            if str(_algorithm_of(handle)) != str(algorithm):
                return False
            handle.verify(signature, data)  # type: ignore[attr-defined]
        except (InvalidSignature, ValueError):
            return False
        return True

    def encapsulate(self, handle: object) -> tuple[bytes, bytes]:
        """ML-KEM.Encaps with a public key."""
        shared, ciphertext = handle.encapsulate()  # type: ignore[attr-defined]
        return bytes(shared), bytes(ciphertext)

    def decapsulate(self, handle: object, ciphertext: bytes) -> bytes:
        """ML-KEM.Decaps with a private key."""
        try:
            return bytes(handle.decapsulate(ciphertext))  # type: ignore[attr-defined]
        except ValueError as bad:
            raise MalformedInput("The ciphertext has the wrong length.", field="ciphertext") from bad
