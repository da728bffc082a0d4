"""What we judged a device to be, claim by claim, and what the next judgement must remember.

Never one magic number: a tier with its vector, reasons and evidence. The judging is registry.trust.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from registry.model.finding import Finding


class Tier(StrEnum):
    """How far we trust a device. UNKNOWN: silence, no reference values, or a fault of our own."""

    TRUSTED = "trusted"
    RESTRICTED = "restricted"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Higher is better; UNKNOWN ranks above RESTRICTED so that silence never hides a bad judgement."""
        return _RANK[self]

    def capped(self, cap: Tier) -> Tier:
        """The worse of the two."""
        return self if self.rank <= cap.rank else cap


_RANK: Final = {Tier.QUARANTINED: 0, Tier.RESTRICTED: 1, Tier.UNKNOWN: 2, Tier.TRUSTED: 3}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One claim held against what was expected. passed None: could not be judged, which is not a pass."""

    claim: str
    """The rule, `domain.rule_in_words`."""
    passed: bool | None
    weight: float
    """0..1: how much it still counts, exp(-dt/tau) of its evidence."""
    value: str
    expected: str
    message: str
    evidence_id: str


@dataclass(frozen=True, slots=True)
class Appraisal:
    """One judgement of one device under one policy version; the same evidence gives the same bits."""

    tier: Tier
    vector: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    evidence_ids: tuple[str, ...]
    policy_version: str
    appraised_at: datetime
    valid_until: datetime
    """Past this nothing better than UNKNOWN may be read from it: see `tier_at`."""
    would_raise: tuple[str, ...]
    """What would lift the tier, most needed first."""

    def tier_at(self, now: datetime) -> Tier:
        """The tier as a reader must take it at `now`: a stalled evaluator itself lowers trust."""
        return self.tier if now < self.valid_until else self.tier.capped(Tier.UNKNOWN)


@dataclass(frozen=True, slots=True)
class TrustState:
    """The memory between two appraisals of one device."""

    tier: Tier = Tier.UNKNOWN
    since: datetime | None = None
    """When this tier began: the minimum dwell counts from here."""
    bad_streak: int = 0
    clean_streak: int = 0
    clean_needed: int | None = None
    """Clean samples before the next rise; None is the policy's figure for one that never failed."""
    hard_rules: tuple[str, ...] = ()
    """Hard criteria that fired and wait for fresh good evidence or a person's release."""
    last_boot: int | None = None
    last_seq: int | None = None
    last_evidence_at: datetime | None = None
    recent: tuple[str, ...] = ()
    """Ids of the latest evidence, newest last: a redelivery is neither a clone nor a fresh sample."""
    standing: tuple[Judgement, ...] = ()
    """What the latest evidence was judged to say; weighed anew as it ages."""
