"""An issuing CA is succeeded: devices of the old one come back and renew under the new one; new ones join."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pki.tbs import Certificate
from registry.model.certificate import certificate_serial
from registry.revocation import revoke_device
from service import logs
from service.authority import certificate_file, unlock
from service.ceremony import Room, draft_of, perform
from service.doctor import Level, examine
from service.own_signers import renewed
from service.pem import read_certificate
from service.rollover import Successor, rollover_text
from service.settings import read_settings
from tests.integration.wire.hospital_running import (
    DISPLAY,
    ENGINEER,
    PASSPHRASE,
    RunningHospital,
    eventually,
    running_hospital,
)
from tests.tools import require_tool


@pytest.fixture(params=["mosquitto", "embedded"])
def hospital(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    if request.param == "mosquitto":
        require_tool("mosquitto", "the MQTT broker of the product")
    before = os.umask(0o077)
    with running_hospital(tmp_path_factory.mktemp(f"rollover-{request.param}"), request.param) as made:
        yield made
    os.umask(before)


def succeed(hospital: RunningHospital, name: str, wanted: Successor) -> None:
    room = Room(
        home=hospital.home,
        settings=read_settings(hospital.home),
        passphrase=PASSPHRASE,
        actor=ENGINEER,
        tell=lambda _step: None,
    )
    perform(draft_of(room, rollover_text(room.scene(), name, wanted)), room)
    checks = {check.name: check for check in examine(hospital.runtime).checks}
    # A new root opens nothing new in the running process; a new issuing CA must be opened.
    assert checks["process"].level is (Level.WARNING if name == "issuing" else Level.OK)
    hospital.stop()
    opened = unlock(hospital.home, room.settings, PASSPHRASE)
    hospital._authority = renewed(opened, hospital.runtime, PASSPHRASE, logs.get("medtrust"))
    hospital.start()
    checks = {check.name: check for check in examine(hospital.runtime).checks}
    assert checks["process"].level is Level.OK


def issuer_of(hospital: RunningHospital, serial: str) -> str:
    with hospital.ports.store.read() as uow:
        record = uow.certificates.get(certificate_serial(f"0x{int(serial, 16):x}"))
    assert record is not None
    assert record.der is not None
    issuer = read_certificate(certificate_file(hospital.home, record.issuer))
    assert Certificate.parse(record.der).issuer == issuer.subject
    return record.issuer


def test_devices_live_through_the_succession_of_their_ca(hospital: RunningHospital) -> None:
    old_id, old = hospital.enrolled(DISPLAY)
    assert issuer_of(hospital, old.certificate().certificate_serial) == "issuing"
    succeed(hospital, "issuing", Successor())
    old.connect()
    old.publish_telemetry(fw={"sha256": "00" * 32})
    assert eventually(lambda: hospital.tier(old_id) is not None, within=20)
    assert issuer_of(hospital, old.renew().certificate_serial) == "issuing-2"
    _, new = hospital.enrolled(DISPLAY)
    assert issuer_of(hospital, new.certificate().certificate_serial) == "issuing-2"
    assert eventually(lambda: {"issuing", "issuing-2"} <= published(hospital))
    revoke_device(old_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert old.on_disconnected.wait(10)


def test_devices_that_pin_the_old_root_follow_to_the_new_one(hospital: RunningHospital) -> None:
    old_pin = hospital.root_pem
    _, old = hospital.enrolled(DISPLAY)
    succeed(hospital, "root", Successor())
    old.connect()
    assert issuer_of(hospital, old.renew().certificate_serial) == "issuing"
    succeed(hospital, "issuing", Successor(issuer="root-2"))
    old.connect()
    assert issuer_of(hospital, old.renew().certificate_serial) == "issuing-2"
    assert hospital.root_pem == old_pin
    _, new = hospital.enrolled(DISPLAY)
    assert issuer_of(hospital, new.certificate().certificate_serial) == "issuing-2"
    # And one out of the box that pins the new root alone.
    (hospital.home.public / "root.pem").write_bytes((hospital.home.public / "root-2.pem").read_bytes())
    _, newest = hospital.enrolled(DISPLAY)
    assert issuer_of(hospital, newest.certificate().certificate_serial) == "issuing-2"


def published(hospital: RunningHospital) -> set[str]:
    return {path.stem for path in hospital.home.public.glob("*.crl")}
