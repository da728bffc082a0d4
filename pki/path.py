"""Is this certificate to be believed? RFC 5280 section 6 with both signatures at every level.

What is a must comes from the trust bundle's pinned anchor, never from the certificate: a forger who has the
classical key would otherwise strip the alternative parts and be believed. Pure: `now` is an argument, nothing
is fetched. Not handled here: names of peers (who it should be is the caller's question).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pki import path_rules
from pki.bundle import TrustBundle
from pki.errors import MalformedInput
from pki.findings import Finding, Severity, error
from pki.path_judgement import judge
from pki.path_revocation import CertificateStatus, StatusEvidence
from pki.path_search import Search, bounded, parsed
from pki.path_verdict import FAIL_CLOSED, Level, Question, Status, Verdict, VerifyPolicy
from pki.path_work import Work, WorkExhausted
from pki.policy_tree import PolicyInputs
from pki.tbs import Certificate

__all__ = [
    "FAIL_CLOSED",
    "CertificateStatus",
    "Level",
    "PolicyInputs",
    "Status",
    "Verdict",
    "VerifyPolicy",
    "verify",
    "verify_bytes",
]


def verify(
    certificate: Certificate,
    *,
    bundle: TrustBundle,
    now: datetime,
    intermediates: Iterable[Certificate] = (),
    crls: Iterable[bytes] = (),
    ocsp_responses: Iterable[bytes] = (),
    policy: VerifyPolicy = FAIL_CLOSED,
) -> Verdict:
    """The best verdict over the paths from the certificate to a pinned anchor; never raises for bad input."""
    who = path_rules.name_of(certificate)
    if now.tzinfo is None:
        problem = "The time of the question has no zone, so nothing is known to be in its time."
        fatal = Finding("path.clock_without_zone", Severity.FATAL, problem, who)
        return Verdict(Status.INVALID, (fatal,), (certificate,))
    work = Work()
    question = Question(
        now, policy, StatusEvidence(tuple(crls), tuple(ocsp_responses)), work, bundle.withdrawn
    )
    search = Search(certificate, bundle, intermediates, now, policy.mode == "pq_only", work)
    best: Verdict | None = None
    remarks: list[Finding] = []
    try:
        best = _best(search, question)
    except WorkExhausted as limit:
        remarks.append(error("path.too_much_work", str(limit), who))
    except Exception as crash:  # noqa: BLE001 - a search that crashes is a fatal finding, never a pass
        problem = f"The verifier crashed ({type(crash).__name__}); the certificate is not believed."
        remarks.append(Finding("path.search_crashed", Severity.FATAL, problem, who))
    if best is None:
        problem = "No path leads from the certificate to a pinned trust anchor."
        remarks.append(error("path.no_path_to_a_trust_anchor", problem, path_rules.name_of(certificate)))
        best = Verdict(Status.INVALID, (), (certificate,))
    if search.limited and not best.is_valid:
        problem = "There are more ways up than are tried; give the path's own intermediates only."
        remarks.append(Finding("path.search_limited", Severity.NOTICE, problem, who))
    return best.with_findings(remarks, signatures=work.signatures)


def _best(search: Search, question: Question) -> Verdict | None:
    best: Verdict | None = None
    for path in search.paths():
        best = _better(best, judge(path, question))
        if best.status in (Status.HYBRID_VALID, Status.PQ_ONLY_VALID):
            return best
    if best is None:
        for path in search.explained():
            best = _better(best, judge(path, question))
    return best


def verify_bytes(
    der: bytes,
    *,
    bundle: TrustBundle,
    now: datetime,
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp_responses: Iterable[bytes] = (),
    policy: VerifyPolicy = FAIL_CLOSED,
) -> Verdict:
    """`verify` for bytes of strangers: what does not parse is an invalid verdict with a finding."""
    try:
        certificate = Certificate.parse(bounded(der))
    except MalformedInput as bad:
        return Verdict(Status.INVALID, (error("path.certificate_malformed", str(bad), bad.field),))
    return verify(
        certificate,
        bundle=bundle,
        now=now,
        intermediates=(c for c in map(parsed, intermediates) if c is not None),
        crls=crls,
        ocsp_responses=ocsp_responses,
        policy=policy,
    )


def _better(best: Verdict | None, other: Verdict) -> Verdict:
    return other if best is None or _rank(other) < _rank(best) else best


def _rank(verdict: Verdict) -> tuple[int, int]:
    order = (Status.HYBRID_VALID, Status.PQ_ONLY_VALID, Status.CLASSICAL_VALID, Status.INVALID)
    return order.index(verdict.status), sum(f.refuses for f in verdict.findings)
