"""Time in a judgement: freshness fades, silence is unknown, and no clock keeps anything fresh."""

from __future__ import annotations

from datetime import timedelta

from registry.model.appraisal import Tier, TrustState
from registry.trust.appraisal import appraise
from registry.trust.policy import DEFAULT_POLICY as POLICY
from tests.unit.trust.telemetry_samples import NOW, evidence, sweep

TRUSTED = TrustState(tier=Tier.TRUSTED, since=NOW - timedelta(days=1), last_boot=3, last_seq=0)


def test_silence_is_unknown_and_its_weight_fades() -> None:
    _, state = appraise(evidence(1), TRUSTED, POLICY, NOW)
    weights = []
    for minutes in range(0, 60, 5):
        appraisal, state = appraise(
            sweep(NOW + timedelta(minutes=minutes)), state, POLICY, NOW + timedelta(minutes=minutes)
        )
        weights += [j.weight for j in appraisal.vector if j.claim == "firmware.unaltered"]
    assert weights[0] == 1.0
    assert weights == sorted(weights, reverse=True)
    assert state.tier is Tier.UNKNOWN
    assert "evidence.fresh" in {f.rule for f in appraisal.findings}


def test_a_judgement_is_not_believed_past_its_time() -> None:
    appraisal, _ = appraise(evidence(1), TRUSTED, POLICY, NOW)
    assert NOW < appraisal.valid_until <= NOW + POLICY.judgement_deadline
    assert appraisal.tier_at(appraisal.valid_until) is Tier.UNKNOWN
    soon = NOW + timedelta(minutes=1)
    assert appraise(evidence(1, not_after=soon), TRUSTED, POLICY, NOW)[0].valid_until == soon


def test_evidence_that_waited_in_a_queue_is_as_old_as_it_is() -> None:
    appraisal, state = appraise(evidence(1), TRUSTED, POLICY, NOW + timedelta(hours=1))
    assert appraisal.tier is Tier.UNKNOWN
    assert state.clean_streak == 0


def test_a_device_never_heard_is_unknown_at_every_sweep() -> None:
    appraisal, state = appraise(sweep(NOW), TrustState(), POLICY, NOW)
    assert appraisal.tier is state.tier is Tier.UNKNOWN
    assert "Send fresh telemetry." in appraisal.would_raise


def test_evidence_that_overtook_an_older_one_stays_the_latest() -> None:
    _, state = appraise(evidence(1, NOW), TRUSTED, POLICY, NOW)
    _, state = appraise(evidence(2, NOW - timedelta(minutes=9)), state, POLICY, NOW)
    assert state.last_evidence_at == NOW


def test_a_clock_set_back_keeps_nothing_fresh() -> None:
    _, state = appraise(evidence(1, NOW + timedelta(hours=1)), TRUSTED, POLICY, NOW)
    later = NOW + timedelta(minutes=40)
    assert appraise(sweep(later), state, POLICY, later)[0].tier is Tier.UNKNOWN
