"""Who issued a certificate or a list, and does what the caller trusts lead to it: by paths, never by names.

Not asked here: whether the issuing CA itself was revoked (`medtrust verify` does, with the lists above it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pki import path_rules
from pki.bundle import TrustAnchor, TrustBundle
from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from pki.findings import Finding, error
from pki.name_comparison import same
from pki.path import Verdict, VerifyPolicy, verify
from pki.tbs import Certificate

_OF_TIME: Final = frozenset({"path.certificate_expired", "path.certificate_not_yet_valid"})
"""What does not keep anybody from asking for a status."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the caller believes, and certificates that may help to build a path."""

    bundle: TrustBundle
    given: tuple[Certificate, ...] = ()
    post_quantum: bool = False
    """The day after: classical signatures do not count."""

    @classmethod
    def pinned(cls, issuer: Certificate, now: datetime, *, post_quantum: bool = False) -> Trust:
        """One CA that the caller names, whoever certified it."""
        bundle = TrustBundle(1, now, (TrustAnchor.of(issuer),))
        return cls(bundle, (issuer,), post_quantum=post_quantum)

    def judged(self, certificate: Certificate, now: datetime) -> Verdict:
        """The path of a certificate, without its status."""
        policy = VerifyPolicy(revocation="off", mode="pq_only" if self.post_quantum else "hybrid")
        return verify(certificate, bundle=self.bundle, now=now, intermediates=self.given, policy=policy)

    def known(self) -> Iterable[Certificate]:
        """Every certificate at hand."""
        anchors = (anchor.certificate for anchor in self.bundle.anchors)
        return (*self.given, *map(Certificate.parse, (*anchors, *self.bundle.intermediates)))


@dataclass(frozen=True, slots=True)
class IssuerFound:
    """The issuer's certificate, its keys established by a path; None: the findings say why not."""

    certificate: Certificate | None
    findings: tuple[Finding, ...] = ()


def issuer_of_certificate(certificate: Certificate, trust: Trust, now: datetime) -> IssuerFound:
    """The CA that signed it. A certificate that is over may still be asked about; its CA may not be over."""
    verdict = trust.judged(certificate, now)
    refusing = tuple(finding for finding in verdict.findings if finding.refuses)
    who = path_rules.name_of(certificate)
    only_time = all(finding.rule in _OF_TIME and finding.subject == who for finding in refusing)
    if len(verdict.chain) > 1 and only_time:
        return IssuerFound(verdict.chain[1])
    if not refusing:
        problem = "The certificate is itself an anchor: nobody above it says its status."
        refusing = (error("ocsp.nobody_to_ask", problem, who),)
    return IssuerFound(None, refusing)


def issuer_of_list(crl: CertificateList, trust: Trust, now: datetime) -> IssuerFound:
    """The CA whose name and key identifier the list bears; its signatures are not looked at here."""
    refusing: tuple[Finding, ...] = ()
    for candidate in trust.known():
        if not _bears(crl, candidate):
            continue
        verdict = trust.judged(candidate, now)
        if verdict.is_valid:
            return IssuerFound(candidate)
        refusing = tuple(finding for finding in verdict.findings if finding.refuses)
    if not refusing:
        problem = "No certificate at hand is of the list's issuer and key."
        refusing = (error("crl.issuer_not_found", problem, f"list {crl.crl_number}"),)
    return IssuerFound(None, refusing)


def _bears(crl: CertificateList, candidate: Certificate) -> bool:
    try:
        identifier = path_rules.subject_key(candidate)
        return same(crl.issuer, candidate.subject) and identifier == crl.authority_key_identifier
    except MalformedInput:
        return False
