"""From telemetry to an act: the same evidence costs a display its session and a ventilator nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.model.actor import job
from registry.model.appraisal import Tier
from registry.model.certificate import CertificateRecord, CertificateState
from registry.model.device import Device, DeviceId, DeviceState
from registry.model.errors import NotFound
from registry.reappraisal import Observation, observe, sweep, view
from registry.registration import Approval, approve
from registry.revocation import release_certificate, release_device, revoke_device
from registry.trust.phi_guard import PhiStopped
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, VENTILATOR, Hospital, device_key
from tests.unit.registry.telemetry import APPRAISER, altered, behave, payload, send, vouch_for_firmware

SWEEP = job("sweep")


@pytest.fixture(autouse=True)
def _references(hospital: Hospital) -> None:
    vouch_for_firmware(hospital)


def trusted(hospital: Hospital, label: str) -> tuple[Device, CertificateRecord]:
    device, record = hospital.active(label)
    assert behave(hospital, device, 3, seq=1).tier is Tier.TRUSTED
    with hospital.store.write() as uow:
        uow.alarms.clear_device(device.device_id, hospital.now)
    return device, record


def alarms(hospital: Hospital, device: Device | None) -> dict[str, str]:
    with hospital.store.read() as uow:
        found = uow.alarms.open(device.device_id if device else None)
    return {alarm.rule: alarm.message for alarm in found}


def state_of(hospital: Hospital, device: Device) -> DeviceState:
    return hospital.device(device.device_id).state


def cuts(hospital: Hospital) -> list[str | None]:
    return [device_id for kind, device_id in hospital.owed() if kind == "cut"]


def test_an_altered_display_is_held_and_its_session_cut(hospital: Hospital) -> None:
    device, record = trusted(hospital, DISPLAY)
    outcome = send(hospital, device, altered(hospital, 10))
    assert (outcome.tier, outcome.changed) == (Tier.QUARANTINED, True)
    assert {"hold", "disconnect"} <= set(outcome.actions)
    assert state_of(hospital, device) is DeviceState.HELD
    held = hospital.certificate(record.certificate_serial)
    assert (held.state, held.reason) == (CertificateState.HELD, "certificateHold")
    owed = hospital.owed()
    assert owed.index(("publish_crl", None)) < owed.index(("cut", device.device_id))
    assert "trust.firmware.unaltered" in alarms(hospital, device)
    assert hospital.log_kinds()[-3:] == ["trust.judged", "device.held", "trust.acted"]


@pytest.mark.parametrize("label", [VENTILATOR, PUMP])
def test_an_altered_ventilator_is_contained_and_people_are_called(hospital: Hospital, label: str) -> None:
    device, record = trusted(hospital, label)
    outcome = send(hospital, device, altered(hospital, 10))
    assert outcome.tier is Tier.QUARANTINED
    assert "contain" in outcome.actions
    assert state_of(hospital, device) is DeviceState.CONTAINED
    assert hospital.certificate(record.certificate_serial) == record
    assert cuts(hospital) == []
    told = alarms(hospital, device)
    assert "2 people, one of them clinical," in told["decision.hold"]
    assert {"decision.disconnect", "trust.firmware.unaltered"} <= set(told)


def test_an_altered_monitor_is_restricted_and_one_person_decides(hospital: Hospital) -> None:
    device, record = trusted(hospital, MONITOR)
    outcome = send(hospital, device, altered(hospital, 10))
    assert "restrict" in outcome.actions
    assert state_of(hospital, device) is DeviceState.CONTAINED
    assert hospital.certificate(record.certificate_serial) == record
    assert cuts(hospital) == []
    assert alarms(hospital, device)["decision.hold"].startswith("one person must decide")


def test_patient_data_is_refused_and_kept_nowhere(hospital: Hospital, tmp_path: Path) -> None:
    device, _ = trusted(hospital, PUMP)
    canary = "MRN-4711-CANARY"
    for sent in (
        payload(hospital, 10, patient=canary),
        payload(hospital, 10, fw={"name": canary, "ver": "1.0", "sha256": "a" * 64}),
        b'{"' + canary.encode() + b'": 1}',
        canary.encode(),
    ):
        outcome = send(hospital, device, sent)
        assert isinstance(outcome.refused, PhiStopped)
        assert outcome.tier is None
        assert "CANARY" not in str(outcome.refused) + repr(outcome)
    assert "telemetry.refused" in alarms(hospital, device)
    hospital.store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"telemetry.refused" in kept
    assert b"CANARY" not in kept
    assert b"4711" not in kept


def test_what_is_refused_does_not_stop_its_neighbours(hospital: Hospital) -> None:
    device, _ = trusted(hospital, PUMP)
    batch = [payload(hospital, 10), b"\xff", payload(hospital, 11), b"", payload(hospital, 12, v=2)]
    outcomes = observe(
        [Observation(device.device_id, sent) for sent in batch], APPRAISER, ports=hospital.ports
    )
    assert [outcome.tier for outcome in outcomes] == [Tier.TRUSTED, None, Tier.TRUSTED, None, None]
    assert [outcome.refused is None for outcome in outcomes] == [True, False, True, False, False]


def test_a_device_that_nobody_knows_leaves_no_trace(hospital: Hospital) -> None:
    stranger = DeviceId("mtd-nobody-knows")
    (outcome,) = observe([Observation(stranger, payload(hospital, 1))], APPRAISER, ports=hospital.ports)
    assert outcome.tier is None
    with pytest.raises(NotFound):
        view(stranger, ports=hospital.ports)


def test_a_message_delivered_twice_is_no_clone_but_another_with_its_number_is(hospital: Hospital) -> None:
    device, _ = trusted(hospital, PUMP)
    sent = payload(hospital, 10)
    assert send(hospital, device, sent).tier is Tier.TRUSTED
    assert send(hospital, device, sent).tier is Tier.TRUSTED
    assert send(hospital, device, payload(hospital, 10, cpu=5)).tier is Tier.QUARANTINED
    assert "trust.evidence.counters_rise" in alarms(hospital, device)
    assert state_of(hospital, device) is DeviceState.CONTAINED


def test_silence_is_unknown_and_cuts_nobody(hospital: Hospital) -> None:
    device, _ = trusted(hospital, DISPLAY)
    assert sweep(SWEEP, ports=hospital.ports) == 0
    hospital.wait(hours=1)
    assert view(device.device_id, ports=hospital.ports).tier is Tier.UNKNOWN
    assert sweep(SWEEP, ports=hospital.ports) == 1
    assert state_of(hospital, device) is DeviceState.ACTIVE
    assert cuts(hospital) == []
    assert sweep(SWEEP, ports=hospital.ports) == 0


def test_one_in_a_hundred_an_hour_then_a_person_is_called(hospital: Hospital) -> None:
    labels = [DISPLAY.replace("WALL-1", f"WALL-{number}") for number in range(3)]
    devices = [trusted(hospital, label)[0] for label in labels]
    for device in devices[:2]:
        send(hospital, device, altered(hospital, 50))
    assert [state_of(hospital, device) for device in devices[:2]] == [DeviceState.HELD, DeviceState.ACTIVE]
    assert "actions.fleet_limit_reached" in alarms(hospital, None)
    assert cuts(hospital) == [devices[0].device_id]
    hospital.wait(minutes=61)
    sweep(SWEEP, ports=hospital.ports)
    assert state_of(hospital, devices[1]) is DeviceState.HELD
    assert state_of(hospital, devices[2]) is DeviceState.ACTIVE


@pytest.mark.parametrize("by_certificate", [False, True])
def test_a_persons_release_is_not_undone_by_the_next_sweep(hospital: Hospital, by_certificate: bool) -> None:
    device, record = trusted(hospital, DISPLAY)
    send(hospital, device, altered(hospital, 10))
    hospital.wait(hours=2)
    if by_certificate:
        release_certificate(record.certificate_serial, ENGINEER, ports=hospital.ports)
    else:
        release_device(device.device_id, ENGINEER, ports=hospital.ports)
    sweep(SWEEP, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial).state is CertificateState.ACTIVE
    outcome = send(hospital, device, payload(hospital, 11))
    assert outcome.tier is Tier.RESTRICTED
    assert hospital.certificate(record.certificate_serial).state is CertificateState.ACTIVE
    assert behave(hospital, device, 20, seq=12).tier is Tier.TRUSTED
    assert state_of(hospital, device) is DeviceState.ACTIVE


def test_a_release_does_not_excuse_what_comes_after_it(hospital: Hospital) -> None:
    device, _ = trusted(hospital, DISPLAY)
    send(hospital, device, altered(hospital, 10))
    hospital.wait(hours=2)
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert send(hospital, device, altered(hospital, 11)).tier is Tier.QUARANTINED
    assert state_of(hospital, device) is DeviceState.HELD


def test_a_contained_ventilator_earns_its_way_back_by_good_evidence(hospital: Hospital) -> None:
    device, _ = trusted(hospital, VENTILATOR)
    send(hospital, device, altered(hospital, 10))
    behave(hospital, device, 60, seq=11)
    assert view(device.device_id, ports=hospital.ports).tier is Tier.TRUSTED
    assert state_of(hospital, device) is DeviceState.ACTIVE


def test_a_device_that_joined_anew_is_not_held_for_its_old_certificate(hospital: Hospital) -> None:
    device, _ = trusted(hospital, DISPLAY)
    revoke_device(device.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    hospital.wait(minutes=1)
    sweep(SWEEP, ports=hospital.ports)
    assert view(device.device_id, ports=hospital.ports).tier is Tier.QUARANTINED
    approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    sweep(SWEEP, ports=hospital.ports)
    fresh = device_key(1)
    hospital.confirm(hospital.enroll(hospital.device(device.device_id), "again", key=fresh), key=fresh)
    sweep(SWEEP, ports=hospital.ports)
    assert state_of(hospital, device) is not DeviceState.HELD
    assert behave(hospital, device, 20, seq=50).tier is Tier.TRUSTED
