"""What a relying party asks of a path, and what it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from pki.findings import Finding
from pki.path_revocation import CertificateStatus, Revocation, StatusEvidence
from pki.path_signature import Strength, Vouched
from pki.path_work import Work
from pki.policy_tree import ASK_NOTHING, PolicyInputs
from pki.tbs import Certificate


class Status(StrEnum):
    """What a verdict says."""

    HYBRID_VALID = "hybrid-valid"
    CLASSICAL_VALID = "classical-valid"
    PQ_ONLY_VALID = "pq-only-valid"
    INVALID = "invalid"


STATUS_OF: Final = {
    Strength.NONE: Status.INVALID,
    Strength.CLASSICAL: Status.CLASSICAL_VALID,
    Strength.POST_QUANTUM: Status.PQ_ONLY_VALID,
    Strength.HYBRID: Status.HYBRID_VALID,
}


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """What the relying party asks for; the default fails closed."""

    revocation: Revocation = "require"
    """`if_available`: an unknown status is a warning; `off`: nobody asks."""
    mode: Literal["hybrid", "pq_only"] = "hybrid"
    """`pq_only`: the day after; classical signatures are not looked at."""
    purpose: str | None = None
    """An extended key usage, dotted."""
    host: str = ""
    """The DNS name or IP address that the certificate must be for; empty: who it is, the caller judges."""
    policies: PolicyInputs = ASK_NOTHING
    """Certificate policies: which are acceptable, and whether one is a must."""
    path_length: int | None = None
    """How many CAs at most may stand between the anchor and the end, self-issued ones not counted."""
    clock_skew: timedelta = timedelta(minutes=5)
    """How far the clocks of publishers of lists and responses may be ahead of ours."""


FAIL_CLOSED: Final = VerifyPolicy()


@dataclass(frozen=True, slots=True)
class Level:
    """One certificate of the path, with what was found about it."""

    certificate: Certificate
    vouched: Vouched
    status: CertificateStatus = CertificateStatus.NOT_ASKED


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status, everything that was found, and the path judged: end entity first, anchor last."""

    status: Status
    findings: tuple[Finding, ...]
    chain: tuple[Certificate, ...] = ()
    levels: tuple[Level, ...] = ()
    """As `chain`; shorter where a level could not be judged. The anchor's is its pin."""
    policies: frozenset[str] = frozenset()
    """The acceptable policies that hold for the path (6.1.6), dotted."""
    signatures: int = 0
    """How many signatures were verified on the way; cached ones are not counted."""
    related: Verdict | None = None
    """The verdict over the other half of a pair, where one was given."""

    @property
    def is_valid(self) -> bool:
        """Any of the three valid ones."""
        return self.status is not Status.INVALID

    def with_findings(self, more: Iterable[Finding], *, signatures: int) -> Verdict:
        """The same with further findings, which may refuse it."""
        findings = (*self.findings, *more)
        if findings == self.findings and signatures == self.signatures:
            return self
        status = Status.INVALID if any(f.refuses for f in findings) else self.status
        return replace(self, status=status, findings=findings, signatures=signatures)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every path of one call."""

    now: datetime
    policy: VerifyPolicy
    evidence: StatusEvidence
    work: Work
    withdrawn: tuple[str, ...] = ()
    """Keys that the bundle withdrew."""
