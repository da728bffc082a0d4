"""Taking trust back: states, reasons and what is owed to the wire, in its order; and who may not do it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.enrollment import enroll
from registry.model.actor import Actor, job
from registry.model.actor import device as device_actor
from registry.model.certificate import CertificateRecord, CertificateSerial, CertificateState
from registry.model.device import Device, DeviceId, DeviceState
from registry.model.errors import BadInput, Conflict, NotFound, PatientAtTheEnd, Refused
from registry.registration import Approval, approve, retire
from registry.revocation import (
    REASONS,
    hold_certificate,
    hold_device,
    release_certificate,
    release_device,
    revoke_certificate,
    revoke_device,
)
from tests.unit.registry.faults import interrupted, server_certificate
from tests.unit.registry.hospital import (
    DISPLAY,
    ENGINEER,
    MONITOR,
    PUMP,
    VENTILATOR,
    Hospital,
    device_key,
)

ROBOTS = [job("sweep"), device_actor("mtd-itself")]


def state_of(hospital: Hospital, device: Device) -> DeviceState:
    return hospital.device(device.device_id).state


@pytest.mark.parametrize("reason", REASONS)
def test_a_revoked_device_ends_with_its_certificate_for_that_reason(hospital: Hospital, reason: str) -> None:
    device, record = hospital.active(PUMP)
    hospital.wait(minutes=1)
    revoke_device(device.device_id, reason, ENGINEER, ports=hospital.ports)
    ended = hospital.certificate(record.certificate_serial)
    assert (ended.state, ended.reason, ended.revoked_at) == (CertificateState.REVOKED, reason, hospital.now)
    assert state_of(hospital, device) is DeviceState.REVOKED
    assert hospital.log_kinds()[-1] == "device.revoked"


def test_the_list_is_promised_before_the_cut(hospital: Hospital) -> None:
    device, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert hospital.owed() == [("publish_crl", None), ("cut", device.device_id)]
    assert state_of(hospital, device) is DeviceState.REVOKED


def test_a_hold_suspends_and_a_release_brings_back(hospital: Hospital) -> None:
    device, record = hospital.active(PUMP)
    hold_device(device.device_id, "lost for an hour", ENGINEER, ports=hospital.ports)
    held = hospital.certificate(record.certificate_serial)
    assert (held.state, held.reason) == (CertificateState.HELD, "certificateHold")
    assert state_of(hospital, device) is DeviceState.HELD
    assert hospital.owed() == [("publish_crl", None), ("cut", device.device_id)]
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial) == record
    assert state_of(hospital, device) is DeviceState.ACTIVE
    assert hospital.owed()[2:] == [("publish_crl", None)]


def test_what_a_person_wrote_about_a_hold_is_not_in_the_log(hospital: Hospital) -> None:
    device, _ = hospital.active(PUMP)
    hold_device(device.device_id, "beside Mrs Mustermann", ENGINEER, ports=hospital.ports)
    with hospital.store.read() as uow:
        leaves = b"".join(uow.log.read_entries(0, 100))
    assert b"Mustermann" not in leaves
    assert b"device.held" in leaves


def test_a_certificate_takes_its_device_on_hold_and_back(hospital: Hospital) -> None:
    device, record = hospital.active(DISPLAY)
    held = hold_certificate(record.certificate_serial, ENGINEER, ports=hospital.ports)
    assert (held.state, state_of(hospital, device)) == (CertificateState.HELD, DeviceState.HELD)
    back = release_certificate(record.certificate_serial, ENGINEER, ports=hospital.ports)
    assert (back.state, state_of(hospital, device)) == (CertificateState.ACTIVE, DeviceState.ACTIVE)


def test_a_release_leaves_an_unconfirmed_renewal_to_its_confirmation(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    renewed = hospital.renew(device, old, key=device_key(1))
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    hospital.confirm(renewed, key=device_key(1))
    assert hospital.certificate(old.certificate_serial).state is CertificateState.SUPERSEDED


def test_retirement_ends_everything_from_any_state(hospital: Hospital) -> None:
    device, record = hospital.active(PUMP)
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    retire(device.device_id, ENGINEER, ports=hospital.ports)
    ended = hospital.certificate(record.certificate_serial)
    assert (ended.state, ended.reason) == (CertificateState.REVOKED, "cessationOfOperation")
    assert state_of(hospital, device) is DeviceState.RETIRED
    assert hospital.owed()[-2:] == [("publish_crl", None), ("cut", device.device_id)]


def test_a_superseded_certificate_can_be_revoked_and_cuts_nobody(hospital: Hospital) -> None:
    device, old = hospital.active(VENTILATOR)
    hospital.confirm(hospital.renew(device, old, key=device_key(1)), key=device_key(1))
    before = hospital.owed()
    ended = revoke_certificate(old.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert (ended.state, ended.reason) == (CertificateState.REVOKED, "keyCompromise")
    assert state_of(hospital, device) is DeviceState.ACTIVE
    assert hospital.owed() == [*before, ("publish_crl", None)]


@pytest.mark.parametrize("approved_again", [False, True])
def test_a_superseded_certificate_can_be_revoked_after_its_device(
    hospital: Hospital, approved_again: bool
) -> None:
    device, old = hospital.active(PUMP)
    hospital.confirm(hospital.renew(device, old, key=device_key(1)), key=device_key(1))
    revoke_device(device.device_id, "unspecified", ENGINEER, ports=hospital.ports)
    if approved_again:
        approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    before = state_of(hospital, device)
    ended = revoke_certificate(old.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert ended.state is CertificateState.REVOKED
    assert state_of(hospital, device) is before


def test_one_of_two_live_certificates_leaves_the_device_in_use(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    renewed = hospital.renew(device, old, key=device_key(1)).certificate
    revoke_certificate(renewed.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert state_of(hospital, device) is DeviceState.ACTIVE
    revoke_certificate(old.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert state_of(hospital, device) is DeviceState.REVOKED


def test_revoked_twice_is_a_conflict_that_keeps_the_first_reason(hospital: Hospital) -> None:
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    with pytest.raises(Conflict, match="revoked: revoke is not possible"):
        revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial).reason == "keyCompromise"


Act = Callable[[Hospital, Device, CertificateRecord, Actor], object]
CUTS: dict[str, Act] = {
    "revoke_certificate": lambda h, d, c, who: revoke_certificate(
        c.certificate_serial, "unspecified", who, ports=h.ports
    ),
    "revoke_device": lambda h, d, c, who: revoke_device(d.device_id, "unspecified", who, ports=h.ports),
    "hold_device": lambda h, d, c, who: hold_device(d.device_id, "", who, ports=h.ports),
    "hold_certificate": lambda h, d, c, who: hold_certificate(c.certificate_serial, who, ports=h.ports),
    "retire": lambda h, d, c, who: retire(d.device_id, who, ports=h.ports),
}


@pytest.mark.parametrize("who", ROBOTS, ids=str)
@pytest.mark.parametrize("act", CUTS)
@pytest.mark.parametrize("label", [PUMP, VENTILATOR])
def test_nothing_automatic_cuts_a_patient_off(hospital: Hospital, label: str, act: str, who: Actor) -> None:
    device, record = hospital.active(label)
    before = hospital.log_kinds()
    with pytest.raises(Refused) as refused:
        CUTS[act](hospital, device, record, who)
    assert isinstance(refused.value, PatientAtTheEnd) or act == "retire"
    assert hospital.certificate(record.certificate_serial) == record
    assert state_of(hospital, device) is DeviceState.ACTIVE
    assert hospital.owed() == []
    assert hospital.log_kinds() == before


@pytest.mark.parametrize("act", CUTS)
def test_a_person_may(hospital: Hospital, act: str) -> None:
    device, record = hospital.active(VENTILATOR)
    CUTS[act](hospital, device, record, ENGINEER)
    assert hospital.certificate(record.certificate_serial).state.is_revoked
    assert ("cut", device.device_id) in hospital.owed()


@pytest.mark.parametrize("label", [DISPLAY, MONITOR])
def test_where_no_patient_hangs_a_job_may_hold_but_not_release(hospital: Hospital, label: str) -> None:
    device, record = hospital.active(label)
    hold_device(device.device_id, "automatic", job("sweep"), ports=hospital.ports)
    with pytest.raises(Refused, match="person"):
        release_device(device.device_id, job("sweep"), ports=hospital.ports)
    with pytest.raises(Refused, match="person"):
        release_certificate(record.certificate_serial, job("sweep"), ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial).state is CertificateState.HELD


@pytest.mark.parametrize("reason", ["", "because", "certificateHold", "removeFromCRL", "KeyCompromise\n"])
def test_a_reason_is_one_of_rfc_5280(hospital: Hospital, reason: str) -> None:
    device, record = hospital.active(PUMP)
    with pytest.raises(BadInput, match="keyCompromise") as refused:
        revoke_certificate(record.certificate_serial, reason, ENGINEER, ports=hospital.ports)
    assert refused.value.field == "reason"
    with pytest.raises(BadInput):
        revoke_device(device.device_id, reason, ENGINEER, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial) == record


def test_what_the_root_issued_is_not_ours_to_revoke(hospital: Hospital) -> None:
    record = server_certificate(hospital, issuer="root")
    serial = record.certificate_serial
    with pytest.raises(Refused, match="root"):
        revoke_certificate(serial, "unspecified", ENGINEER, ports=hospital.ports)
    with pytest.raises(Refused, match="root"):
        hold_certificate(serial, ENGINEER, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial).state is CertificateState.ACTIVE


def test_a_servers_certificate_is_held_released_and_revoked_without_a_device(hospital: Hospital) -> None:
    serial = server_certificate(hospital, issuer="issuing").certificate_serial
    assert hold_certificate(serial, ENGINEER, ports=hospital.ports).state is CertificateState.HELD
    with pytest.raises(Refused, match="person"):
        release_certificate(serial, job("sweep"), ports=hospital.ports)
    assert release_certificate(serial, ENGINEER, ports=hospital.ports).state is CertificateState.ACTIVE
    ended = revoke_certificate(serial, "superseded", ENGINEER, ports=hospital.ports)
    assert ended.state is CertificateState.REVOKED
    assert {kind for kind, _ in hospital.owed()} == {"publish_crl"}


def test_what_nobody_knows_is_not_found(hospital: Hospital) -> None:
    nobody = DeviceId("mtd-nobody-knows")
    with pytest.raises(NotFound, match="device list"):
        revoke_device(nobody, "unspecified", ENGINEER, ports=hospital.ports)
    with pytest.raises(NotFound, match="device list"):
        hold_device(nobody, "", ENGINEER, ports=hospital.ports)
    with pytest.raises(NotFound, match="cert list"):
        revoke_certificate(CertificateSerial("abc"), "unspecified", ENGINEER, ports=hospital.ports)


@pytest.mark.parametrize("act", ["revoke_device", "hold_device", "retire"])
def test_no_certificate_comes_alive_behind_it(hospital: Hospital, act: str) -> None:
    device = hospital.admit(PUMP)
    request = hospital.request(device, "r1")
    parts = interrupted(hospital, lambda: CUTS[act](hospital, device, hospital.certificates()[0], ENGINEER))
    with pytest.raises(Conflict, match="given up"):
        enroll(request, ports=hospital.ports, parts=parts)
    assert [record.state for record in hospital.certificates()] == [CertificateState.ABANDONED]
