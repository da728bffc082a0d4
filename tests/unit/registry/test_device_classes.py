"""Which profile a device's certificate has: that of its criticality class, the hospital's own before ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki.profiles import Kind, by_name, own
from registry.model.criticality import Criticality
from tests.unit.registry.hospital import PUMP, Hospital


@pytest.mark.parametrize("criticality", Criticality)
def test_every_class_has_a_profile(hospital: Hospital, criticality: Criticality) -> None:
    device = replace(hospital.admit(PUMP), criticality=criticality)
    profile = hospital.parts.profile_for(device)
    assert profile.kind is Kind.DEVICE
    assert profile.alternative_required
    assert (profile.lifetime >= timedelta(days=730)) == criticality.never_cut


def test_the_hospitals_own_word_for_a_class_comes_first(hospital: Hospital) -> None:
    device = replace(hospital.admit(PUMP), criticality=Criticality.THERAPY)
    mine = own('extends = "device-therapy"\nname = "device-therapy"\n[validity]\nlifetime = "90d"\n')
    narrowed = replace(hospital.parts, own_profiles={mine.name: mine})
    assert narrowed.profile_for(device) == mine
    assert hospital.parts.profile_for(device) == by_name("device-therapy")


def test_an_enrolled_device_has_its_class_in_the_record(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    record = hospital.enroll(device).certificate
    assert record.profile == hospital.parts.profile_for(device).name
    assert record.not_after - record.not_before > by_name(record.profile).lifetime - timedelta(minutes=1)
