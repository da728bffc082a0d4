"""What the store keeps of a device's trust is what it gives back."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from registry.model.appraisal import Appraisal, Judgement, Tier, TrustState
from registry.model.appraisal_json import (
    StoredTrustUnreadable,
    appraisal_from_dict,
    appraisal_to_dict,
    state_from_dict,
    state_to_dict,
)
from registry.model.finding import Finding, Severity

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
JUDGEMENT = Judgement("firmware.in_reference", None, 0.5, "fw 1.0", "a listed digest", "no list", "e1")
APPRAISAL = Appraisal(
    tier=Tier.RESTRICTED,
    vector=(JUDGEMENT,),
    findings=(Finding("firmware.in_reference", Severity.NOTICE, "no list", "fw 1.0"),),
    evidence_ids=("e1",),
    policy_version="1",
    appraised_at=NOW,
    valid_until=NOW + timedelta(minutes=5),
    would_raise=("Add reference values.",),
)
STATE = TrustState(
    tier=Tier.QUARANTINED,
    since=NOW,
    bad_streak=2,
    clean_needed=12,
    hard_rules=("device.no_tamper",),
    last_boot=3,
    last_seq=9,
    last_evidence_at=NOW,
    recent=("e1",),
    standing=(JUDGEMENT,),
)


def test_an_appraisal_survives_json() -> None:
    assert appraisal_from_dict(json.loads(json.dumps(appraisal_to_dict(APPRAISAL)))) == APPRAISAL


@pytest.mark.parametrize("state", [STATE, TrustState()])
def test_a_state_survives_json(state: TrustState) -> None:
    assert state_from_dict(json.loads(json.dumps(state_to_dict(state)))) == state


@pytest.mark.parametrize("field", sorted(state_to_dict(STATE)))
def test_a_missing_field_of_the_memory_is_an_error_and_never_a_default(field: str) -> None:
    stored = state_to_dict(STATE)
    del stored[field]
    with pytest.raises(StoredTrustUnreadable) as caught:
        state_from_dict(stored)
    assert caught.value.field == "state"
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("field", "value"),
    [("tier", "best"), ("appraised_at", "2026-11-22T06:00:00"), ("would_raise", "text"), ("vector", [{}])],
)
def test_a_field_of_another_kind_is_an_error(field: str, value: object) -> None:
    with pytest.raises(StoredTrustUnreadable):
        appraisal_from_dict({**appraisal_to_dict(APPRAISAL), field: value})


def test_an_appraisal_past_its_time_reads_unknown_and_never_better() -> None:
    late = APPRAISAL.valid_until
    assert APPRAISAL.tier_at(late) is Tier.RESTRICTED
    trusted = Appraisal(Tier.TRUSTED, (), (), (), "1", NOW, late, ())
    assert trusted.tier_at(NOW) is Tier.TRUSTED
    assert trusted.tier_at(late) is Tier.UNKNOWN


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("cap", list(Tier))
def test_a_cap_never_raises(tier: Tier, cap: Tier) -> None:
    assert tier.capped(cap).rank == min(tier.rank, cap.rank)


def test_no_field_of_the_nouns_is_forgotten() -> None:
    assert set(appraisal_to_dict(APPRAISAL)) == {field.name for field in dataclasses.fields(Appraisal)}
    assert set(state_to_dict(STATE)) == {field.name for field in dataclasses.fields(TrustState)}
