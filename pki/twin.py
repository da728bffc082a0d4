"""The twin of a certificate: the same to-be-signed under a throw-away key, made to be linted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pki.algorithms import SIGNATURE_BYTES, KeyAlgorithm, PrivateKey
from pki.errors import LintRefused
from pki.findings import Finding
from pki.lint import lint
from pki.lint_context import LintContext
from pki.profiles import Profile
from pki.tbs import Unsigned, seal


def lint_twin(unsigned: Unsigned, algorithm: KeyAlgorithm, profile: Profile, context: LintContext) -> bytes:
    """The TBS up to the alternative signature's octets, after the twin passed the lint; else LintRefused.

    The twin is signed by a throw-away key of the CA's kind. Its alternative value is zeros of the right
    length: a second ML-DSA signature would double the cost of a certificate and show the lint nothing.
    """
    stand_in = _stand_in(algorithm)
    alternative = context.issuer.alternative
    placeholder = bytes(SIGNATURE_BYTES[alternative]) if alternative else None
    tbs = unsigned.tbs(stand_in.signs_with, placeholder)
    findings = lint(seal(tbs, stand_in.signs_with, stand_in.sign(tbs)), profile, context)
    refusing = [finding for finding in findings if finding.refuses]
    if refusing:
        raise LintRefused(tell(refusing), next_step="Nothing was signed.", field=refusing[0].rule)
    return tbs[: len(tbs) - len(placeholder or b"")]


@lru_cache(maxsize=8)
def _stand_in(algorithm: KeyAlgorithm) -> PrivateKey:
    return PrivateKey.generate(algorithm)


def tell(findings: Iterable[Finding]) -> str:
    """Findings as sentences, each with its rule."""
    return " ".join(f"{finding.message} [{finding.rule}]" for finding in findings)
