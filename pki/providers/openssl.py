"""The provider behind `cryptography` (its wheel bundles OpenSSL 4): everything medtrust needs by default."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
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
_ECDSA = {
    SignatureAlgorithm.ECDSA_SHA256: ec.ECDSA(hashes.SHA256()),
    SignatureAlgorithm.ECDSA_SHA384: ec.ECDSA(hashes.SHA384()),
    SignatureAlgorithm.ECDSA_SHA512: ec.ECDSA(hashes.SHA512()),
}


def _algorithm_of(handle: object) -> KeyAlgorithm:
    if isinstance(handle, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        for algorithm, curve in _CURVES.items():
            if handle.curve.name == curve.name:
                return algorithm
    if isinstance(handle, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return KeyAlgorithm.ED25519
    for algorithm in _MLDSA_PRIVATE:
        if isinstance(handle, _MLDSA_PRIVATE[algorithm] | _MLDSA_PUBLIC[algorithm]):
            return algorithm
    raise MalformedInput("The key is of a kind that medtrust does not use.", field="key algorithm")


class OpenSsl:
    """Provider of every KeyAlgorithm."""

    name = "cryptography"

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """All of them, with cryptography 50 and newer."""
        return algorithm in KeyAlgorithm

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """A new private key."""
        try:
            if algorithm in _CURVES:
                return ec.generate_private_key(_CURVES[algorithm])
            if algorithm is KeyAlgorithm.ED25519:
                return ed25519.Ed25519PrivateKey.generate()
            return _MLDSA_PRIVATE[algorithm].generate()
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
        except (ValueError, TypeError, UnsupportedAlgorithm) as bad:
            raise MalformedInput("The private key is not PKCS#8 of a known algorithm.", field="key") from bad
        return _algorithm_of(handle), handle

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """A public key from SubjectPublicKeyInfo DER."""
        try:
            handle = load_der_public_key(spki)
        except (ValueError, TypeError, UnsupportedAlgorithm) as bad:
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
            if str(_algorithm_of(handle)) != str(algorithm):
                return False
            handle.verify(signature, data)  # type: ignore[attr-defined]
        except (InvalidSignature, ValueError):
            return False
        return True
