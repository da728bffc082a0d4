"""The pair that signs a hybrid: a classical key and, beside it, an alternative one."""

from __future__ import annotations

from dataclasses import dataclass

from pki.algorithms import KeyAlgorithm, PrivateKey, PublicKey


@dataclass(frozen=True, slots=True)
class HybridPublicKey:
    """The key of the certificate and the key of subjectAltPublicKeyInfo, where there is one."""

    classical: PublicKey
    alternative: PublicKey | None = None


@dataclass(frozen=True, slots=True)
class HybridPrivateKey:
    """What a catalyst CA or device holds. Without an alternative it is a plain key."""

    classical: PrivateKey
    alternative: PrivateKey | None = None

    @property
    def public(self) -> HybridPublicKey:
        """Both public halves."""
        return HybridPublicKey(self.classical.public, self.alternative.public if self.alternative else None)

    @classmethod
    def generate(cls, classical: KeyAlgorithm, alternative: KeyAlgorithm | None) -> HybridPrivateKey:
        """New keys of the kinds named."""
        return cls(PrivateKey.generate(classical), PrivateKey.generate(alternative) if alternative else None)
