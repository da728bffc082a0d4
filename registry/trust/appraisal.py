"""Evidence and memory to an appraisal and the next memory: the same input gives the same bits.

A bad device is a low tier, never an exception. Hard criteria cap at once, behaviour lowers after n bad
samples in a row, silence is UNKNOWN, and the way up is hysteresis.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from registry.model.appraisal import Appraisal, Judgement, TrustState
from registry.model.finding import Finding, Severity
from registry.trust import hysteresis, reasons
from registry.trust.cases import ClaimCase, RegistryCase, Verdict
from registry.trust.claim_rules import CLAIM_RULES
from registry.trust.claims import Claims
from registry.trust.evidence import Evidence
from registry.trust.hysteresis import Sample
from registry.trust.policy import Policy
from registry.trust.registry_rules import REGISTRY_RULES

_REMEMBERED = 32
"""Evidence ids kept: more than a client has in flight, so that a redelivery is always known."""
_SHORT = 16
"""Hex digits kept of each."""


def appraise(
    evidence: Evidence, state: TrustState, policy: Policy, now: datetime
) -> tuple[Appraisal, TrustState]:
    """Judge one device at `now` (aware). Never raises for what a device sends or is."""
    claims = evidence.claims
    if claims is not None and evidence.evidence_id[:_SHORT] in state.recent:
        claims = None
    broken: list[Finding] = []
    known = _judge_registry(RegistryCase(evidence, now), broken)
    heard_at = state.last_evidence_at if claims is None else _heard_at(evidence, state, now)
    weight = 0.0 if heard_at is None else policy.freshness("telemetry", heard_at, now)
    if claims is None:
        said = tuple(replace(judgement, weight=weight) for judgement in state.standing)
        seen = state
    else:
        said = _judge_claims(ClaimCase(claims.telemetry, evidence, state, policy), weight, broken)
        hard = hysteresis.outstanding(state.hard_rules, said, policy)
        seen = _remember(evidence, claims, state, said=said, hard=hard, heard_at=heard_at)
    vector = known + said
    is_silent = weight < policy.freshness_floor
    failed = (*(j.claim for j in known if j.passed is False and j.claim in policy.caps), *seen.hard_rules)
    passed = {judgement.claim for judgement in vector if judgement.passed}
    is_lacking = is_silent or bool(broken) or not policy.required <= passed
    best = hysteresis.cap(failed, is_lacking, policy)
    is_blocked = is_lacking or bool(failed)
    sample = Sample.SWEEP if claims is None else _sample(evidence, vector, is_blocked, policy)
    after = hysteresis.move(seen, sample, policy, now, best=best, is_silent=is_silent)
    told = reasons.findings(vector, after.hard_rules, policy, in_maintenance=evidence.in_maintenance)
    appraisal = Appraisal(
        tier=after.tier,
        vector=vector,
        findings=(*broken, *told, *reasons.silence(weight, after, policy)),
        evidence_ids=tuple({judgement.evidence_id: None for judgement in said}),
        policy_version=policy.version,
        appraised_at=now,
        valid_until=_valid_until(evidence, after, policy, now),
        would_raise=reasons.would_raise(after, vector, policy, now, is_silent=is_silent),
    )
    return appraisal, after


def _judge_registry(case: RegistryCase, broken: list[Finding]) -> tuple[Judgement, ...]:
    return tuple(
        _judge(name, partial(rule, case), 1.0, evidence_id="registry", broken=broken)
        for name, rule in REGISTRY_RULES.items()
    )


def _judge_claims(case: ClaimCase, weight: float, broken: list[Finding]) -> tuple[Judgement, ...]:
    return tuple(
        _judge(name, partial(rule, case), weight, evidence_id=case.evidence.evidence_id, broken=broken)
        for name, rule in CLAIM_RULES.items()
    )


def _judge(
    claim: str, rule: Callable[[], Verdict], weight: float, *, evidence_id: str, broken: list[Finding]
) -> Judgement:
    try:
        verdict = rule()
    except Exception as crash:  # noqa: BLE001 - rule 4 of the house: a crash is a fatal finding, never a pass
        # Only the kind: an exception's words may hold what the device sent.
        broken.append(Finding(claim, Severity.FATAL, "The rule itself crashed.", type(crash).__name__))
        verdict = Verdict(None, "not judged", "a rule that runs", "The rule itself crashed.")
    return Judgement(
        claim, verdict.passed, weight, verdict.value, verdict.expected, verdict.message, evidence_id
    )


def _heard_at(evidence: Evidence, state: TrustState, now: datetime) -> datetime:
    """The latest arrival; never later than now, so that a clock set back keeps nothing fresh for ever."""
    arrived = min(evidence.received_at, now)
    return arrived if state.last_evidence_at is None else max(arrived, state.last_evidence_at)


def _remember(
    evidence: Evidence,
    claims: Claims,
    state: TrustState,
    *,
    said: tuple[Judgement, ...],
    hard: tuple[str, ...],
    heard_at: datetime | None,
) -> TrustState:
    """The memory with this evidence in it; counters keep the highest, so a clone cannot wind them back."""
    now_at = (claims.telemetry.boot, claims.telemetry.seq)
    last = (
        (-1, -1) if state.last_boot is None or state.last_seq is None else (state.last_boot, state.last_seq)
    )
    boot, seq = max(now_at, last)
    return replace(
        state,
        hard_rules=hard,
        last_boot=boot,
        last_seq=seq,
        last_evidence_at=heard_at,
        recent=(*state.recent, evidence.evidence_id[:_SHORT])[-_REMEMBERED:],
        standing=said,
    )


def _sample(evidence: Evidence, vector: tuple[Judgement, ...], is_blocked: bool, policy: Policy) -> Sample:
    behaves = all(judgement.passed is not False for judgement in vector if judgement.claim not in policy.caps)
    if not behaves and not evidence.in_maintenance:
        return Sample.BAD
    return Sample.CLEAN if behaves and not is_blocked else Sample.NEITHER


def _valid_until(evidence: Evidence, state: TrustState, policy: Policy, now: datetime) -> datetime:
    """The first moment at which this judgement can no longer be believed."""
    ends = [now + policy.judgement_deadline]
    if state.last_evidence_at is not None:
        ends.append(state.last_evidence_at + policy.silent_after("telemetry"))
    expiry = evidence.certificate_not_after
    if expiry is not None and expiry.tzinfo is not None:
        ends.append(expiry)
    return min((end for end in ends if end > now), default=now)
