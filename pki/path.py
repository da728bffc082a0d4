"""Is this certificate to be believed? RFC 5280 section 6 with both signatures at every level.

What is a must comes from the trust bundle's pinned anchor, never from the certificate: a forger who has the
classical key would otherwise strip the alternative parts and be believed. Pure: `now` is an argument, nothing
is fetched. Not handled here: names of peers (who it should be is the caller's question), name constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pki import path_revocation, path_rules
from pki.bundle import TrustAnchor, TrustBundle
from pki.errors import MalformedInput
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.path_revocation import Revocation, StatusEvidence
from pki.path_rules import Demand
from pki.path_search import Path, bounded, parsed, search
from pki.tbs import Certificate


class Status(StrEnum):
    """What a verdict says."""

    HYBRID_VALID = "hybrid-valid"
    CLASSICAL_VALID = "classical-valid"
    PQ_ONLY_VALID = "pq-only-valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """What the relying party asks for; the default fails closed."""

    revocation: Revocation = "require"
    """`if_available`: an unknown status is a warning; `off`: nobody asks."""
    mode: Literal["hybrid", "pq_only"] = "hybrid"
    """`pq_only`: the day after; classical signatures are not looked at."""
    purpose: str | None = None
    """An extended key usage, dotted."""


FAIL_CLOSED: Final = VerifyPolicy()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status, everything that was found, and the path judged: end entity first, anchor last."""

    status: Status
    findings: tuple[Finding, ...]
    chain: tuple[Certificate, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Any of the three valid ones."""
        return self.status is not Status.INVALID


@dataclass(frozen=True, slots=True)
class _Question:
    now: datetime
    policy: VerifyPolicy
    evidence: StatusEvidence


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
    question = _Question(now, policy, StatusEvidence(tuple(crls), tuple(ocsp_responses)))
    best: Verdict | None = None
    for path in search(certificate, bundle, intermediates):
        verdict = _judge(path, question)
        if best is None or _rank(verdict) < _rank(best):
            best = verdict
        if verdict.status in (Status.HYBRID_VALID, Status.PQ_ONLY_VALID):
            break
    if best is not None:
        return best
    problem = "No path leads from the certificate to a pinned trust anchor."
    nowhere = error("path.no_path_to_a_trust_anchor", problem, path_rules.name_of(certificate))
    return Verdict(Status.INVALID, (nowhere,), (certificate,))


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
        intermediates=[c for c in map(parsed, intermediates) if c is not None],
        crls=crls,
        ocsp_responses=ocsp_responses,
        policy=policy,
    )


def _rank(verdict: Verdict) -> tuple[int, int]:
    order = (Status.HYBRID_VALID, Status.PQ_ONLY_VALID, Status.CLASSICAL_VALID, Status.INVALID)
    return order.index(verdict.status), sum(f.refuses for f in verdict.findings)


def _judge(path: Path, question: _Question) -> Verdict:
    """6.1.2 to 6.1.5, from the anchor down; the working keys start as the pinned pair."""
    anchor, top, policy = path.anchor, path.chain[-1], question.policy
    demand = _demand(anchor, question)
    findings = _run(lambda: path_rules.validity_findings(top, question.now), top)
    findings += _run(lambda: path_rules.extension_findings(top), top)
    if policy.mode == "pq_only" and not demand.post_quantum_anchor:
        problem = "The anchor pins no alternative key: nothing stands without the classical one."
        findings.append(error("hybrid.anchor_has_no_alternative_key", problem, path_rules.name_of(top)))
    pinned = HybridPublicKey(*anchor.keys)
    if len(path.chain) == 1:
        findings += _run(lambda: path_rules.signature_findings(top, pinned, demand), top)
    working: HybridPublicKey | None = pinned
    for place in range(len(path.chain) - 2, -1, -1):
        if working is None:
            break
        certificate = path.chain[place]
        findings += _level(path.chain, place, working, demand=demand, question=question)
        working, unusable = path_rules.keys_of(certificate)
        findings += unusable
    return Verdict(_status(findings, demand, policy), tuple(findings), path.chain)


def _demand(anchor: TrustAnchor, question: _Question) -> Demand:
    pinned, since = anchor.form == "catalyst", anchor.alt_required_from
    pq_only = question.policy.mode == "pq_only"
    required = pq_only or (pinned and (since is None or question.now >= since))
    return Demand(classical=not pq_only, alternative=required, post_quantum_anchor=pinned)


def _level(
    chain: tuple[Certificate, ...], place: int, keys: HybridPublicKey, *, demand: Demand, question: _Question
) -> list[Finding]:
    certificate, issuer = chain[place], chain[place + 1]
    below = sum(c.subject != c.issuer for c in chain[1 : place + 1])
    status = path_revocation.Asked(certificate, issuer, keys, demand, question.now)
    rules: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: path_rules.link_findings(certificate, issuer),
        lambda: path_rules.signature_findings(certificate, keys, demand),
        lambda: path_rules.validity_findings(certificate, question.now),
        lambda: path_rules.extension_findings(certificate),
        lambda: path_rules.ca_findings(issuer, below),
        lambda: path_rules.purpose_findings(certificate, question.policy.purpose),
        lambda: path_revocation.findings(status, question.evidence, question.policy.revocation),
    )
    return [finding for rule in rules for finding in _run(rule, certificate)]


def _run(rule: Callable[[], Iterable[Finding]], certificate: Certificate) -> list[Finding]:
    try:
        return list(rule())
    except MalformedInput as bad:
        who = path_rules.name_of(certificate)
        return [error("path.extension_malformed", f"An extension does not read: {bad}", who)]
    except Exception as crash:  # noqa: BLE001 - a rule that crashes is a fatal finding, never a pass
        problem = f"A rule of the verifier crashed ({type(crash).__name__}); the certificate is not believed."
        return [Finding("path.rule_crashed", Severity.FATAL, problem, path_rules.name_of(certificate))]


def _status(findings: list[Finding], demand: Demand, policy: VerifyPolicy) -> Status:
    if any(f.refuses for f in findings):
        return Status.INVALID
    if policy.mode == "pq_only":
        return Status.PQ_ONLY_VALID
    # A level without its alternative signature left a hybrid.* warning: then the whole path is classical.
    if demand.post_quantum_anchor and not any(f.rule.startswith("hybrid.") for f in findings):
        return Status.HYBRID_VALID
    return Status.CLASSICAL_VALID
