"""What a provider of algorithms does. A handle is the provider's own key object; only it may look inside."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class KeyAlgorithm(StrEnum):
    """The kinds of keys that medtrust knows, by the names of its settings."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    EC_P521 = "ec-p521"
    ED25519 = "ed25519"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"

    @property
    def is_post_quantum(self) -> bool:
        """Whether the key stands when classical signatures fall."""
        return self.value.startswith("ml-dsa")


class SignatureAlgorithm(StrEnum):
    """The signatures that medtrust makes and checks."""

    ECDSA_SHA256 = "ecdsa-with-sha256"
    ECDSA_SHA384 = "ecdsa-with-sha384"
    ECDSA_SHA512 = "ecdsa-with-sha512"
    ED25519 = "ed25519"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"


class Provider(Protocol):
    """Keys and signatures of one library."""

    name: str

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """Whether keys of this algorithm work here, now."""

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """A new private key, from the library's own random source."""

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, object]:
        """A private key from unencrypted PKCS#8 DER; MalformedInput where it is none."""

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """A public key from SubjectPublicKeyInfo DER; MalformedInput where it is none."""

    def private_bytes(self, handle: object) -> bytes:
        """PKCS#8 DER, unencrypted (seed form for ML-DSA)."""

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER of a private key's handle."""

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """The signature's bytes as they stand in the BIT STRING."""

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """True only for a good signature of that algorithm; never raises for a bad one."""
