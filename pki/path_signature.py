"""Who vouches for one certificate of a path: its signatures, and how strong they are together.

What a level must show follows from the issuer's established keys and from the pinned anchor, never from the
certificate: a key that resists quantum computers (pure, composite) stands alone; a classical key needs its
alternative beside it (ITU-T X.509 9.8) wherever the anchor promises that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from pki.algorithms import PublicKey
from pki.findings import Finding, Severity, error
from pki.hybrid_signature import not_post_quantum, value_findings
from pki.keys import HybridPublicKey
from pki.path_work import Work
from pki.tbs import AlternativeSignature, Certificate, read_alternative
from pki.trust_anchor import TrustAnchor


class Strength(IntEnum):
    """What must be broken to forge a level; a path is as strong as its weakest."""

    NONE = 0
    CLASSICAL = 1
    POST_QUANTUM = 2
    HYBRID = 3


@dataclass(frozen=True, slots=True)
class Demand:
    """What the anchor and the caller ask of every level."""

    classical: bool
    """Whether classical signatures count (not on the day after)."""
    alternative: bool
    """Whether every level must resist quantum computers."""
    post_quantum_anchor: bool
    """Whether the anchor pins a key that does."""

    def counts_classical(self, issuer: HybridPublicKey) -> bool:
        """Whether the issuer's main key vouches: pure and composite ones always do."""
        return self.classical or issuer.classical.algorithm.resists_quantum


@dataclass(frozen=True, slots=True)
class Vouched:
    """The judgement of one level's signatures."""

    main: bool | None
    """None: not looked at."""
    alternative: bool | None
    strength: Strength
    findings: tuple[Finding, ...] = ()


NOT_JUDGED: Final = Vouched(None, None, Strength.NONE)
_KEPT: Final = 256


@lru_cache(maxsize=_KEPT)
def _held(issuer: bytes, der: bytes, place: str) -> list[bool]:
    """A place for one answer: filled by `_verified`; the key is every octet that the answer rests on."""
    del issuer, der, place
    return []


def _verified(
    key: PublicKey,
    certificate: Certificate,
    work: Work,
    *,
    keep: bool,
    place: str,
    found: AlternativeSignature | None = None,
) -> bool:
    """Whether the key made the certificate's main or alternative signature; answers for CAs are kept."""
    known = (key.spki, certificate.der, place)
    answer = _held(*known) if keep else work.known.setdefault(known, [])
    if not answer:
        signed = certificate.signed
        if place == "main":
            good = work.verify(key, signed.algorithm, signed.signature, signed.tbs)
        else:
            found = found or read_alternative(certificate.extensions)[0]
            good = found is not None and work.verify(key, found.algorithm, found.value, certificate.pre_tbs)
        answer.append(good)
    return answer[0]


def link_holds(
    certificate: Certificate, issuer: HybridPublicKey, demand: Demand, work: Work, *, keep: bool
) -> bool:
    """Whether one signature that counts is by the issuer: enough to look further up, not to believe."""
    if demand.counts_classical(issuer):
        return _verified(issuer.classical, certificate, work, keep=keep, place="main")
    key = issuer.alternative
    return key is not None and _verified(key, certificate, work, keep=keep, place="alternative")


@lru_cache(maxsize=256)
def _held_levels(issuer: HybridPublicKey, der: bytes, demand: Demand) -> list[Vouched]:
    """As `_held`, for the whole judgement of a CA's level."""
    del issuer, der, demand
    return []


def vouched(
    certificate: Certificate, issuer: HybridPublicKey, demand: Demand, work: Work, *, keep: bool
) -> Vouched:
    """Judges one level by its issuer's keys; hybrid.* findings warn only where the anchor lets them.

    Whose name the findings bear, the caller says. `keep`: a CA's, which is asked about again.
    """
    if not keep:
        return _vouched(certificate, issuer, demand, work, keep=False)
    answer = _held_levels(issuer, certificate.der, demand)
    if not answer:
        answer.append(_vouched(certificate, issuer, demand, work, keep=True))
    return answer[0]


def _vouched(
    certificate: Certificate, issuer: HybridPublicKey, demand: Demand, work: Work, *, keep: bool
) -> Vouched:
    findings: list[Finding] = []
    main: bool | None = None
    if demand.counts_classical(issuer):
        main = _verified(issuer.classical, certificate, work, keep=keep, place="main")
        if not main:
            problem = "The main signature is not by the issuer's key."
            findings.append(error("path.signature_invalid", problem))
    resists = issuer.classical.algorithm.resists_quantum
    alternative, remarks = _alternative(certificate, issuer, demand, work, keep=keep)
    findings += remarks
    if main is False or any(f.refuses for f in findings):
        return Vouched(main, alternative, Strength.NONE, tuple(findings))
    if issuer.classical.algorithm.is_composite or (main and alternative):
        strength = Strength.HYBRID
    else:
        strength = Strength.POST_QUANTUM if resists or alternative else Strength.CLASSICAL
    return Vouched(main, alternative, strength, tuple(findings))


def _alternative(
    certificate: Certificate, issuer: HybridPublicKey, demand: Demand, work: Work, *, keep: bool
) -> tuple[bool | None, list[Finding]]:
    """(whether it holds; None: there is none to judge, findings)."""
    found, structure = read_alternative(certificate.extensions)
    if structure:
        return None, list(structure)
    if issuer.alternative is None or found is None:
        return None, _absence(issuer, demand)
    if not demand.post_quantum_anchor:
        return None, []
    refused = not_post_quantum(issuer.alternative, "")
    if refused:
        return None, refused
    # The answer of a kept certificate is known; what is wrong with a bad one is said by the whole rule.
    if found.algorithm.value == issuer.alternative.algorithm.value and _verified(
        issuer.alternative, certificate, work, keep=keep, place="alternative", found=found
    ):
        return True, []
    work.sign_checks(1)
    return False, value_findings(found, lambda: certificate.pre_tbs, issuer.alternative, who="")


def _absence(issuer: HybridPublicKey, demand: Demand) -> list[Finding]:
    """A level that only a classical key vouches for, under an anchor that promised more."""
    if issuer.classical.algorithm.resists_quantum or not demand.post_quantum_anchor:
        return []
    severity = Severity.ERROR if demand.alternative else Severity.WARNING
    if issuer.alternative is None:
        problem = "The issuer has no alternative key, so nobody vouches with one for this certificate."
        return [Finding("hybrid.issuer_has_no_alternative_key", severity, problem)]
    problem = "The alternative signature is missing, though the issuer has an alternative key."
    return [Finding("hybrid.alternative_signature_missing", severity, problem)]


def demand_of(anchor: TrustAnchor, *, alternative_required: bool, pq_only: bool) -> Demand:
    """The demand of one anchor, for one caller."""
    return Demand(not pq_only, pq_only or alternative_required, anchor.form != "classical")
