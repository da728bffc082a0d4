"""What time does: intentions without a certificate, confirmations that never came, expiry; each run twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pki.crl_list import CertificateList
from registry.enrollment import enroll
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.model.device import DeviceState
from registry.model.errors import Conflict, DependencyDown, RegistryError
from registry.publication import publish
from registry.status import StatusKind, certificate_status
from registry.tokens import create_token
from registry.upkeep import expire, reconcile_intentions, void_unconfirmed
from tests.unit.registry.faults import Crash, crash, interrupted
from tests.unit.registry.hospital import (
    DISPLAY,
    ENGINEER,
    MONITOR,
    PUMP,
    VENTILATOR,
    Hospital,
    device_key,
)

UPKEEP = job("upkeep")


def alarms(hospital: Hospital) -> list[str]:
    with hospital.store.read() as uow:
        return [alarm.rule for alarm in uow.alarms.open()]


def raising_at(path: Path, event: str) -> None:
    """A trigger that stands for a disk that is full just then."""
    engine = create_engine(f"sqlite:///{path / 'registry.db'}")
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TRIGGER full {event} BEGIN SELECT RAISE(ABORT, 'full'); END"))
    engine.dispose()


def without_trigger(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path / 'registry.db'}")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    engine.dispose()


def test_a_crash_after_the_signature_is_found_listed_and_costs_no_token(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    with pytest.raises(Crash):
        enroll(
            hospital.request_with(device, token, "r1"),
            ports=hospital.ports,
            parts=interrupted(hospital, crash),
        )
    (orphan,) = hospital.certificates()
    assert (orphan.state, orphan.der) == (CertificateState.INTENDED, None)
    assert reconcile_intentions(UPKEEP, ports=hospital.ports) == 0
    hospital.wait(minutes=3)
    assert reconcile_intentions(UPKEEP, ports=hospital.ports) == 1
    assert reconcile_intentions(UPKEEP, ports=hospital.ports) == 0
    assert hospital.certificate(orphan.certificate_serial).state is CertificateState.ABANDONED
    assert hospital.owed() == [("publish_crl", None)]
    listed = CertificateList.parse(publish(hospital.signer, UPKEEP, ports=hospital.ports).der)
    assert int(orphan.certificate_serial, 16) in listed.serials
    with hospital.store.read() as uow:
        status = certificate_status(int(orphan.certificate_serial, 16), uow)
    assert status.kind is StatusKind.REVOKED
    again = enroll(
        hospital.request_with(device, token, "r2"), ports=hospital.ports, parts=hospital.parts
    ).certificate
    assert again.state is CertificateState.PENDING
    assert again.certificate_serial != orphan.certificate_serial
    with pytest.raises(Conflict, match="used before"):
        enroll(hospital.request_with(device, token, "r3"), ports=hospital.ports, parts=hospital.parts)


@pytest.mark.parametrize(
    "event",
    [
        "BEFORE UPDATE OF der ON certificate WHEN NEW.der IS NOT NULL",
        "BEFORE INSERT ON request",
        "BEFORE INSERT ON audit_entry WHEN instr(NEW.leaf, CAST('certificate.issued' AS BLOB))",
    ],
)
def test_a_fact_that_cannot_be_written_is_all_or_nothing(
    hospital: Hospital, tmp_path: Path, event: str
) -> None:
    device = hospital.admit(PUMP)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    request = hospital.request_with(device, token, "r1")
    raising_at(tmp_path, event)
    with pytest.raises(RegistryError):
        enroll(request, ports=hospital.ports, parts=hospital.parts)
    without_trigger(tmp_path)
    (orphan,) = hospital.certificates()
    assert orphan.state is CertificateState.INTENDED
    assert "certificate.issued" not in hospital.log_kinds()
    with hospital.store.read() as uow:
        assert uow.enrollments.answered(device.device_id, "r1") is None
    hospital.wait(minutes=3)
    assert reconcile_intentions(UPKEEP, ports=hospital.ports) == 1
    assert hospital.device(device.device_id).state is DeviceState.APPROVED
    second = hospital.request_with(device, token, "r2")
    assert enroll(second, ports=hospital.ports, parts=hospital.parts).certificate.der


@pytest.mark.parametrize(
    "event", ["BEFORE INSERT ON certificate", "BEFORE UPDATE ON join_token", "BEFORE UPDATE ON device"]
)
def test_an_intention_that_cannot_be_written_is_never_signed(
    hospital: Hospital, tmp_path: Path, event: str
) -> None:
    device = hospital.admit(PUMP)
    request = hospital.request(device)
    raising_at(tmp_path, event)
    signed: list[bool] = []
    with pytest.raises(RegistryError):
        enroll(request, ports=hospital.ports, parts=interrupted(hospital, lambda: signed.append(True)))
    assert (signed, hospital.certificates()) == ([], [])
    without_trigger(tmp_path)
    assert enroll(request, ports=hospital.ports, parts=hospital.parts).certificate.der


def test_what_was_given_up_while_it_was_signed_is_not_recorded(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)

    def slow() -> None:
        hospital.wait(minutes=5)
        assert reconcile_intentions(UPKEEP, ports=hospital.ports) == 1

    with pytest.raises(Conflict, match="given up"):
        enroll(hospital.request(device), ports=hospital.ports, parts=interrupted(hospital, slow))
    assert [c.state for c in hospital.certificates()] == [CertificateState.ABANDONED]


@pytest.mark.parametrize("label", [DISPLAY, MONITOR])
def test_what_was_never_confirmed_is_void_after_an_hour(hospital: Hospital, label: str) -> None:
    device = hospital.admit(label)
    pending = hospital.enroll(device).certificate
    hospital.wait(minutes=60)
    assert void_unconfirmed(UPKEEP, ports=hospital.ports) == 0
    hospital.wait(seconds=1)
    assert void_unconfirmed(UPKEEP, ports=hospital.ports) == 1
    assert void_unconfirmed(UPKEEP, ports=hospital.ports) == 0
    assert hospital.certificate(pending.certificate_serial).state is CertificateState.VOID
    assert hospital.device(device.device_id).state is DeviceState.APPROVED
    assert hospital.owed() == [("publish_crl", None)]
    assert hospital.confirm(hospital.enroll(device, "r2")).state is CertificateState.ACTIVE


@pytest.mark.parametrize("label", [PUMP, VENTILATOR])
def test_where_a_patient_hangs_it_stays_valid_and_a_person_is_alarmed(hospital: Hospital, label: str) -> None:
    enrolled = hospital.enroll(hospital.admit(label))
    hospital.wait(hours=48)
    for _ in range(2):
        assert void_unconfirmed(UPKEEP, ports=hospital.ports) == 0
    assert hospital.certificate(enrolled.certificate.certificate_serial) == enrolled.certificate
    assert alarms(hospital) == ["certificate.unconfirmed"]
    assert hospital.owed() == []
    assert hospital.confirm(enrolled).state is CertificateState.ACTIVE


def test_a_person_may_void_it_even_there(hospital: Hospital) -> None:
    hospital.enroll(hospital.admit(VENTILATOR))
    hospital.wait(hours=2)
    assert void_unconfirmed(ENGINEER, ports=hospital.ports) == 1


def test_a_void_renewal_leaves_the_device_on_its_old_certificate(hospital: Hospital) -> None:
    device, old = hospital.active(DISPLAY)
    hospital.renew(device, old, key=device_key(1))
    hospital.wait(hours=2)
    assert void_unconfirmed(UPKEEP, ports=hospital.ports) == 1
    assert hospital.device(device.device_id).state is DeviceState.ACTIVE
    assert hospital.certificate(old.certificate_serial) == old


@pytest.mark.parametrize(
    ("label", "cut"), [(DISPLAY, True), (MONITOR, True), (PUMP, False), (VENTILATOR, False)]
)
def test_expiry_cuts_only_where_no_patient_hangs_and_always_alarms(
    hospital: Hospital, label: str, cut: bool
) -> None:
    device, record = hospital.active(label)
    hospital.now = record.not_after
    assert expire(UPKEEP, ports=hospital.ports) == 0
    hospital.wait(seconds=1)
    assert expire(UPKEEP, ports=hospital.ports) == 1
    assert expire(UPKEEP, ports=hospital.ports) == 0
    assert hospital.certificate(record.certificate_serial).state is CertificateState.EXPIRED
    assert alarms(hospital) == ["certificate.expired"]
    assert hospital.owed() == ([("cut", device.device_id)] if cut else [])


def test_expiry_beside_a_renewed_certificate_is_quiet(hospital: Hospital) -> None:
    device, old = hospital.active(DISPLAY)
    hospital.wait(days=300)
    hospital.renew(device, old, key=device_key(1))
    hospital.now = old.not_after
    hospital.wait(seconds=1)
    assert expire(UPKEEP, ports=hospital.ports) == 1
    assert (alarms(hospital), hospital.owed()) == ([], [])


def test_a_clock_that_went_back_issues_nothing(hospital: Hospital) -> None:
    hospital.active(PUMP)
    device = hospital.admit(VENTILATOR)
    request = hospital.request(device)
    hospital.wait(minutes=-6)
    with pytest.raises(DependencyDown, match="clock") as refused:
        enroll(request, ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == "clock"
    assert len(hospital.certificates()) == 1
    hospital.wait(minutes=5)
    assert enroll(request, ports=hospital.ports, parts=hospital.parts).certificate.der
