"""What a provider of algorithms does. A handle is the provider's own key object; only it may look inside."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable


class KeyAlgorithm(StrEnum):
    """The kinds of keys that medtrust knows, by the names of its settings."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    EC_P521 = "ec-p521"
    ED25519 = "ed25519"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"
    SLH_DSA_SHA2_128S = "slh-dsa-sha2-128s"
    SLH_DSA_SHA2_128F = "slh-dsa-sha2-128f"
    SLH_DSA_SHA2_192S = "slh-dsa-sha2-192s"
    SLH_DSA_SHA2_192F = "slh-dsa-sha2-192f"
    SLH_DSA_SHA2_256S = "slh-dsa-sha2-256s"
    SLH_DSA_SHA2_256F = "slh-dsa-sha2-256f"
    SLH_DSA_SHAKE_128S = "slh-dsa-shake-128s"
    SLH_DSA_SHAKE_128F = "slh-dsa-shake-128f"
    SLH_DSA_SHAKE_192S = "slh-dsa-shake-192s"
    SLH_DSA_SHAKE_192F = "slh-dsa-shake-192f"
    SLH_DSA_SHAKE_256S = "slh-dsa-shake-256s"
    SLH_DSA_SHAKE_256F = "slh-dsa-shake-256f"
    ML_KEM_768 = "ml-kem-768"
    ML_KEM_1024 = "ml-kem-1024"
    # draft-ietf-lamps-pq-composite-sigs-19 section 6, in the order of its identifiers.
    MLDSA44_RSA2048_PSS_SHA256 = "mldsa44-rsa2048-pss-sha256"
    MLDSA44_RSA2048_PKCS15_SHA256 = "mldsa44-rsa2048-pkcs15-sha256"
    MLDSA44_ED25519_SHA512 = "mldsa44-ed25519-sha512"
    MLDSA44_ECDSA_P256_SHA256 = "mldsa44-ecdsa-p256-sha256"
    MLDSA65_RSA3072_PSS_SHA512 = "mldsa65-rsa3072-pss-sha512"
    MLDSA65_RSA3072_PKCS15_SHA512 = "mldsa65-rsa3072-pkcs15-sha512"
    MLDSA65_RSA4096_PSS_SHA512 = "mldsa65-rsa4096-pss-sha512"
    MLDSA65_RSA4096_PKCS15_SHA512 = "mldsa65-rsa4096-pkcs15-sha512"
    MLDSA65_ECDSA_P256_SHA512 = "mldsa65-ecdsa-p256-sha512"
    MLDSA65_ECDSA_P384_SHA512 = "mldsa65-ecdsa-p384-sha512"
    MLDSA65_ECDSA_BRAINPOOLP256R1_SHA512 = "mldsa65-ecdsa-brainpoolp256r1-sha512"
    MLDSA65_ED25519_SHA512 = "mldsa65-ed25519-sha512"
    MLDSA87_ECDSA_P384_SHA512 = "mldsa87-ecdsa-p384-sha512"
    MLDSA87_ECDSA_BRAINPOOLP384R1_SHA512 = "mldsa87-ecdsa-brainpoolp384r1-sha512"
    MLDSA87_ED448_SHAKE256 = "mldsa87-ed448-shake256"
    MLDSA87_RSA3072_PSS_SHA512 = "mldsa87-rsa3072-pss-sha512"
    MLDSA87_RSA4096_PSS_SHA512 = "mldsa87-rsa4096-pss-sha512"
    MLDSA87_ECDSA_P521_SHA512 = "mldsa87-ecdsa-p521-sha512"

    @property
    def is_post_quantum(self) -> bool:
        """Whether it signs by post-quantum mathematics alone: pure ML-DSA or SLH-DSA."""
        return self.startswith(("ml-dsa-", "slh-dsa-"))

    @property
    def is_composite(self) -> bool:
        """Whether it is ML-DSA and a classical key in one, both needed."""
        return self.startswith("mldsa")

    @property
    def is_kem(self) -> bool:
        """Whether it receives secrets instead of signing."""
        return self.value.startswith("ml-kem-")

    @property
    def is_classical(self) -> bool:
        """Whether it falls to a quantum computer."""
        return self.value.startswith(("ec-", "ed25519", "rsa-"))

    @property
    def resists_quantum(self) -> bool:
        """Whether its signatures stand when classical ones fall."""
        return self.startswith(("ml-dsa-", "slh-dsa-", "mldsa"))  # Asked several times a certificate.


class SignatureAlgorithm(StrEnum):
    """The signatures that medtrust makes and checks; all but ECDSA and RSA are named as their key is."""

    ECDSA_SHA256 = "ecdsa-with-sha256"
    ECDSA_SHA384 = "ecdsa-with-sha384"
    ECDSA_SHA512 = "ecdsa-with-sha512"
    ED25519 = "ed25519"
    SHA256_WITH_RSA = "sha256-with-rsa"
    SHA384_WITH_RSA = "sha384-with-rsa"
    SHA512_WITH_RSA = "sha512-with-rsa"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"
    SLH_DSA_SHA2_128S = "slh-dsa-sha2-128s"
    SLH_DSA_SHA2_128F = "slh-dsa-sha2-128f"
    SLH_DSA_SHA2_192S = "slh-dsa-sha2-192s"
    SLH_DSA_SHA2_192F = "slh-dsa-sha2-192f"
    SLH_DSA_SHA2_256S = "slh-dsa-sha2-256s"
    SLH_DSA_SHA2_256F = "slh-dsa-sha2-256f"
    SLH_DSA_SHAKE_128S = "slh-dsa-shake-128s"
    SLH_DSA_SHAKE_128F = "slh-dsa-shake-128f"
    SLH_DSA_SHAKE_192S = "slh-dsa-shake-192s"
    SLH_DSA_SHAKE_192F = "slh-dsa-shake-192f"
    SLH_DSA_SHAKE_256S = "slh-dsa-shake-256s"
    SLH_DSA_SHAKE_256F = "slh-dsa-shake-256f"
    MLDSA44_RSA2048_PSS_SHA256 = "mldsa44-rsa2048-pss-sha256"
    MLDSA44_RSA2048_PKCS15_SHA256 = "mldsa44-rsa2048-pkcs15-sha256"
    MLDSA44_ED25519_SHA512 = "mldsa44-ed25519-sha512"
    MLDSA44_ECDSA_P256_SHA256 = "mldsa44-ecdsa-p256-sha256"
    MLDSA65_RSA3072_PSS_SHA512 = "mldsa65-rsa3072-pss-sha512"
    MLDSA65_RSA3072_PKCS15_SHA512 = "mldsa65-rsa3072-pkcs15-sha512"
    MLDSA65_RSA4096_PSS_SHA512 = "mldsa65-rsa4096-pss-sha512"
    MLDSA65_RSA4096_PKCS15_SHA512 = "mldsa65-rsa4096-pkcs15-sha512"
    MLDSA65_ECDSA_P256_SHA512 = "mldsa65-ecdsa-p256-sha512"
    MLDSA65_ECDSA_P384_SHA512 = "mldsa65-ecdsa-p384-sha512"
    MLDSA65_ECDSA_BRAINPOOLP256R1_SHA512 = "mldsa65-ecdsa-brainpoolp256r1-sha512"
    MLDSA65_ED25519_SHA512 = "mldsa65-ed25519-sha512"
    MLDSA87_ECDSA_P384_SHA512 = "mldsa87-ecdsa-p384-sha512"
    MLDSA87_ECDSA_BRAINPOOLP384R1_SHA512 = "mldsa87-ecdsa-brainpoolp384r1-sha512"
    MLDSA87_ED448_SHAKE256 = "mldsa87-ed448-shake256"
    MLDSA87_RSA3072_PSS_SHA512 = "mldsa87-rsa3072-pss-sha512"
    MLDSA87_RSA4096_PSS_SHA512 = "mldsa87-rsa4096-pss-sha512"
    MLDSA87_ECDSA_P521_SHA512 = "mldsa87-ecdsa-p521-sha512"


class KeyHolder(Protocol):
    """Who holds a private key and signs with it: a library, a token, two libraries that check each other."""

    name: str

    def private_bytes(self, handle: object) -> bytes:
        """PKCS#8 DER, unencrypted (seed form for ML-DSA where the seed is known)."""

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER of a private key's handle."""

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """The signature's bytes as they stand in the BIT STRING."""


class Provider(KeyHolder, Protocol):
    """Keys and signatures of one library."""

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """Whether keys of this algorithm work here, now."""

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """A new private key, from the library's own random source."""

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, object]:
        """A private key from unencrypted PKCS#8 DER; MalformedInput where it is none."""

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """A public key from SubjectPublicKeyInfo DER; MalformedInput where it is none."""

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """True only for a good signature of that algorithm; never raises for a bad one."""


@runtime_checkable
class KemProvider(Protocol):
    """What a provider of ML-KEM does besides (FIPS 203)."""

    def encapsulate(self, handle: object) -> tuple[bytes, bytes]:
        """(shared secret of 32 octets, ciphertext) for a public key's handle."""

    def decapsulate(self, handle: object, ciphertext: bytes) -> bytes:
        """The shared secret; a ciphertext of the wrong length is MalformedInput.

        A forged ciphertext of the right length gives an unrelated secret (implicit rejection).
        """
