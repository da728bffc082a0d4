"""Rule 7 in the table, and who must agree to what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model.appraisal import Appraisal, Tier, TrustState
from registry.model.criticality import Criticality
from registry.model.finding import Finding, Severity
from registry.trust.actions import ACTION_TABLE, ActionKind, plan, within_fleet_limit
from registry.trust.explain import explain
from tests.unit.trust.telemetry_samples import NOW

FINDINGS = st.lists(
    st.builds(Finding, st.sampled_from(["tamper.none", "boot.secure"]), st.sampled_from(Severity), st.text()),
    max_size=3,
)
APPRAISALS = st.builds(
    Appraisal,
    tier=st.sampled_from(Tier),
    vector=st.just(()),
    findings=FINDINGS.map(tuple),
    evidence_ids=st.just(()),
    policy_version=st.just("1"),
    appraised_at=st.just(NOW),
    valid_until=st.just(NOW + timedelta(hours=1)),
    would_raise=st.just(()),
)


def of(tier: Tier, *findings: Finding) -> Appraisal:
    return Appraisal(tier, (), findings, (), "1", NOW, NOW + timedelta(hours=1), ())


@given(appraisal=APPRAISALS, before=st.sampled_from(Tier), criticality=st.sampled_from(Criticality))
def test_no_patient_is_cut_off_by_a_plan(
    appraisal: Appraisal, before: Tier, criticality: Criticality
) -> None:
    planned = plan(appraisal, before, criticality)
    assert all(action.automatic == (action.needs == 0) for action in planned)
    assert not [a for a in planned if a.kind.cuts and appraisal.tier in (Tier.TRUSTED, Tier.UNKNOWN)]
    assert not [a for a in planned if a.kind in (ActionKind.HOLD, ActionKind.DISCONNECT) and a.automatic] or (
        criticality is Criticality.NON_CLINICAL and appraisal.tier is Tier.QUARANTINED
    )
    if criticality.never_cut:
        cuts = [action for action in planned if action.kind.cuts]
        assert not [a for a in cuts if a.automatic or a.needs < 2 or not a.clinical_sign_off]
        assert ActionKind.REFUSE_EXTENSION not in {action.kind for action in planned}


@pytest.mark.parametrize(
    ("criticality", "hold"),
    [
        (Criticality.NON_CLINICAL, (True, 0, False)),
        (Criticality.MONITORING, (False, 1, False)),
        (Criticality.DIAGNOSTIC, (False, 1, False)),
        (Criticality.THERAPY, (False, 2, True)),
        (Criticality.LIFE_SUSTAINING, (False, 2, True)),
        (Criticality.UNKNOWN, (False, 2, True)),
    ],
)
def test_who_may_hold_a_quarantined_device(criticality: Criticality, hold: tuple[bool, int, bool]) -> None:
    planned = {
        a.kind: (a.automatic, a.needs, a.clinical_sign_off)
        for a in plan(of(Tier.QUARANTINED), Tier.TRUSTED, criticality)
    }
    assert planned[ActionKind.HOLD] == planned[ActionKind.DISCONNECT] == hold
    assert planned[ActionKind.ALERT] == (True, 0, False)
    assert (ActionKind.CONTAIN in planned) is criticality.never_cut
    watched = criticality in (Criticality.MONITORING, Criticality.DIAGNOSTIC)
    assert (planned.get(ActionKind.RESTRICT) == (True, 0, False)) is watched


@pytest.mark.parametrize("criticality", list(Criticality))
def test_only_quarantine_leads_to_a_hold(criticality: Criticality) -> None:
    holding = {
        tier
        for tier, lines in ACTION_TABLE[criticality].items()
        for line in lines
        if line.kind is ActionKind.HOLD
    }
    assert holding == {Tier.QUARANTINED}


def test_an_alert_tells_of_a_change_and_not_of_a_state() -> None:
    same = plan(of(Tier.RESTRICTED), Tier.RESTRICTED, Criticality.THERAPY)
    assert ActionKind.ALERT not in {action.kind for action in same}
    assert plan(of(Tier.TRUSTED), Tier.TRUSTED, Criticality.THERAPY) == ()


def test_recovery_lifts_and_alarms_nobody() -> None:
    recovered = plan(of(Tier.TRUSTED), Tier.RESTRICTED, Criticality.MONITORING)
    assert [action.kind for action in recovered] == [ActionKind.LIFT]
    half_way = plan(of(Tier.RESTRICTED), Tier.QUARANTINED, Criticality.THERAPY)
    assert half_way[0].kind is ActionKind.LIFT


def test_a_plan_rests_on_the_finding_that_refuses() -> None:
    told = Finding("clock.near", Severity.NOTICE, "off")
    refusing = Finding("tamper.none", Severity.ERROR, "Tamper switch: on.")
    planned = plan(of(Tier.QUARANTINED, told, refusing), Tier.TRUSTED, Criticality.THERAPY)
    assert {action.rule for action in planned} == {"tamper.none"}
    assert all("Tamper switch: on." in action.reason for action in planned)


@pytest.mark.parametrize(
    ("acted", "fleet", "allowed"),
    [
        (0, 1, True),
        (1, 1, False),
        (0, 199, True),
        (1, 199, False),
        (1, 200, True),
        (2, 200, False),
        (0, 0, True),
    ],
)
def test_one_per_cent_of_the_fleet_an_hour_and_at_least_one(acted: int, fleet: int, allowed: bool) -> None:
    assert within_fleet_limit(acted, fleet) is allowed


def test_an_explanation_names_who_decides() -> None:
    appraisal = of(Tier.QUARANTINED, Finding("tamper.none", Severity.ERROR, "Tamper switch: on."))
    planned = plan(appraisal, Tier.TRUSTED, Criticality.LIFE_SUSTAINING)
    told = explain(appraisal, TrustState(Tier.QUARANTINED, NOW), Criticality.LIFE_SUSTAINING, planned)
    assert told.headline.startswith("quarantined since 2026-11-22T06:00:00")
    lines = {section.title: section.lines for section in told.sections}
    assert any(
        line.startswith("hold (needs 2 people, one of them clinical)") for line in lines["What follows"]
    )
    assert any(line.startswith("contain (automatic)") for line in lines["What follows"])
    assert lines["Findings"] == ("error: tamper.none: Tamper switch: on.",)
