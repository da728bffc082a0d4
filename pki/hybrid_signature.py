"""The judgement of an alternative signature (ITU-T X.509 9.8), for whatever carries extensions 73 and 74."""

from __future__ import annotations

from collections.abc import Callable

from pki.algorithms import PublicKey
from pki.extensions import Extension
from pki.findings import Finding, Severity, error
from pki.tbs import AlternativeSignature, read_alternative


def alternative_findings(
    listed: tuple[Extension, ...],
    pre_tbs: Callable[[], bytes],
    key: PublicKey | None,
    *,
    who: str,
    classical: bool,
    required: bool,
) -> list[Finding]:
    """hybrid.* findings for one signed object, against its issuer's alternative key (None: it has none).

    `required`: a missing signature refuses, else it warns. Not `classical`: nothing else vouches, so an
    issuer without an alternative key refuses too.
    """
    found, structure = read_alternative(listed)
    if structure:
        return list(structure)
    if key is None:
        problem = "The issuer has no alternative key, so nobody vouches with one for this."
        severity = Severity.WARNING if classical else Severity.ERROR
        rule = "hybrid.issuer_has_no_alternative_key"
        return [Finding(rule, severity, problem, who)] if found or not classical else []
    if found is None:
        problem = "The alternative signature is missing, though the issuer has an alternative key."
        severity = Severity.ERROR if required or not classical else Severity.WARNING
        return [Finding("hybrid.alternative_signature_missing", severity, problem, who)]
    return not_post_quantum(key, who) or value_findings(found, pre_tbs, key, who=who)


def not_post_quantum(key: PublicKey, who: str) -> list[Finding]:
    """An alternative key that falls with the classical one protects nobody."""
    if key.algorithm.is_post_quantum:
        return []
    problem = f"The issuer's alternative key is {key.algorithm}, which is not post-quantum."
    return [error("hybrid.alternative_key_not_post_quantum", problem, who)]


def value_findings(
    found: AlternativeSignature, pre_tbs: Callable[[], bytes], key: PublicKey, *, who: str
) -> list[Finding]:
    """Whether a signature that is there is by the key; what its absence means, the caller says."""
    if found.algorithm.value != key.algorithm.value:
        problem = f"The alternative signature is {found.algorithm}; the issuer's key is {key.algorithm}."
        return [error("hybrid.alternative_algorithm_not_the_issuers", problem, who)]
    if not key.verify(found.algorithm, found.value, pre_tbs()):
        problem = "The alternative signature is not by the issuer's alternative key."
        return [error("hybrid.alternative_signature_invalid", problem, who)]
    return []
