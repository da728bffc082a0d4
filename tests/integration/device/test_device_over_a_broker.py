"""The reference device over a real broker of each kind, real TLS, and a real little CA behind a bridge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from mqtt_bridge import messages as m
from mqtt_bridge import topics
from mqtt_bridge.broker.choice import choose_broker
from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.interface import Address, Broker
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Message
from mqtt_bridge.device import files, session
from mqtt_bridge.device.device import Device, utc_now
from mqtt_bridge.errors import BrokerRefused
from pki import crl, profiles, template
from pki.algorithms import KeyAlgorithm
from pki.crl_list import RevokedEntry
from pki.keys import HybridPrivateKey
from pki.tbs import sign
from tests.integration.broker.conftest import free_port
from tests.tools import require_tool
from tests.unit.mqtt_bridge.device_authority import DEVICE, NOW, TOKEN, house
from tests.unit.mqtt_bridge.device_fixtures import BoxedRegistry

Kind = Literal["mosquitto", "embedded"]


def revocation_list(number: int, *revoked: int) -> bytes:
    issuing, now = house().issuing, datetime.now(UTC).replace(microsecond=0)
    der = crl.build_crl(
        issuer_name=issuing.certificate.subject,
        authority_key_identifier=issuing.certificate.public_key.key_identifier,
        key=issuing.key,
        entries=[RevokedEntry(serial, now) for serial in revoked],
        crl_number=number,
        this_update=now - timedelta(minutes=1),
        next_update=now + timedelta(days=1),
    )
    return crl.to_pem(der).encode()


def plan(room: Path) -> BrokerPlan:
    """Our own SERVER profile for the broker: what the product runs on."""
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    ca = house()
    unsigned = template.unsigned_certificate(
        profiles.SERVER,
        profiles.SubjectFacts(common_name="broker", ip_addresses=("127.0.0.1",)),
        key.public,
        ca.issuing.identity,
        serial=50,
        not_before=NOW - timedelta(minutes=5),
        not_after=NOW + timedelta(days=3650),
        urls=profiles.StatusUrls(),
    )
    issuing = ca.issuing.certificate.der
    files.write(room / "server.pem", files.certificates_pem([sign(unsigned, ca.issuing.key), issuing]))
    files.write_key(room / "server-key.pem", key.classical)
    files.write(room / "ca.pem", files.certificates_pem([ca.root.certificate.der, issuing]))
    files.write(room / "crl.pem", revocation_list(1))
    return BrokerPlan(
        directory=room / "run",
        bootstrap=Address("127.0.0.1", free_port()),
        ops=Address("127.0.0.1", free_port()),
        control=Address("127.0.0.1", free_port()),
        ca=room / "ca.pem",
        certificate=room / "server.pem",
        key=room / "server-key.pem",
        crl=room / "crl.pem",
    )


class World:
    """A broker, and the boxed registry as its bridge."""

    def __init__(self, kind: Kind, room: Path) -> None:
        self.protocol: Literal["5", "3.1.1"] = "5" if kind == "mosquitto" else "3.1.1"
        self.log: list[str] = []
        self.broker: Broker = choose_broker(kind, plan(room), entropy=os.urandom, tell=self.log.append)
        self.registry = BoxedRegistry(clock=utc_now)
        self.registry.change["enroll"] = self._with_ops
        self.told = threading.Event()

    def _with_ops(self, answer: object) -> m.Accepted:
        assert isinstance(answer, m.Accepted)
        ops = self.broker.endpoints.ops
        return m.Accepted(
            rid=answer.rid,
            chain=answer.chain,
            activate_before=answer.activate_before,
            ops=m.Endpoint(host=ops.host, port=ops.port),
        )

    def start(self) -> None:
        self.broker.start()
        ends = self.broker.endpoints
        settings = ClientSettings(
            host=ends.control.host,
            port=ends.control.port,
            client_id=topics.BRIDGE_CLIENT_ID,
            protocol=self.protocol,
            username=ends.control_username,
            password=ends.control_password,
        )
        self.bridge = MqttClient(settings, log=self._note, on_message=self._arrived)
        self.bridge.connect()
        self.bridge.subscribe(topics.BRIDGE_FILTERS)

    def stop(self) -> None:
        self.bridge.disconnect()
        self.broker.stop()

    def _note(self, text: str, error: BaseException | None) -> None:
        self.log.append(f"{text} {error!r}")

    def _arrived(self, message: Message) -> None:
        answer = self.registry.take(message.topic, message.payload, message.retain)
        if answer is not None:
            self.bridge.publish(answer.topic, answer.payload)
        elif "/tele/" in message.topic:
            self.told.set()

    def device(self, room: Path) -> Device:
        return Device(room / "device", house().root_pem, log=self._note, protocol=self.protocol)

    def enroll(self, device: Device) -> str:
        where = self.broker.endpoints.bootstrap
        mine = device.enroll(bootstrap=(where.host, where.port), token=TOKEN, device_id=DEVICE)
        return mine.fingerprint


@pytest.fixture(params=["mosquitto", "embedded"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "mosquitto":
        require_tool("mosquitto", "the MQTT broker of the product")
    made = World(request.param, tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_device_enrolls_tells_and_renews(world: World, tmp_path: Path) -> None:
    with world.device(tmp_path) as device:
        first = world.enroll(device)
        device.publish_telemetry(dbg=True)
        assert world.told.wait(5)
        second = device.renew().fingerprint
        assert device.is_connected
        assert world.registry.active == [first, second]
    assert not [line for line in world.log if "handler" in line]


def test_a_revoked_device_is_cut_and_its_run_ends_refused(world: World, tmp_path: Path) -> None:
    with world.device(tmp_path) as device:
        world.enroll(device)
        serial = int(device.certificate().certificate_serial, 16)
        world.broker.publish_crl(revocation_list(2, serial))
        world.broker.cut(DEVICE)
        assert device.on_disconnected.wait(5)
        life = session.Life(0.05, 20, utc_now, world._note)
        with pytest.raises(BrokerRefused) as refused:
            session.run(device, life, threading.Event(), session.Backoff(0.01, 0.1))
        assert refused.value.kind == "refused"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "mqtt_bridge.device.main", *words]


def test_the_command_line_enrolls_and_runs_until_told_or_refused(world: World, tmp_path: Path) -> None:
    where, state = world.broker.endpoints.bootstrap, str(tmp_path / "device")
    files.write(tmp_path / "root.pem", house().root_pem)
    files.write(tmp_path / "token", TOKEN.encode())
    asks = ["--root", str(tmp_path / "root.pem"), "--token-file", str(tmp_path / "token"), "--json"]
    asks += ["--mqtt5"] if world.protocol == "5" else []
    enroll = command("enroll", "--bootstrap", str(where), "--device-id", DEVICE, "--state", state, *asks)
    done = subprocess.run(enroll, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    mine = json.loads(done.stdout)
    assert (mine["state"], mine["fingerprint"]) == ("active", world.registry.active[0])

    run = command("run", "--state", state, "--interval", "0.05", "--debug-port", "--json")
    told = subprocess.Popen(run, stdout=subprocess.PIPE, text=True)
    assert world.told.wait(20)
    told.send_signal(signal.SIGTERM)
    out, _ = told.communicate(timeout=20)
    assert (told.returncode, json.loads(out)["sent"] > 0) == (0, True)

    world.broker.publish_crl(revocation_list(2, int(mine["certificate_serial"], 16)))
    refused = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "refused our certificate" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_device_with_another_root_does_not_talk_to_this_broker(world: World, tmp_path: Path) -> None:
    where = world.broker.endpoints.bootstrap
    stranger = Device(tmp_path / "other", house("Other").root_pem, protocol=world.protocol)
    with stranger, pytest.raises(BrokerRefused, match="not trusted"):
        stranger.enroll(bootstrap=(where.host, where.port), token=TOKEN, device_id=DEVICE)
    assert world.registry.asked == []
