"""The device's daily life, against a registry in a box: telemetry, renewal, loss, refusal, restart."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mqtt_bridge import messages as m
from mqtt_bridge.client_settings import Message
from mqtt_bridge.device import session
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.errors import NotConnected, Rejected, WrongInput
from mqtt_bridge.errors import BrokerRefused, BrokerUnreachable
from registry.trust.claims import admit
from tests.unit.mqtt_bridge.device_authority import DEVICE, NOW, TOKEN, house
from tests.unit.mqtt_bridge.device_fixtures import BoxedLink, BoxedRegistry

QUICK = session.Backoff(first=0.001, most=0.002)


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def device(tmp_path: Path, registry: BoxedRegistry, clock: Clock | None = None) -> Device:
    return Device(
        tmp_path / "state",
        house().root_pem,
        link_factory=registry.link,
        clock=clock or Clock(),
        timeout=0.02,
    )


def enrolled(tmp_path: Path, registry: BoxedRegistry, clock: Clock | None = None) -> Device:
    made = device(tmp_path, registry, clock)
    made.enroll(bootstrap=("bootstrap.test", 8884), token=TOKEN, device_id=DEVICE)
    return made


def told(registry: BoxedRegistry, verb: str) -> list[dict[str, object]]:
    return [json.loads(payload) for each, payload, _ in registry.told if each == verb]


def life(clock: Clock, count: int | None = None) -> session.Life:
    return session.Life(0.001, count, clock, lambda *_: None)


def test_telemetry_passes_the_registrys_own_guard(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    with enrolled(tmp_path, registry) as made:
        made.publish_telemetry(dbg=True, fw={"sha256": "ab" * 32}, cpu=12.5)
        fingerprint = made.certificate().fingerprint
    (payload,) = [payload for verb, payload, _ in registry.told if verb == "tele"]
    said = admit(payload).as_dict()
    assert (said["dbg"], said["cert_fp"], said["cpu"], said["seq"]) == (True, fingerprint, 12.5, 1)
    assert said["fw"] == {"name": "reference-device", "ver": "1.0.0", "sha256": "ab" * 32}


def test_a_claim_outside_the_schema_is_named(tmp_path: Path) -> None:
    with enrolled(tmp_path, BoxedRegistry()) as made, pytest.raises(WrongInput, match="cpu"):
        made.publish_telemetry(cpu=300)


def test_birth_and_goodbye_are_retained_and_the_will_stands(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    enrolled(tmp_path, registry).close()
    states = [(m.decode(m.Presence, p, "state").state, kept) for v, p, kept in registry.told if v == "state"]
    assert states == [("online", True), ("offline", True)]
    will = registry.links[-1].settings.will
    assert will is not None
    assert (will.topic, will.retain) == (f"mtr/1/d/{DEVICE}/up/state", True)
    assert m.decode(m.Presence, will.payload, "state").state == "offline"


def test_boot_rises_at_each_start_and_seq_never_falls(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    with enrolled(tmp_path, registry) as made:
        made.publish_telemetry()
    for _ in range(2):
        with device(tmp_path, registry) as made:
            made.connect()
            made.publish_telemetry()
            made.publish_telemetry()
    counters = [(each["boot"], each["seq"]) for each in told(registry, "tele")]
    assert counters == [(1, 1), (2, 2), (2, 3), (3, 4), (3, 5)]


def test_a_renewal_makes_new_keys_and_the_old_ones_go_after_confirm(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    with enrolled(tmp_path, registry) as made:
        before = made.certificate()
        after = made.renew()
        assert after.fingerprint != before.fingerprint
        assert registry.active == [before.fingerprint, after.fingerprint]
        assert registry.links[-1].fingerprint == after.fingerprint
    assert [each.name for each in (tmp_path / "state").iterdir() if each.is_dir()] == ["1"]


def test_a_new_certificate_that_is_refused_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    no = m.Problem(status=410, title="Gone", step="confirm", detail="Void.")
    with enrolled(tmp_path, registry) as made:
        before = made.certificate().fingerprint
        registry.change["confirm"] = lambda _: no
        assert made.renew().fingerprint == before
        assert (made.is_connected, made.state) == (True, "active")
        assert registry.links[-1].fingerprint == before


def test_a_renewal_that_was_interrupted_goes_on_with_the_same_request(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    enrolled(tmp_path, registry).close()
    registry.lose["renew"] = 3
    with device(tmp_path, registry) as made:
        made.connect()
        with pytest.raises(Exception, match="did not answer"):
            made.renew()
    with device(tmp_path, registry) as made:
        made.connect()
        assert made.state == "renewing"
        assert made.renew().fingerprint == registry.issued[-1]
    assert len(registry.issued) == 2


def test_a_refused_renewal_says_so_and_forgets_its_keys(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    registry.change["renew"] = lambda _: m.Problem(status=403, title="Held", step="renew.policy")
    with enrolled(tmp_path, registry) as made:
        with pytest.raises(Rejected, match="Held"):
            made.renew()
        assert made.state == "active"


def test_run_renews_when_two_thirds_of_the_life_are_over(tmp_path: Path) -> None:
    registry, clock = BoxedRegistry(), Clock()
    with enrolled(tmp_path, registry, clock) as made:
        first = made.certificate()
        life_time = first.not_after - first.not_before
        share = (first.renew_at - first.not_before) / life_time
        assert 2 / 3 - 0.05 <= share <= 2 / 3 + 0.05
        session.run(made, life(clock, 1), threading.Event(), QUICK)
        assert len(registry.issued) == 1
        clock.now = first.renew_at + timedelta(seconds=1)
        registry.change["renew"] = lambda answer: m.Problem(status=503, title="Busy", step="renew")
        session.run(made, life(clock, 1), threading.Event(), QUICK)
        assert made.certificate() == first
        assert len(told(registry, "tele")) == 2


def test_a_cut_is_timed_and_ends_the_run_as_refused(tmp_path: Path) -> None:
    registry, clock = BoxedRegistry(), Clock()
    with enrolled(tmp_path, registry, clock) as made:
        made.publish_telemetry()
        assert not made.on_disconnected.wait(0)
        registry.cut()
        assert made.on_disconnected.wait(1)
        assert made.on_disconnected.at is not None
        assert made.on_disconnected.reason == "session taken over"
        with pytest.raises(NotConnected):
            made.publish_telemetry()
        with pytest.raises(BrokerRefused, match="revoked") as refused:
            session.run(made, life(clock), threading.Event(), QUICK)
        assert refused.value.kind == "refused"


def test_a_lost_session_comes_back(tmp_path: Path) -> None:
    registry, clock = BoxedRegistry(), Clock()
    with enrolled(tmp_path, registry, clock) as made:
        registry.links[-1].lose("network gone")
        assert session.run(made, life(clock, 2), threading.Event(), QUICK) == 2
        assert len(registry.links) == 3


def test_run_waits_for_a_broker_that_is_away_and_stops_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, clock, stop = BoxedRegistry(), Clock(), threading.Event()
    enrolled(tmp_path, registry, clock).close()
    attempts: list[float] = []

    def away(self: BoxedLink, timeout: float = 10.0) -> None:
        attempts.append(timeout)
        if len(attempts) == 3:
            stop.set()
        raise BrokerUnreachable("nobody there")

    monkeypatch.setattr(BoxedLink, "connect", away)
    with device(tmp_path, registry, clock) as made:
        assert session.run(made, life(clock), stop, QUICK) == 0
    assert len(attempts) == 3


def test_notices_are_handed_on_and_replays_are_not(tmp_path: Path) -> None:
    registry, seen = BoxedRegistry(), list[m.Notice]()
    made = Device(
        tmp_path / "state",
        house().root_pem,
        link_factory=registry.link,
        clock=Clock(),
        on_notice=seen.append,
        timeout=0.02,
    )
    with made:
        made.enroll(bootstrap=("bootstrap.test", 8884), token=TOKEN, device_id=DEVICE)
        handler = registry.links[-1].on_message
        assert handler is not None
        notice = m.encode(m.Notice(kind="hold", detail="Call us.", at="2026-11-22T06:00:00Z"))
        topic = f"mtr/1/d/{DEVICE}/down/notice"
        handler(Message(topic, notice, 1, False, 1))
        handler(Message(topic, notice, 1, True, 2))
        handler(Message(topic, b"junk", 1, False, 3))
        handler(Message("some/where/else", notice, 1, False, 4))
    assert [each.kind for each in seen] == ["hold"]
