"""Canaries in every input; then everything that we write down is searched for them."""

from __future__ import annotations

import json
import os
import sqlite3

import pytest

from mqtt_bridge import messages, topics
from mqtt_bridge.broker.interface import Address
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, TlsFiles, Will
from mqtt_bridge.errors import BridgeError
from registry import audit_trail
from service import control
from service.logs import ALLOWED
from tests.integration.wire.hand_made_client import Joining, as_device
from tests.integration.wire.hospital_running import (
    DISPLAY,
    SERIAL_NUMBER,
    RunningHospital,
    eventually,
)

PATIENT = "MRN-47110815-DOE"
"""Fits into a topic segment, a claim and a request id."""
HIDDEN = "PATIENT DOE^JANE 1956-04-01"
CANARIES = ("47110815", "DOE^JANE", SERIAL_NUMBER, "mtj1_")


def connect_quietly(settings: ClientSettings) -> None:
    client = MqttClient(settings, log=lambda _text, _error: None)
    try:
        client.connect(timeout=2.0)
    except BridgeError:
        return
    client.disconnect()


@pytest.fixture(scope="module")
def spoiled(both: RunningHospital) -> RunningHospital:
    """A hospital whose every input was filled with canaries."""
    device_id, device = both.enrolled(DISPLAY)
    _tell_everything(both, device_id)
    with as_device(both, device, device_id) as caller:
        up = f"mtr/1/d/{device_id}/up"
        for payload in _telemetry():
            caller.say(f"{up}/tele/posture", payload)
        caller.say(f"{up}/tele/{PATIENT.lower()}", b"{}")
        caller.say(f"{up}/state", json.dumps({"v": 1, "state": HIDDEN}).encode())
        caller.ask(f"{up}/confirm/{PATIENT}", json.dumps({"v": 1, "rid": PATIENT, "x": HIDDEN}).encode())
        caller.ask(f"{up}/renew/r1", HIDDEN.encode())
    assert eventually(lambda: len(both.events("telemetry.refused")) >= len(_telemetry()))
    return both


def _telemetry() -> list[bytes]:
    whole = {"v": 1, "ts": "2026-11-22T07:00:00Z", "boot": 9, "seq": 1, "uptime": 1}
    named = {"fw": {"name": PATIENT, "ver": "1", "sha256": "0" * 64}}
    return [
        HIDDEN.encode(),
        json.dumps(whole | {HIDDEN: 1}).encode(),
        json.dumps(whole | named).encode(),
        json.dumps(whole | {"fw": HIDDEN}).encode(),
        json.dumps({**whole, "ts": HIDDEN}).encode(),
    ]


def _tell_everything(both: RunningHospital, device_id: str) -> None:
    """By strangers: claims, client ids, wills, request ids, CSR subjects."""
    ca = TlsFiles(both.home.public / "root.pem")
    at = Address(*both.bootstrap)
    will = Will(f"mtr/1/b/{PATIENT}/x/up/hello", HIDDEN.encode())
    for claim, client_id in ((PATIENT, "0" * 32), (HIDDEN, "1" * 32), ("mtd-stranger00000", PATIENT)):
        connect_quietly(
            ClientSettings(at.host, at.port, client_id, "3.1.1", tls=ca, username=claim, will=will)
        )
    joining = Joining(both, PATIENT)
    with joining.connect() as caller:
        hello = messages.Hello(rid="r1", device_id=PATIENT, algorithms=["x"], client=HIDDEN)
        assert caller.ask(f"{joining.up}/hello", messages.encode(hello)).told == (400, "hello", "claim")
    joining = Joining(both, device_id)
    with joining.connect() as caller:
        hello = messages.Hello(rid=PATIENT, device_id=device_id, algorithms=["x"])
        assert caller.ask(f"{joining.up}/hello", messages.encode(hello)).told == (400, "hello", "rid")
        body = joining.body(joining.hello(caller), "mtj1_wrong", name=HIDDEN[:30])
        assert joining.send(caller, body).verb == "rejected"


def test_the_log_is_json_lines_of_allowed_keys(spoiled: RunningHospital) -> None:
    lines = spoiled.log_lines()
    assert len(lines) > 20
    assert {key for line in lines for key in line} <= ALLOWED | {"dropped_keys"}
    assert not [line for line in lines if "dropped_keys" in line]


def test_no_canary_in_the_log(spoiled: RunningHospital) -> None:
    text = spoiled.log.getvalue()
    assert [canary for canary in CANARIES if canary in text] == []


def test_no_canary_in_the_database(spoiled: RunningHospital) -> None:
    database = sqlite3.connect(spoiled.home.root / "registry.db")
    text = "\n".join(database.iterdump())
    database.close()
    kept = {SERIAL_NUMBER}  # the registry knows its devices' serial numbers: nobody else may
    assert [canary for canary in CANARIES if canary in text and canary not in kept] == []
    raw = b"".join(path.read_bytes() for path in sorted(spoiled.home.root.glob("registry.db*")))
    assert not [canary for canary in CANARIES if canary.encode() in raw and canary not in kept]


def test_no_canary_in_the_audit_log(spoiled: RunningHospital) -> None:
    text = repr(audit_trail.entries(ports=spoiled.ports, limit=10_000))
    assert "device.registered" in text
    assert [canary for canary in CANARIES if canary in text] == []


def test_no_canary_in_what_the_process_says_of_itself(spoiled: RunningHospital) -> None:
    said = repr((control.status(spoiled.home), control.wake(spoiled.home)))
    assert f"'pid': {os.getpid()}" in said
    assert [canary for canary in CANARIES if canary in said] == []


def test_topics_in_the_canarys_name_are_nobodys() -> None:
    assert topics.check("claim", PATIENT) == PATIENT
