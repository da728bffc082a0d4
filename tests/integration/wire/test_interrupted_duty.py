"""Duty that is interrupted: by a hold, by a restart, by a batch that is delivered again."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from mqtt_bridge.device import telemetry
from mqtt_bridge.device.errors import Rejected
from mqtt_bridge.errors import BrokerRefused
from registry.model.appraisal import Tier
from registry.model.certificate import CertificateState
from registry.reappraisal import view
from registry.revocation import hold_device, release_device
from service.control import wake
from tests.integration.wire.hand_made_client import Joining, as_device
from tests.integration.wire.hospital_running import DISPLAY, ENGINEER, FIRMWARE, RunningHospital, eventually


def test_hold_keeps_out_and_release_lets_in(both: RunningHospital) -> None:
    device_id, device = both.enrolled(DISPLAY)
    hold_device(device_id, "looked odd", ENGINEER, ports=both.ports)
    wake(both.home)
    assert device.on_disconnected.wait(2)
    with pytest.raises(BrokerRefused):
        device.connect()
    release_device(device_id, ENGINEER, ports=both.ports)
    wake(both.home)
    device.connect()
    assert device.is_connected
    with both.ports.store.read() as uow:
        assert [c.state for c in uow.certificates.of_device(device_id)] == [CertificateState.ACTIVE]


def test_a_held_device_cannot_renew(both: RunningHospital) -> None:
    device_id, device = both.enrolled(DISPLAY)
    both.daemon.effects.stop()
    try:
        # The list has not reached the broker yet: the device still has its session and asks.
        hold_device(device_id, "looked odd", ENGINEER, ports=both.ports)
        with pytest.raises(Rejected) as refused:
            device.renew()
        problem = refused.value.problem_details
        assert (problem.status, problem.step, problem.field) == (401, "renew", "current_fingerprint")
    finally:
        both.stop()
        both.start()
    with both.ports.store.read() as uow:
        assert [c.state for c in uow.certificates.of_device(device_id)] == [CertificateState.HELD]


def test_a_repeated_enrolment_is_answered_the_same_after_a_restart(both: RunningHospital) -> None:
    device_id = both.admit()
    joining = Joining(both, device_id)
    with joining.connect() as first:
        body = joining.body(joining.hello(first), both.token(device_id))
        said = joining.send(first, body)
    both.stop()
    both.start()
    with joining.connect() as second:
        assert joining.send(second, body).body == said.body
    with both.ports.store.read() as uow:
        assert len(uow.certificates.of_device(device_id)) == 1


def test_telemetry_that_is_delivered_again_is_no_clone(both: RunningHospital) -> None:
    """A bridge that was killed between commit and acknowledgement hears a whole batch once more."""
    both.know_firmware()
    device_id, device = both.enrolled(DISPLAY)
    start = datetime.now(UTC)
    batch = [
        telemetry.claims(
            telemetry.with_changes(telemetry.Posture(), {"fw": {"sha256": FIRMWARE}}),
            boot=1,
            seq=seq,
            uptime=seq,
            now=start,
            certificate_fingerprint=bytes.fromhex(device.certificate().fingerprint),
            anchor_fingerprint=bytes(32),
        )
        for seq in range(1, 25)
    ]
    topic = f"mtr/1/d/{device_id}/up/tele/posture"
    with as_device(both, device, device_id) as caller:
        for payload in batch:
            caller.say(topic, payload)
        assert eventually(lambda: both.tier(device_id) is Tier.TRUSTED)
        for payload in batch:
            caller.say(topic, payload)
        caller.ask(f"mtr/1/d/{device_id}/up/confirm/z1", b"{}")
        assert eventually(lambda: view(device_id, ports=both.ports).messages >= 24)
        time.sleep(0.3)
        assert both.tier(device_id) is Tier.TRUSTED, view(device_id, ports=both.ports).explanation
