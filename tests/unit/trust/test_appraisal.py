"""Each criterion, how a tier moves, and that the same evidence gives the same judgement."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from registry.model.appraisal import Appraisal, Tier, TrustState
from registry.model.appraisal_json import state_from_dict, state_to_dict
from registry.model.finding import Severity
from registry.trust.appraisal import appraise
from registry.trust.claim_rules import CLAIM_RULES
from registry.trust.evidence import Evidence
from registry.trust.hysteresis import release
from registry.trust.policy import DEFAULT_POLICY as POLICY
from registry.trust.policy import ReferenceValues
from registry.trust.reasons import REMEDIES
from registry.trust.registry_rules import REGISTRY_RULES
from tests.unit.trust.telemetry_samples import ALTERED, GOOD, NOW, evidence, sweep

SECOND = timedelta(seconds=1)
TRUSTED = TrustState(tier=Tier.TRUSTED, since=NOW - timedelta(days=1), last_boot=3, last_seq=0)


def judged(said: Evidence, state: TrustState = TRUSTED) -> tuple[Appraisal, TrustState]:
    return appraise(said, state, POLICY, said.received_at)


def after_clean(
    state: TrustState, count: int, *, seq: int, at: datetime, step: timedelta = SECOND
) -> TrustState:
    """The memory after `count` clean samples from `seq` on."""
    for i in range(count):
        _, state = judged(evidence(seq + i, at + i * step), state)
    return state


HARD = [
    ("certificate.not_revoked", Tier.QUARANTINED, evidence(1, status="revoked")),
    ("certificate.not_held", Tier.RESTRICTED, evidence(1, status="held")),
    ("certificate.in_force", Tier.UNKNOWN, evidence(1, status="pending")),
    ("certificate.in_force", Tier.UNKNOWN, evidence(1, status="none", not_after=None)),
    ("certificate.not_expired", Tier.RESTRICTED, evidence(1, status="expired")),
    ("certificate.not_expired", Tier.RESTRICTED, evidence(1, not_after=NOW - SECOND)),
    ("identity.without_conflict", Tier.RESTRICTED, evidence(1, conflict=True)),
    ("evidence.counters_rise", Tier.QUARANTINED, evidence(9, boot=2)),
    ("evidence.counters_rise", Tier.QUARANTINED, evidence(0)),
    (
        "firmware.unaltered",
        Tier.QUARANTINED,
        evidence(1, fw={"name": "pump-fw", "ver": "4.2", "sha256": ALTERED}),
    ),
    (
        "firmware.in_reference_values",
        Tier.QUARANTINED,
        evidence(1, fw={"name": "pump-fw", "ver": "4.3", "sha256": GOOD}),
    ),
    ("boot.secure", Tier.RESTRICTED, evidence(1, secure_boot=False)),
    ("debug.port_closed", Tier.RESTRICTED, evidence(1, dbg=True)),
    ("tamper.none", Tier.QUARANTINED, evidence(1, tamper=True)),
]


@pytest.mark.parametrize(("rule", "tier", "said"), HARD)
def test_a_hard_criterion_caps_at_once_and_says_why(rule: str, tier: Tier, said: Evidence) -> None:
    appraisal, after = judged(said)
    assert appraisal.tier is after.tier is tier
    assert (rule, Severity.ERROR) in {(f.rule, f.severity) for f in appraisal.findings}
    assert REMEDIES[rule] in appraisal.would_raise
    assert [j.passed for j in appraisal.vector if j.claim == rule] == [False]


def test_every_rule_stands_in_this_table_or_is_behaviour() -> None:
    assert {rule for rule, _, _ in HARD} == set(POLICY.caps)
    behaviour = set(REGISTRY_RULES) | set(CLAIM_RULES)
    assert behaviour - set(POLICY.caps) == {"certificate.own", "network.no_plaintext_service", "clock.near"}


def test_clean_evidence_keeps_a_trusted_device_trusted() -> None:
    appraisal, _ = judged(evidence(1))
    assert appraisal.tier is Tier.TRUSTED
    assert appraisal.findings == ()
    assert appraisal.would_raise == ()


@pytest.mark.parametrize("reference", [None, ReferenceValues(frozenset())])
def test_no_reference_values_is_unknown_and_not_a_pass(reference: ReferenceValues | None) -> None:
    appraisal, _ = judged(evidence(1, reference=reference))
    assert appraisal.tier is Tier.UNKNOWN
    assert ("firmware.in_reference_values", Severity.NOTICE) in {
        (f.rule, f.severity) for f in appraisal.findings
    }


def test_a_device_that_hides_its_firmware_is_not_trusted() -> None:
    assert judged(evidence(1, fw=None))[0].tier is Tier.UNKNOWN


def test_hiding_a_failed_claim_does_not_clear_it() -> None:
    _, state = judged(evidence(1, NOW, dbg=True))
    _, state = judged(evidence(2, NOW + SECOND, dbg=None), state)
    assert state.hard_rules == ("debug.port_closed",)
    _, state = judged(evidence(3, NOW + 2 * SECOND), state)
    assert state.hard_rules == ()
    assert state.tier is Tier.RESTRICTED


def test_a_redelivered_message_is_neither_clone_nor_sample() -> None:
    said = evidence(1)
    _, once = judged(said)
    _, later = judged(evidence(2, NOW + SECOND), once)
    appraisal, twice = appraise(said, later, POLICY, NOW + 2 * SECOND)
    assert appraisal.tier is Tier.TRUSTED
    assert twice == dataclasses.replace(later, standing=twice.standing)


def test_the_same_counters_with_another_content_are_a_clone() -> None:
    _, once = judged(evidence(1))
    appraisal, _ = judged(evidence(1, NOW + SECOND), once)
    assert appraisal.tier is Tier.QUARANTINED


@pytest.mark.parametrize("change", [{"tamper": True}, {"boot": 1}])
def test_some_criteria_wait_for_a_person(change: dict[str, object]) -> None:
    _, state = judged(evidence(1, NOW, also=change))
    at = NOW + POLICY.min_dwell
    state = after_clean(state, 3 * POLICY.m_up, seq=2, at=at)
    assert state.tier is Tier.QUARANTINED
    state = after_clean(release(state), POLICY.m_up, seq=100, at=at + timedelta(minutes=2))
    assert state.tier is Tier.RESTRICTED


def test_a_release_lets_the_true_device_count_from_where_it_is() -> None:
    _, state = judged(evidence(500, NOW))
    _, state = judged(evidence(2, NOW + SECOND), state)
    assert state.hard_rules == ("evidence.counters_rise",)
    _, state = judged(evidence(3, NOW + 2 * SECOND), release(state, ["evidence.counters_rise"]))
    assert (state.hard_rules, state.last_seq) == ((), 3)


def test_up_is_one_step_after_m_samples_and_the_dwell() -> None:
    _, state = judged(evidence(1, NOW, fw={"name": "pump-fw", "ver": "4.2", "sha256": ALTERED}))
    early = after_clean(state, POLICY.m_up + 5, seq=2, at=NOW + SECOND)
    assert early.tier is Tier.QUARANTINED
    after_dwell = NOW + POLICY.min_dwell
    almost = after_clean(state, POLICY.m_up - 1, seq=2, at=after_dwell)
    assert almost.tier is Tier.QUARANTINED
    one_up = after_clean(state, POLICY.m_up, seq=2, at=after_dwell)
    assert one_up.tier is Tier.RESTRICTED
    two_up = after_clean(one_up, POLICY.m_up, seq=50, at=after_dwell + 2 * POLICY.min_dwell)
    assert two_up.tier is Tier.TRUSTED
    assert two_up.clean_needed is None


def test_behaviour_lowers_after_n_in_a_row_and_not_before() -> None:
    state = TRUSTED
    tiers = []
    for i in range(POLICY.n_down):
        _, state = judged(evidence(i + 1, NOW + i * SECOND, listen_tcp=[23]), state)
        tiers.append(state.tier)
    assert tiers == [Tier.TRUSTED] * (POLICY.n_down - 1) + [Tier.RESTRICTED]


def test_behaviour_in_a_declared_window_is_told_and_not_counted() -> None:
    state = TRUSTED
    for i in range(3 * POLICY.n_down):
        said = evidence(i + 1, NOW + i * SECOND, in_maintenance=True, listen_tcp=[23])
        appraisal, state = judged(said, state)
    assert (state.tier, state.bad_streak) == (Tier.TRUSTED, 0)
    assert [f.severity for f in appraisal.findings] == [Severity.NOTICE]
    assert judged(evidence(99, NOW, in_maintenance=True, tamper=True), TRUSTED)[0].tier is Tier.QUARANTINED


def test_a_clock_far_off_is_told_and_not_held_against_it() -> None:
    appraisal, _ = judged(evidence(1, ts="1999-01-01T00:00:00Z"))
    assert appraisal.tier is Tier.TRUSTED
    assert [(f.rule, f.severity) for f in appraisal.findings] == [("clock.near", Severity.NOTICE)]


def test_a_rule_that_crashes_is_fatal_and_never_a_pass() -> None:
    # A naive not_after cannot be compared with an aware now: a fault of ours, not the device's.
    appraisal, _ = judged(evidence(1, not_after=NOW.replace(tzinfo=None)))
    assert [(f.rule, f.severity) for f in appraisal.findings] == [("certificate.not_expired", Severity.FATAL)]
    assert appraisal.tier is Tier.UNKNOWN


def test_a_first_device_is_trusted_after_a_few_clean_samples() -> None:
    state = after_clean(TrustState(), POLICY.m_first - 1, seq=1, at=NOW)
    assert state.tier is Tier.UNKNOWN
    assert after_clean(state, 1, seq=9, at=NOW + 9 * SECOND).tier is Tier.TRUSTED


def test_the_same_evidence_gives_the_same_bits_also_from_a_stored_memory() -> None:
    said = evidence(1, dbg=True)
    first = judged(said)
    assert first == judged(said)
    assert first == judged(said, state_from_dict(state_to_dict(TRUSTED)))


def test_a_criterion_of_an_older_policy_still_waits() -> None:
    remembered = dataclasses.replace(TRUSTED, hard_rules=("vendor.recalled",))
    assert judged(evidence(1), remembered)[0].tier is Tier.UNKNOWN
    assert judged(evidence(1), release(remembered, ["vendor.recalled"]))[0].tier is Tier.TRUSTED


def test_another_certificate_is_behaviour() -> None:
    appraisal, state = judged(evidence(1, cert_fp=ALTERED))
    assert (appraisal.tier, state.bad_streak) == (Tier.TRUSTED, 1)
    assert [(f.rule, f.severity) for f in appraisal.findings] == [("certificate.own", Severity.WARNING)]


def test_a_clone_cannot_wind_the_counters_back() -> None:
    _, state = judged(evidence(50))
    for seq in (2, 3):
        _, state = judged(evidence(seq, NOW + seq * SECOND), state)
    assert (state.last_boot, state.last_seq) == (3, 50)


def test_silence_breaks_a_row_of_clean_samples() -> None:
    state = after_clean(TrustState(), POLICY.m_first - 1, seq=1, at=NOW)
    later = NOW + timedelta(hours=2)
    _, state = appraise(sweep(later), state, POLICY, later)
    assert state.clean_streak == 0


def test_a_registry_rule_that_a_policy_does_not_cap_counts_as_behaviour() -> None:
    caps = {rule: tier for rule, tier in POLICY.caps.items() if rule != "identity.without_conflict"}
    lenient = dataclasses.replace(POLICY, version="lenient", caps=caps)
    appraisal, state = appraise(evidence(1, conflict=True), TRUSTED, lenient, NOW)
    assert (appraisal.tier, state.bad_streak) == (Tier.TRUSTED, 1)
