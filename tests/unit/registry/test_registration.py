"""Admitting: one physical device is one row, contradictions block, and a person's word is a person's."""

from __future__ import annotations

import pytest

from registry.enrollment import enroll
from registry.identity.catalogue import SEED
from registry.model.actor import Actor, job
from registry.model.actor import device as device_actor
from registry.model.criticality import Criticality
from registry.model.device import Device, DeviceId, DeviceState
from registry.model.errors import AwaitingApproval, BadInput, Conflict, NotFound, Refused
from registry.registration import Approval, Registration, RegistrationRequest, approve, register, retire
from registry.revocation import revoke_device
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, VENTILATOR, Hospital

MAC, OTHER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
STRANGE = "(01)04012345678901(21)X-1"


def admit(
    hospital: Hospital, label: str, macs: tuple[str, ...] = (), serial_number: str | None = None
) -> Registration:
    request = RegistrationRequest(label, macs, serial_number=serial_number)
    return register(request, ENGINEER, ports=hospital.ports, catalogue=SEED)


def everything(hospital: Hospital) -> list[Device]:
    with hospital.store.read() as uow:
        return uow.devices.all()


def test_the_same_label_twice_is_the_same_row(hospital: Hospital) -> None:
    first, again = admit(hospital, PUMP, macs=(MAC,)), admit(hospital, PUMP, macs=(MAC,))
    assert (first.created, again.created) == (True, False)
    assert again.device == first.device
    assert everything(hospital) == [first.device]
    assert hospital.log_kinds() == ["device.registered"]


@pytest.mark.parametrize(
    "carrier",
    [
        "(01)09521000000018(21)PUMP-1",
        "010952100000001821PUMP-1",
        "]d2010952100000001821PUMP-1",
        "\x1d010952100000001821PUMP-1",
        "https://id.gs1.org/01/09521000000018/21/PUMP-1",
        "(01)09521000000018(17)280101(21)PUMP-1",
    ],
)
def test_every_carrier_of_one_udi_is_one_device(hospital: Hospital, carrier: str) -> None:
    first = admit(hospital, PUMP).device
    again = admit(hospital, carrier)
    assert not again.created
    assert again.device.device_id == first.device_id


def test_another_serial_number_is_another_device(hospital: Hospital) -> None:
    first, second = admit(hospital, PUMP), admit(hospital, PUMP.replace("PUMP-1", "PUMP-2"))
    assert second.created
    assert first.device.device_id != second.device.device_id


@pytest.mark.parametrize(
    ("label", "criticality"),
    [
        (PUMP, Criticality.THERAPY),
        (VENTILATOR, Criticality.LIFE_SUSTAINING),
        (MONITOR, Criticality.MONITORING),
        (DISPLAY, Criticality.NON_CLINICAL),
        (STRANGE, Criticality.UNKNOWN),
    ],
)
def test_what_it_is_comes_with_reasons(hospital: Hospital, label: str, criticality: Criticality) -> None:
    device = admit(hospital, label).device
    assert device.criticality is criticality
    assert device.criticality_reasons
    assert device.state is DeviceState.REGISTERED


def test_another_address_is_a_contradiction_that_blocks_until_a_person_looked(hospital: Hospital) -> None:
    admit(hospital, PUMP, macs=(MAC,))
    again = admit(hospital, PUMP, macs=(OTHER_MAC,)).device
    assert again.macs == (MAC, OTHER_MAC)
    assert OTHER_MAC in again.conflicts[0]
    with pytest.raises(Refused, match="contradicted") as refused:
        approve(Approval(again.device_id), ENGINEER, ports=hospital.ports)
    assert refused.value.field == "conflicts"
    assert hospital.device(again.device_id).state is DeviceState.REGISTERED
    approval = Approval(again.device_id, resolve_conflicts=True, reason="second interface seen")
    settled = approve(approval, ENGINEER, ports=hospital.ports)
    assert (settled.conflicts, settled.state) == ((), DeviceState.APPROVED)
    assert hospital.device(again.device_id) == settled


def test_a_contradiction_after_approval_stops_the_enrolment(hospital: Hospital) -> None:
    device = admit(hospital, PUMP, macs=(MAC,)).device
    approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    request = hospital.request(device)
    admit(hospital, PUMP, macs=(OTHER_MAC,))
    with pytest.raises(AwaitingApproval):
        enroll(request, ports=hospital.ports, parts=hospital.parts)


def test_the_first_address_contradicts_nothing(hospital: Hospital) -> None:
    admit(hospital, PUMP)
    assert admit(hospital, PUMP, macs=(MAC,)).device.conflicts == ()


def test_an_address_named_twice_is_one_interface(hospital: Hospital) -> None:
    assert admit(hospital, PUMP, macs=(MAC, MAC)).device.macs == (MAC,)
    assert admit(hospital, MONITOR).created
    assert admit(hospital, MONITOR, macs=(OTHER_MAC, OTHER_MAC)).device.macs == (OTHER_MAC,)


def test_an_address_of_another_device_is_a_conflict_that_names_it(hospital: Hospital) -> None:
    owner = admit(hospital, PUMP, macs=(MAC,)).device
    with pytest.raises(Conflict, match=owner.device_id) as refused:
        admit(hospital, VENTILATOR, macs=(MAC,))
    assert refused.value.field == "mac"
    assert [device.device_id for device in everything(hospital)] == [owner.device_id]


def test_an_unknown_product_is_told_and_needs_a_persons_word(hospital: Hospital) -> None:
    registration = admit(hospital, STRANGE)
    device = registration.device
    assert "identity.product_unknown" in {finding.rule for finding in registration.findings}
    with pytest.raises(Refused, match="how critical") as refused:
        approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    assert refused.value.field == "criticality"
    approval = Approval(device.device_id, criticality=Criticality.NON_CLINICAL, reason="a lamp")
    decided = approve(approval, ENGINEER, ports=hospital.ports)
    assert decided.criticality is Criticality.NON_CLINICAL
    assert decided.criticality_reasons == ("engineer decided: a lamp",)


@pytest.mark.parametrize(
    ("label", "serial", "field"),
    [
        ("", None, "udi"),
        ("hello", None, "udi"),
        ("(01)09521000000018", None, "serial_number"),
        ("(01)09521000000018(10)LOT", None, "serial_number"),
        (PUMP, "PUMP-2", "serial_number"),
        ("(" * 600, None, "udi"),
    ],
)
def test_a_label_that_does_not_say_which_device_is_bad_input(
    hospital: Hospital, label: str, serial: str | None, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        admit(hospital, label, serial_number=serial)
    assert refused.value.field == field
    assert everything(hospital) == []
    assert hospital.log_kinds() == []


def test_a_mistyped_number_is_told_and_never_taken_for_the_right_device(hospital: Hospital) -> None:
    mistyped = admit(hospital, "(01)09521000000019(21)PUMP-1")
    assert {"udi.check_fails", "identity.product_unknown"} <= {f.rule for f in mistyped.findings}
    assert mistyped.device.criticality is Criticality.UNKNOWN
    assert admit(hospital, PUMP).created


def test_the_type_plate_may_give_the_serial_number(hospital: Hospital) -> None:
    device = admit(hospital, "(01)09521000000018", serial_number="PUMP-1").device
    assert admit(hospital, PUMP).device.device_id == device.device_id


@pytest.mark.parametrize("actor", [job("sweep"), device_actor("mtd-somebody")])
def test_only_a_person_approves_and_retires(hospital: Hospital, actor: Actor) -> None:
    device = admit(hospital, PUMP).device
    with pytest.raises(Refused) as refused:
        approve(Approval(device.device_id), actor, ports=hospital.ports)
    assert refused.value.field == "actor"
    with pytest.raises(Refused):
        retire(device.device_id, actor, ports=hospital.ports)
    assert hospital.device(device.device_id).state is DeviceState.REGISTERED


def test_a_device_that_nobody_knows_is_not_found(hospital: Hospital) -> None:
    nobody = DeviceId("mtd-nobody-knows")
    with pytest.raises(NotFound) as refused:
        approve(Approval(nobody), ENGINEER, ports=hospital.ports)
    assert refused.value.field == "device_id"
    with pytest.raises(NotFound, match="device list"):
        retire(nobody, ENGINEER, ports=hospital.ports)


def test_approval_twice_is_a_conflict_and_a_revoked_device_may_be_approved_again(hospital: Hospital) -> None:
    device, _ = hospital.active(PUMP)
    with pytest.raises(Conflict, match="active: approve is not possible"):
        approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    revoke_device(device.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert approve(Approval(device.device_id), ENGINEER, ports=hospital.ports).state is DeviceState.APPROVED


def test_no_leaf_and_no_repr_holds_the_serial_number(hospital: Hospital) -> None:
    device = admit(hospital, PUMP, macs=(MAC,)).device
    admit(hospital, PUMP, macs=(OTHER_MAC,))
    with hospital.store.read() as uow:
        leaves = b"".join(uow.log.read_entries(0, 100))
    assert b"PUMP-1" not in leaves
    assert MAC.encode() not in leaves
    assert "PUMP-1" not in repr(device)
