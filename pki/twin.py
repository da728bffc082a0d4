"""A certificate's twin, linted under a throw-away key; and the signature over exactly what was linted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pki.algorithms import SIGNATURE_BYTES, KeyAlgorithm, PrivateKey, signature_algorithm_of
from pki.errors import LintRefused, PkiError
from pki.findings import Finding
from pki.keys import HybridPrivateKey
from pki.lint import lint
from pki.lint_context import LintContext
from pki.profiles import Profile
from pki.tbs import Unsigned, seal

_CHEAP: Final = frozenset(
    {KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.EC_P521, KeyAlgorithm.ED25519}
)
_UNSIZED: Final = 4096
"""For signatures without one exact size: composites and RSA."""


@dataclass(frozen=True, slots=True, eq=False)
class Linted:
    """What passed the lint: both signatures are made over these octets and no others."""

    unsigned: Unsigned = field(repr=False)
    """What they were made of; only this very object may be signed."""
    pre_tbs: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    """Up to the alternative signature's octets, which stand last and have `room`."""
    room: int


def lint_twin(unsigned: Unsigned, algorithm: KeyAlgorithm, profile: Profile, context: LintContext) -> Linted:
    """What may be signed, after the twin passed the lint; else LintRefused.

    The twin carries a throw-away key's signature over something else, and zeros of the right length where
    that would be a post-quantum one: real ones would double a certificate's cost and show the lint nothing.
    """
    signs_with = signature_algorithm_of(algorithm)
    alternative = context.issuer.alternative
    room = SIGNATURE_BYTES[alternative] if alternative else 0
    tbs = unsigned.tbs(signs_with, bytes(room) if alternative else None)
    findings = lint(seal(tbs, signs_with, _stand_in(algorithm)), profile, context)
    refusing = [finding for finding in findings if finding.refuses]
    if refusing:
        raise LintRefused(tell(refusing), next_step="Nothing was signed.", field=refusing[0].rule)
    return Linted(unsigned, unsigned.pre_tbs, tbs[: len(tbs) - room], room)


def sign_linted(unsigned: Unsigned, linted: Linted, key: HybridPrivateKey) -> bytes:
    """The one place where a CA's key signs certificates; what comes out is what was linted, byte for byte.

    Nothing is put together again: the alternative signature's octets stand last in the TBS, so the rest of
    it is what was linted as it stands.
    """
    if unsigned is not linted.unsigned:
        raise LintRefused("The certificate was altered after its lint; nothing was signed.", field="tbs")
    algorithm = key.classical.signs_with
    alternative = key.alternative.sign(linted.pre_tbs) if key.alternative else b""
    if len(alternative) != linted.room:
        raise LintRefused("The alternative signature is not of the length that was linted.", field="tbs")
    tbs = linted.tbs + alternative
    signature = key.classical.sign(tbs)
    if not key.classical.public.verify(algorithm, signature, tbs):
        raise PkiError("The new signature does not verify: the key or its provider is broken.", field="key")
    return seal(tbs, algorithm, signature)


@lru_cache(maxsize=64)
def _stand_in(algorithm: KeyAlgorithm) -> bytes:
    if algorithm in _CHEAP:
        return PrivateKey.generate(algorithm).sign(b"a twin")
    return bytes(SIGNATURE_BYTES.get(signature_algorithm_of(algorithm), _UNSIZED))


def tell(findings: Iterable[Finding]) -> str:
    """Findings as sentences, each with its rule."""
    return " ".join(f"{finding.message} [{finding.rule}]" for finding in findings)
