"""Devices with a certificate that go astray: other people's topics, retained requests, floods, forgeries."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mqtt_bridge import messages
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.enroll import signatures
from mqtt_bridge.octets import Octets
from pki import csr
from registry.model import transcript
from registry.model.device import DeviceId
from tests.integration.wire.hand_made_client import OTHER_KEY, Answer, Caller, Joining, as_device
from tests.integration.wire.hospital_running import DISPLAY, RunningHospital, eventually

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

    def answered() -> list[str]:
        news = both.log_lines()[before:]
        assert not [line for line in news if line.get("device_id") == other]
        return [line["step"] for line in news if line["event"] == "bridge.answered"]

    # The caller may hear the answer before the line about it is written.
    assert eventually(lambda: answered() == ["confirm"])


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
        time.sleep(4.0)  # what the tests before took of its twenty at once has come back, at five a second
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
