"""Is this certificate to be believed? RFC 5280 section 6 with both signatures at every level.

What is a must comes from the trust bundle's pinned anchor, never from the certificate: a forger who has the
classical key would otherwise strip the alternative parts and be believed. Pure: `now` is an argument, nothing
is fetched. Who it should be is the caller's question: `VerifyPolicy.host` for hosts, else the names in the
chain's first certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from pki import path_rules
from pki.bundle import TrustBundle
from pki.errors import MalformedInput
from pki.findings import Finding, Severity, error
from pki.path_judgement import judge
from pki.path_related import binding_findings, binds, combined, lacks_only_strength
from pki.path_revocation import CertificateStatus, StatusEvidence
from pki.path_search import MAX_GIVEN, Search, bounded, given_certificates
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
    related: Certificate | None = None,
) -> Verdict:
    """The best verdict over the paths from the certificate to a pinned anchor; never raises for bad input.

    With `related` the verdict is over the pair (RFC 9763): both halves, each under its own anchor, and their
    binding. In mode pq_only the half that resists quantum computers vouches for the other.
    """
    given, evidence = (
        tuple(islice(intermediates, MAX_GIVEN)),
        StatusEvidence(tuple(crls), tuple(ocsp_responses)),
    )

    def one(judged: Certificate, asked: VerifyPolicy) -> Verdict:
        return _verify_one(judged, bundle, given, Question(now, asked, evidence, Work(), bundle.withdrawn))

    verdict = one(certificate, policy)
    if related is None:
        return verdict
    other, binding = one(related, policy), list(binding_findings(certificate, related))
    if policy.mode == "pq_only" and not binding:
        # The classical half cannot stand alone any more; the half that binds it answers for both.
        # It answers for who it is, not for whether it was taken back: its own issuer is asked for that.
        if verdict.is_valid and binds(certificate, related) and lacks_only_strength(other):
            plain = one(related, replace(policy, mode="hybrid"))
            return replace(verdict, related=other) if plain.is_valid else combined(verdict, plain, binding)
        if other.is_valid and binds(related, certificate) and lacks_only_strength(verdict):
            plain = one(certificate, replace(policy, mode="hybrid"))
            return replace(other, related=verdict) if plain.is_valid else combined(plain, other, binding)
    return combined(verdict, other, binding)


def _verify_one(
    certificate: Certificate, bundle: TrustBundle, given: tuple[Certificate, ...], question: Question
) -> Verdict:
    if question.now.tzinfo is None:
        problem = "The time of the question has no zone, so nothing is known to be in its time."
        fatal = Finding("path.clock_without_zone", Severity.FATAL, problem, path_rules.name_of(certificate))
        return Verdict(Status.INVALID, (fatal,), (certificate,))
    pq_only = question.policy.mode == "pq_only"
    search = Search(certificate, bundle, given, question.now, pq_only, question.work)
    best: Verdict | None = None
    remarks: list[Finding] = []
    try:
        for verdict in _verdicts(search, question):
            best = _better(best, verdict)
            if best.status in (Status.HYBRID_VALID, Status.PQ_ONLY_VALID):
                break
    except WorkExhausted as limit:
        # What was judged whole stands; only the search for something better ended here.
        if best is None or not best.is_valid:
            remarks.append(error("path.too_much_work", str(limit)))
    except Exception as crash:  # noqa: BLE001 - a search that crashes is a fatal finding, never a pass
        problem = f"The verifier crashed ({type(crash).__name__}); the certificate is not believed."
        remarks.append(Finding("path.search_crashed", Severity.FATAL, problem))
    if best is None:
        problem = "No path leads from the certificate to a pinned trust anchor."
        remarks.append(error("path.no_path_to_a_trust_anchor", problem))
        best = Verdict(Status.INVALID, (), (certificate,))
    if search.limited and not best.is_valid:
        problem = "There are more ways up than are tried; give the path's own intermediates only."
        remarks.append(Finding("path.search_limited", Severity.NOTICE, problem))
    named = [replace(remark, subject=path_rules.name_of(certificate)) for remark in remarks]
    return best.with_findings(named, signatures=question.work.signatures)


def _verdicts(search: Search, question: Question) -> Iterator[Verdict]:
    """One a path; where no path's signatures hold, those of a few that at least the names make."""
    found = False
    for path in search.paths():
        found = True
        yield judge(path, question)
    if not found:
        yield from (judge(path, question) for path in search.explained())


def verify_bytes(
    der: bytes,
    *,
    bundle: TrustBundle,
    now: datetime,
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp_responses: Iterable[bytes] = (),
    policy: VerifyPolicy = FAIL_CLOSED,
    related: bytes | None = None,
) -> Verdict:
    """`verify` for bytes of strangers: what does not parse is an invalid verdict with a finding."""
    try:
        certificate = Certificate.parse(bounded(der))
        other = Certificate.parse(bounded(related)) if related is not None else None
    except MalformedInput as bad:
        return Verdict(Status.INVALID, (error("path.certificate_malformed", str(bad), bad.field),))
    return verify(
        certificate,
        bundle=bundle,
        now=now,
        intermediates=given_certificates(intermediates),
        crls=crls,
        ocsp_responses=ocsp_responses,
        policy=policy,
        related=other,
    )


def _better(best: Verdict | None, other: Verdict) -> Verdict:
    return other if best is None or _rank(other) < _rank(best) else best


def _rank(verdict: Verdict) -> tuple[int, int]:
    order = (Status.HYBRID_VALID, Status.PQ_ONLY_VALID, Status.CLASSICAL_VALID, Status.INVALID)
    return order.index(verdict.status), sum(f.refuses for f in verdict.findings)
