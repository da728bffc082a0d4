"""A related pair (RFC 9763): two certificates of one subject, each on its own path, bound by a hash.

A classical half and a post-quantum one that names it make a hybrid: whoever breaks classical keys only can
forge neither. The other way round proves nothing: a forged classical half may name anybody's genuine one. On
the day after, the post-quantum half vouches for the other: its own signature covers the other's hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pki import oids, path_rules
from pki.errors import MalformedInput
from pki.findings import Finding, Severity, error
from pki.name_comparison import same
from pki.path_verdict import Status, Verdict
from pki.related import RelatedCertificate
from pki.tbs import Certificate

_WEAK: Final = Status.CLASSICAL_VALID


def binding_findings(certificate: Certificate, related: Certificate) -> Iterator[Finding]:
    """Whether one of them names the other by its hash, and both have the same subject."""
    who = path_rules.name_of(certificate)
    if certificate.der == related.der:
        yield error("related.one_certificate_twice", "A certificate is not related to itself.", who)
        return
    if not same(certificate.subject, related.subject):
        yield error("related.subjects_differ", "The two certificates have different subjects.", who)
    bound = [_binds(certificate, related), _binds(related, certificate)]
    if False in bound:
        problem = "A certificate names another one by its hash than the one that is given."
        yield error("related.hash_differs", problem, who)
    elif True not in bound:
        yield error("related.not_bound", "Neither certificate names the other one by its hash.", who)


def binds(certificate: Certificate, other: Certificate) -> bool:
    """Whether the certificate names the other by its hash."""
    return _binds(certificate, other) is True


def lacks_only_strength(verdict: Verdict) -> bool:
    """Whether nothing refuses the certificate but that its path is a classical one."""
    return all(f.rule.startswith("hybrid.") for f in verdict.findings if f.refuses)


def _binds(certificate: Certificate, other: Certificate) -> bool | None:
    """None: it names none."""
    try:
        value = certificate.extension(oids.RELATED_CERTIFICATE)
        return None if value is None else RelatedCertificate.read(value).matches(other.der)
    except MalformedInput:
        return False


def combined(verdict: Verdict, related: Verdict, binding: list[Finding]) -> Verdict:
    """The verdict over the pair: hybrid where a half that resists names the other; else as the weaker one."""
    findings = (*verdict.findings, *related.findings, *binding)
    halves = {verdict.status, related.status}
    if Status.INVALID in halves or any(f.refuses for f in findings):
        status = Status.INVALID
    elif len(halves) == 1:
        status = verdict.status
    elif _resisting_half_names(verdict, related):
        status = Status.HYBRID_VALID
    else:
        status = _WEAK
        problem = "Only the classical half names the other: who forges it may name anybody's."
        findings += (Finding("related.named_by_the_weaker_half", Severity.WARNING, problem),)
    signatures = verdict.signatures + related.signatures
    return replace(verdict, status=status, findings=findings, signatures=signatures, related=related)


def _resisting_half_names(verdict: Verdict, related: Verdict) -> bool:
    pairs = ((verdict, related), (related, verdict))
    return any(one.status is not _WEAK and binds(one.chain[0], other.chain[0]) for one, other in pairs)
