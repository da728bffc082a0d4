"""Why a tier is what it is, in findings, and what would raise it, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from registry.model.appraisal import Judgement, Tier, TrustState
from registry.model.finding import Finding, Severity
from registry.trust.hysteresis import may_rise_from
from registry.trust.policy import Policy

REMEDIES: Final[dict[str, str]] = {
    "certificate.not_revoked": "Enrol the device again with new keys.",
    "certificate.not_held": "A person releases the hold.",
    "certificate.in_force": "The device enrols and confirms its certificate.",
    "certificate.not_expired": "Renew the certificate.",
    "identity.without_conflict": "A person resolves the conflict about who this is.",
    "evidence.counters_rise": "A person finds the second holder of this identity, then releases the device.",
    "firmware.unaltered": "Install the listed image, then send fresh telemetry.",
    "firmware.in_reference_values": "List this release for the product, or install a listed one.",
    "boot.secure": "Turn secure boot on and restart.",
    "debug.port_closed": "Close the debug port.",
    "tamper.none": "A person inspects the device, resets the switch and releases it.",
    "certificate.own": "The device confirms its new certificate, or goes back to the one we know.",
    "network.no_plaintext_service": "Stop the plaintext service.",
}
"""What lifts each criterion; clock.near is missing because it never lowers a tier."""
_TOLD: Final = frozenset({"clock.near"})


def findings(
    vector: Iterable[Judgement], hard: tuple[str, ...], policy: Policy, *, in_maintenance: bool
) -> tuple[Finding, ...]:
    """ERROR: a hard criterion fails. WARNING: behaviour, or one that still waits. NOTICE: not judged."""
    found: list[Finding] = []
    named: set[str] = set()
    for judgement in vector:
        severity = _severity(judgement, policy, in_maintenance=in_maintenance)
        if severity is not None:
            found.append(Finding(judgement.claim, severity, judgement.message, judgement.value))
            named.add(judgement.claim)
    found += [
        Finding(rule, Severity.WARNING, "It failed before and waits for good evidence or a release.", rule)
        for rule in hard
        if rule not in named
    ]
    return tuple(found)


def silence(weight: float, state: TrustState, policy: Policy) -> tuple[Finding, ...]:
    """A warning where the latest evidence has sunk below the floor, or there never was any."""
    if weight >= policy.freshness_floor:
        return ()
    last = "never" if state.last_evidence_at is None else state.last_evidence_at.isoformat()
    return (Finding("evidence.fresh", Severity.WARNING, "Nothing fresh was heard from it.", last),)


def would_raise(
    state: TrustState, vector: Iterable[Judgement], policy: Policy, now: datetime, *, is_silent: bool
) -> tuple[str, ...]:
    """What lifts the tier: remedies first, then freshness, clean samples and time. Empty when TRUSTED."""
    if state.tier is Tier.TRUSTED:
        return ()
    lacking = [
        judgement.claim
        for judgement in vector
        if judgement.passed is False or (judgement.passed is None and judgement.claim in policy.required)
    ]
    steps = [REMEDIES[claim] for claim in dict.fromkeys((*lacking, *state.hard_rules)) if claim in REMEDIES]
    if is_silent:
        steps.append("Send fresh telemetry.")
    needed = policy.m_first if state.clean_needed is None else state.clean_needed
    if (left := needed - state.clean_streak) > 0:
        steps.append(f"{left} more clean samples in a row.")
    if (until := may_rise_from(state, policy, now)) > now:
        steps.append(f"Not before {until.isoformat(timespec='seconds')}, the end of the minimum dwell.")
    return tuple(steps)


def _severity(judgement: Judgement, policy: Policy, *, in_maintenance: bool) -> Severity | None:
    if judgement.passed is None:
        return Severity.NOTICE if judgement.claim in policy.required | _TOLD else None
    if judgement.passed:
        return None
    if judgement.claim in policy.caps:
        return Severity.ERROR
    return Severity.NOTICE if in_maintenance else Severity.WARNING
