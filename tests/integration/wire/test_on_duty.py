"""Devices with a certificate that go astray: other people's topics, retained requests, floods, forgeries."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mqtt_bridge import messages
from mqtt_bridge.device import telemetry
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.enroll import signatures
from mqtt_bridge.device.errors import Rejected
from mqtt_bridge.errors import BrokerRefused
from mqtt_bridge.octets import Octets
from pki import csr
from registry.model import transcript
from registry.model.appraisal import Tier
from registry.model.certificate import CertificateState
from registry.model.device import DeviceId
from registry.reappraisal import view
from registry.revocation import hold_device, release_device
from service.control import wake
from tests.integration.wire.hand_made_client import OTHER_KEY, Answer, Caller, Joining, as_device
from tests.integration.wire.hospital_running import DISPLAY, ENGINEER, FIRMWARE, RunningHospital, eventually

Found = tuple[DeviceId, Device]


@pytest.fixture(scope="module")
def one(both: RunningHospital) -> Found:
    """An enrolled device."""
    both.know_firmware()
    return both.enrolled(DISPLAY)


@pytest.fixture(scope="module")
def two(both: RunningHospital) -> Found:
    """Another one."""
    return both.enrolled(DISPLAY)


@pytest.fixture
def caller(both: RunningHospital, one: Found) -> Iterator[Caller]:
    """A hand-made client with the first device's certificate."""
    device_id, device = one
    with as_device(both, device, device_id) as made:
        yield made


def confirm(device: Device, device_id: str, fingerprint: bytes, rid: str = "c1") -> bytes:
    home = device._home
    signed = transcript.confirm(device_id, rid, fingerprint)
    said = signatures(home.key(home.active), signed)
    return messages.encode(messages.Confirm(rid=rid, fingerprint=fingerprint.hex(), signature=said))


def fingerprint_of(device: Device) -> bytes:
    return bytes.fromhex(device.certificate().fingerprint)


def test_a_foreign_certificate_cannot_be_confirmed(caller: Caller, one: Found, two: Found) -> None:
    device_id, device = one
    said = caller.ask(
        f"mtr/1/d/{device_id}/up/confirm/c1", confirm(device, device_id, fingerprint_of(two[1]))
    )
    assert said.told == (404, "confirm", "fingerprint")


def test_a_confirmation_by_other_keys_is_refused(caller: Caller, one: Found) -> None:
    device_id, device = one
    fingerprint = fingerprint_of(device)
    forged = messages.Confirm(
        rid="c2",
        fingerprint=fingerprint.hex(),
        signature=signatures(OTHER_KEY, transcript.confirm(device_id, "c2", fingerprint)),
    )
    said = caller.ask(f"mtr/1/d/{device_id}/up/confirm/c2", messages.encode(forged))
    assert said.told == (401, "confirm", "signature.classical")


def renewal(device: Device, device_id: str, rid: str, fingerprint: bytes) -> dict[str, Any]:
    home = device._home
    request = csr.build(OTHER_KEY, common_name=device_id)
    signed = transcript.renew(request, device_id, rid, fingerprint)
    message = messages.Renew(
        rid=rid,
        csr=Octets(request),
        current_fingerprint=fingerprint.hex(),
        proof=signatures(OTHER_KEY, signed),
        current_proof=signatures(home.key(home.active), signed),
    )
    found: dict[str, Any] = json.loads(messages.encode(message))
    return found


def renew(caller: Caller, device_id: str, rid: str, body: dict[str, Any]) -> Answer:
    return caller.ask(f"mtr/1/d/{device_id}/up/renew/{rid}", json.dumps(body).encode())


def test_a_renewal_needs_the_current_keys_and_the_current_certificate(
    caller: Caller, one: Found, two: Found
) -> None:
    device_id, device = one
    foreign = renewal(device, device_id, "r1", fingerprint_of(two[1]))
    assert renew(caller, device_id, "r1", foreign).told == (401, "renew", "current_fingerprint")
    stolen = renewal(device, device_id, "r2", fingerprint_of(device))
    stolen["current_proof"] = stolen["proof"]
    assert renew(caller, device_id, "r2", stolen).told == (401, "renew", "current_proof.classical")


def test_nobody_speaks_in_anothers_name(
    both: RunningHospital, caller: Caller, one: Found, two: Found
) -> None:
    other = two[0]
    before = len(both.log_lines())
    caller.say(f"mtr/1/d/{other}/up/confirm/x1", confirm(two[1], other, fingerprint_of(two[1]), "x1"))
    caller.say(f"mtr/1/d/{other}/up/tele/posture", b"{}")
    caller.say(f"mtr/1/d/{other}/down/notice", b'{"v":1}')
    said = caller.ask(f"mtr/1/d/{one[0]}/up/confirm/c3", b"{}")
    assert said.told[:2] == (400, "confirm")
    news = both.log_lines()[before:]
    assert not [line for line in news if line.get("device_id") == other]
    assert [line["step"] for line in news if line["event"] == "bridge.answered"] == ["confirm"]


def test_an_answer_goes_only_under_the_callers_own_topic(
    both: RunningHospital, one: Found, two: Found
) -> None:
    if both.at.broker == "embedded":
        pytest.skip("the embedded broker speaks MQTT 3.1.1, which has no response topic")
    joining = Joining(both, both.admit(), protocol="5")
    hello = messages.Hello(rid=joining.rid, device_id=joining.device_id, algorithms=["x"])
    with as_device(both, two[1], two[0]) as victim, joining.connect() as caller:
        topic = f"mtr/1/d/{two[0]}/down/notice"
        caller.say(f"{joining.up}/hello", messages.encode(hello), response_topic=topic)
        assert caller.hear().verb == "challenge"
        with pytest.raises(queue.Empty):
            victim.hear(timeout=0.3)


def test_a_retained_request_is_ignored(both: RunningHospital, caller: Caller, one: Found) -> None:
    if both.at.broker == "embedded":
        pytest.skip("the embedded broker keeps nothing over a restart")
    device_id, device = one
    topic = f"mtr/1/d/{device_id}/up/confirm"
    caller.say(f"{topic}/k1", confirm(device, device_id, fingerprint_of(device), "k1"), retain=True)
    caller.ask(f"{topic}/k2", b"{}")
    both.stop()
    both.start()
    with as_device(both, device, device_id) as again:
        heard = [again.ask(f"{topic}/k3", b"{}").body["rid"]]
    assert "k1" not in heard
    assert both.events("bridge.retained_request_ignored")


def test_a_stranger_hears_nothing_of_the_others(both: RunningHospital, one: Found) -> None:
    one[1].connect()
    stranger = Joining(both, "mtd-honest0000000000")
    with stranger.connect() as caller:
        stranger.hello(caller)
        stranger.rid = "again"
        stranger.hello(caller)
    assert caller.strays == []


def test_evidence_is_not_taken_yet(caller: Caller, one: Found) -> None:
    assert caller.ask(f"mtr/1/d/{one[0]}/up/evidence/e1", b"{}").told == (400, "evidence", "topic")


def test_a_flood_from_one_is_slowed_and_another_is_answered(
    both: RunningHospital, one: Found, two: Found
) -> None:
    with as_device(both, one[1], one[0]) as flooder, as_device(both, two[1], two[0]) as quiet:
        for number in range(400):
            flooder.say(f"mtr/1/d/{one[0]}/up/confirm/f{number}", b"{}")
        said = quiet.ask(f"mtr/1/d/{two[0]}/up/confirm/q1", b"{}")
        assert said.body["status"] == 400
        statuses = [flooder.hear().body["status"] for _ in range(400)]
    assert statuses.count(429) > 300
    assert statuses.count(400) >= 20
    assert set(statuses) == {400, 429}


def test_telemetry_that_is_not_ours_is_refused_and_told(
    both: RunningHospital, caller: Caller, one: Found
) -> None:
    topic = f"mtr/1/d/{one[0]}/up/tele/posture"
    for payload in (b"{", b"[]", b"\xff\xfe", b'{"v":1,"patient":"DOE"}', bytes(20_000)):
        caller.say(topic, payload)
    assert eventually(lambda: len(both.events("telemetry.refused")) == 5)
    assert {line["device_id"] for line in both.events("telemetry.refused")} == {one[0]}


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
            certificate_fingerprint=fingerprint_of(device),
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
