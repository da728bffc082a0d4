"""A certificate's twin, linted under a throw-away key; and the signature over exactly what was linted."""

from __future__ import annotations

from collections.abc import Iterable
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


def lint_twin(unsigned: Unsigned, algorithm: KeyAlgorithm, profile: Profile, context: LintContext) -> bytes:
    """The TBS up to the alternative signature's octets, after the twin passed the lint; else LintRefused.

    The twin is signed by a throw-away key where that is cheap. Post-quantum signatures, main or alternative,
    are zeros of the right length: real ones would double a certificate's cost and show the lint nothing.
    """
    signs_with = signature_algorithm_of(algorithm)
    alternative = context.issuer.alternative
    placeholder = bytes(SIGNATURE_BYTES[alternative]) if alternative else None
    tbs = unsigned.tbs(signs_with, placeholder)
    if algorithm in _CHEAP:
        signature = _stand_in(algorithm).sign(tbs)
    else:
        signature = bytes(SIGNATURE_BYTES.get(signs_with, _UNSIZED))
    findings = lint(seal(tbs, signs_with, signature), profile, context)
    refusing = [finding for finding in findings if finding.refuses]
    if refusing:
        raise LintRefused(tell(refusing), next_step="Nothing was signed.", field=refusing[0].rule)
    return _linted_part(tbs, len(placeholder or b""))


def sign_linted(unsigned: Unsigned, linted: bytes, key: HybridPrivateKey) -> bytes:
    """The one place where a CA's key signs certificates; what comes out is what was linted, byte for byte.

    The alternative signature's octets stand last in the TBS, so all that was linted is a prefix of it.
    """
    algorithm = key.classical.signs_with
    size = SIGNATURE_BYTES[key.alternative.signs_with] if key.alternative else 0
    if _linted_part(unsigned.tbs(algorithm, bytes(size) if size else None), size) != linted:
        raise LintRefused("The certificate was altered after its lint; nothing was signed.", field="tbs")
    alternative = key.alternative.sign(unsigned.pre_tbs) if key.alternative else None
    tbs = unsigned.tbs(algorithm, alternative)
    if _linted_part(tbs, size) != linted:
        raise LintRefused("What would be signed is not what was linted.", field="tbs")
    signature = key.classical.sign(tbs)
    if not key.classical.public.verify(algorithm, signature, tbs):
        raise PkiError("The new signature does not verify: the key or its provider is broken.", field="key")
    return seal(tbs, algorithm, signature)


def _linted_part(tbs: bytes, size: int) -> bytes:
    return tbs[: len(tbs) - size]


@lru_cache(maxsize=8)
def _stand_in(algorithm: KeyAlgorithm) -> PrivateKey:
    return PrivateKey.generate(algorithm)


def tell(findings: Iterable[Finding]) -> str:
    """Findings as sentences, each with its rule."""
    return " ".join(f"{finding.message} [{finding.rule}]" for finding in findings)
