"""Who sends more than there is reason to is slowed, stranger or device; the others do not wait for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mqtt_bridge import messages
from registry.model.device import DeviceId
from tests.integration.wire.hand_made_client import Joining, as_device
from tests.integration.wire.hospital_running import DISPLAY, RunningHospital, eventually


def posture(seq: int) -> bytes:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"v": 1, "ts": at, "boot": 9, "seq": seq, "uptime": seq}).encode()


def judged(both: RunningHospital, device_id: DeviceId) -> int:
    with both.ports.store.read() as uow:
        record = uow.trust.get(device_id)
    return record.messages if record else 0


def test_a_stranger_who_names_a_device_does_not_use_up_its_requests(both: RunningHospital) -> None:
    device_id, device = both.enrolled(DISPLAY)
    stranger = Joining(both, device_id)
    with stranger.connect() as bootstrap:
        for number in range(60):
            hello = messages.Hello(
                rid=f"s{number}", device_id=device_id, algorithms=[messages.HYBRID_ALGORITHMS]
            )
            bootstrap.say(f"{stranger.up}/hello", messages.encode(hello))
        verbs = [bootstrap.hear().verb for _ in range(60)]
        assert verbs.count("rejected") > 30
        with as_device(both, device, device_id) as own:
            said = own.ask(f"mtr/1/d/{device_id}/up/confirm/q1", b"{}")
        assert said.body["status"] == 400
        # Nor a hello of its own, which comes from a session of its own.
        itself = Joining(both, device_id)
        with itself.connect() as caller:
            assert len(itself.hello(caller)) == 32


def test_telemetry_beyond_the_limit_is_put_aside_and_told_once(both: RunningHospital) -> None:
    if both.at.broker == "embedded":
        pytest.skip("the embedded broker is itself slower than the limit (ADR 3)")
    (flooding, device), (quiet, other) = both.enrolled(DISPLAY), both.enrolled(DISPLAY)
    with as_device(both, device, flooding) as flooder, as_device(both, other, quiet) as caller:
        for seq in range(1, 1_501):
            flooder.say(f"mtr/1/d/{flooding}/up/tele/posture", posture(seq))
        caller.say(f"mtr/1/d/{quiet}/up/tele/posture", posture(1))
        assert eventually(lambda: judged(both, quiet) == 1)
        assert eventually(lambda: judged(both, flooding) >= 200)
        assert judged(both, flooding) < 700
        told = [line["device_id"] for line in both.events("bridge.flood")]
        assert told == [flooding]
        # Slowed, not shut out.
        before = judged(both, flooding)
        flooder.say(f"mtr/1/d/{flooding}/up/tele/posture", posture(2_000))
        assert eventually(lambda: judged(both, flooding) > before)


def test_a_flood_of_strangers_is_not_answered_and_a_device_does_not_wait(both: RunningHospital) -> None:
    if both.at.broker == "embedded":
        pytest.skip("the embedded broker is itself slower than the limit (ADR 3)")
    device_id, device = both.enrolled(DISPLAY)
    stranger = Joining(both, "mtd-flooding00000000")
    with stranger.connect() as bootstrap, as_device(both, device, device_id) as own:
        for _ in range(3_000):
            bootstrap.say(f"{stranger.up}/hello", b"{")
        assert own.ask(f"mtr/1/d/{device_id}/up/confirm/q1", b"{}").body["status"] == 400
        assert eventually(lambda: any(not line["device_id"] for line in both.events("bridge.flood")))
        assert len([line for line in both.events("request.refused") if line["status"] == 429]) < 2_000
