"""Keys of a CA made ready to sign: by the faster library, and checked by the other before release.

A fault in one implementation, or in the machine under it, makes a signature that is wrong or that gives the
key away; the second implementation sees it before anybody else does. Not handled: classical keys, which
have one implementation here and are checked by it (`pki.twin`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from pki.algorithms import KeyAlgorithm, PrivateKey, SignatureAlgorithm
from pki.errors import AlgorithmUnavailable, PkiError
from pki.keys import HybridPrivateKey
from pki.providers.composite import liboqs_believes, signed_by_liboqs
from pki.providers.composite_kinds import KINDS
from pki.providers.interface import KeyHolder
from pki.providers.mldsa_expand import SHAPES
from pki.providers.routing import COMPOSITES, OQS, require_of

_WORTH_EXPANDING: Final = 64
"""Expanding a key costs about as much as so many of cryptography's signatures; commands sign fewer."""


class MlDsaSigner(StrEnum):
    """Who signs with ML-DSA keys."""

    AUTO = "auto"
    """liboqs, where it is and where enough is signed to be worth it."""
    CRYPTOGRAPHY = "cryptography"
    OQS = "oqs"


class SecondOpinion(StrEnum):
    """Whether a second implementation checks post-quantum signatures before they leave."""

    OFF = "off"
    IF_AVAILABLE = "if-available"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How the keys of a house are used: what its settings say."""

    signer: MlDsaSigner = MlDsaSigner.CRYPTOGRAPHY
    opinion: SecondOpinion = SecondOpinion.OFF


def ready(key: PrivateKey, use: KeyUse) -> PrivateKey:
    """The key, signing and checked as the settings say.

    AlgorithmUnavailable where `oqs` or `required` cannot be had: now, not at the first signature.
    """
    if not key.algorithm.resists_quantum:
        return key
    ml_dsa = _ml_dsa_of(key.algorithm)
    if ml_dsa is None:
        if use.opinion is SecondOpinion.REQUIRED:
            raise AlgorithmUnavailable(
                f"There is no second implementation of {key.algorithm} here.",
                next_step="Set crypto.second_opinion to if-available, or choose ML-DSA for this key.",
                field="crypto.second_opinion",
            )
        return key
    if use.signer is MlDsaSigner.OQS or use.opinion is SecondOpinion.REQUIRED:
        require_of(OQS, ml_dsa)
    elif not OQS.supports(ml_dsa):
        return key
    if use == KeyUse():
        return key
    held = _Held(key, use, _liboqs_check(key))
    if key.is_held_by(OQS):
        held.fast = key
    elif use.signer is MlDsaSigner.OQS:
        held.fast = _fast(key)
    return PrivateKey.held_by(_TWO_LIBRARIES, key.algorithm, held)


def ready_pair(key: HybridPrivateKey, use: KeyUse) -> HybridPrivateKey:
    """Both halves of a CA's key, by `ready`."""
    return HybridPrivateKey(
        ready(key.classical, use), ready(key.alternative, use) if key.alternative else None
    )


@dataclass(slots=True, eq=False)
class _Held:
    """One ML-DSA or composite key with both of its libraries."""

    key: PrivateKey
    use: KeyUse
    liboqs_believes: Callable[[bytes, bytes], bool]
    fast: PrivateKey | None = None
    """The same key where liboqs signs, from when that is so."""
    signed: int = 0

    def signing(self) -> PrivateKey:
        """The form of the key that signs next."""
        if self.fast is None and self.use.signer is MlDsaSigner.AUTO:
            self.signed += 1  # Threads may lose a count: then the change comes a signature later.
            if self.signed > _WORTH_EXPANDING:
                self.fast = _fast(self.key)
        return self.fast or self.key

    def second_believes(self, by: PrivateKey, signature: bytes, data: bytes) -> bool:
        """What the library that did not sign says."""
        if by is self.fast:
            return self.key.public.verify(by.signs_with, signature, data)
        return self.liboqs_believes(signature, data)


class _TwoLibraries:
    """Holder of keys that one library signs with and the other checks."""

    name = "cryptography and liboqs"

    def private_bytes(self, handle: object) -> bytes:
        """As the key itself."""
        return cast(_Held, handle).key.pkcs8()

    def public_bytes(self, handle: object) -> bytes:
        """As the key itself."""
        return cast(_Held, handle).key.public.spki

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """PkiError, and no signature, where the second library does not believe the first."""
        held = cast(_Held, handle)
        by = held.signing()
        signature = by.sign(data)
        if held.use.opinion is not SecondOpinion.OFF and not held.second_believes(by, signature, data):
            raise PkiError(
                f"Two libraries disagree about a new {algorithm} signature; it was thrown away.",
                next_step="Sign nothing more on this machine before it was examined.",
                field="key",
            )
        return signature


_TWO_LIBRARIES: Final = _TwoLibraries()


def _fast(key: PrivateKey) -> PrivateKey:
    holder: KeyHolder = COMPOSITES if key.algorithm.is_composite else OQS
    handle = signed_by_liboqs(key.pkcs8()) if key.algorithm.is_composite else OQS.load_private(key.pkcs8())[1]
    return PrivateKey.held_by(holder, key.algorithm, handle)


def _liboqs_check(key: PrivateKey) -> Callable[[bytes, bytes], bool]:
    spki, algorithm = key.public.spki, key.signs_with
    if key.algorithm.is_composite:
        return lambda signature, data: liboqs_believes(spki, signature, data)
    public = OQS.load_public(spki)[1]
    return lambda signature, data: OQS.verify(public, algorithm, signature, data)


def _ml_dsa_of(algorithm: KeyAlgorithm) -> KeyAlgorithm | None:
    """Its ML-DSA; None for SLH-DSA."""
    if algorithm.is_composite:
        return KINDS[algorithm].ml_dsa.algorithm
    return algorithm if algorithm in SHAPES else None
