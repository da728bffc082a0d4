"""`kill -9` of the whole process under load, two at once, ports taken: nothing is lost, nothing left over."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mqtt_bridge.errors import BridgeError
from mqtt_bridge.octets import Octets
from pki.crl_list import CertificateList
from pki.tbs import Certificate
from registry import reappraisal
from registry.model.certificate import CertificateState
from registry.model.device import DeviceId
from service.settings import read_settings
from tests.integration.wire.hand_made_client import Joining, OtherAnswer
from tests.integration.wire.hospital_apart import HospitalApart, brokers_of, is_alive, up
from tests.integration.wire.hospital_running import DISPLAY, eventually, make_home
from tests.tools import require_tool


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HospitalApart]:
    """A hospital in a process of its own."""
    require_tool("mosquitto", "the MQTT broker of the product")
    before, room = os.umask(0o077), tmp_path_factory.mktemp("apart")
    with ExitStack() as stack:
        made = HospitalApart(make_home(room, "mosquitto"), room, stack)
        stack.callback(made.stop)
        yield made
    os.umask(before)


class Crowd:
    """Devices that join at the same time and do not give up."""

    def __init__(self, hospital: HospitalApart, size: int) -> None:
        self._hospital = hospital
        self.chains: queue.Queue[tuple[DeviceId, bytes]] = queue.Queue()
        self.size = size
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Everybody starts."""
        for _ in range(self.size):
            device_id = self._hospital.admit()
            token = self._hospital.token(device_id)
            thread = threading.Thread(target=self._join, args=(device_id, token), daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()

    def _join(self, device_id: DeviceId, token: str) -> None:
        deadline = time.monotonic() + 60
        body: dict[str, object] | None = None
        joining = Joining(self._hospital, device_id)
        while time.monotonic() < deadline:
            try:
                with joining.connect() as caller:
                    caller.patience = 2.0
                    body = body or joining.body(joining.hello(caller), token)
                    said = joining.send(caller, body)
            except (BridgeError, queue.Empty):
                time.sleep(0.1)
                continue
            except OtherAnswer:
                # The answer to something said before the kill came now: a fresh session hears only its own.
                body, joining = None, Joining(self._hospital, device_id)
                continue
            if said.verb == "accepted":
                self.chains.put((device_id, Octets.from_text(said.body["chain"][0])))
                return
            # The intention was given up: a new request, with the token that was never answered for.
            body, joining = None, Joining(self._hospital, device_id)
            time.sleep(0.1)

    def finish(self) -> list[tuple[DeviceId, bytes]]:
        """What everybody was given."""
        for thread in self._threads:
            thread.join(90)
        return [self.chains.get_nowait() for _ in range(self.chains.qsize())]


def published(hospital: HospitalApart) -> CertificateList:
    return CertificateList.parse((hospital.home.public / "issuing.crl").read_bytes())


def test_killed_under_load_nothing_is_lost(apart: HospitalApart) -> None:
    crowd = Crowd(apart, 12)
    number = published(apart).crl_number
    crowd.begin()
    for pause in (0.35, 0.6):
        time.sleep(pause)
        brokers = brokers_of(apart.home)
        assert len(brokers) == 2
        apart.kill()
        assert eventually(lambda gone=brokers: not any(is_alive(pid) for pid in gone))  # type: ignore[misc]
        apart.start()
        assert published(apart).crl_number > number
        number = published(apart).crl_number
    given = crowd.finish()

    assert len(given) == crowd.size
    with apart.ports.store.read() as uow:
        records = uow.certificates.all()
        for device_id, der in given:
            record = uow.certificates.by_fingerprint(Certificate.parse(der).fingerprint.hex())
            assert record is not None
            assert (record.device_id, record.der, record.state) == (device_id, der, CertificateState.PENDING)
    of_devices = [record for record in records if record.device_id is not None]
    states = {record.state for record in of_devices}
    assert states <= {CertificateState.PENDING, CertificateState.ABANDONED}
    assert len([r for r in of_devices if r.state is CertificateState.PENDING]) == crowd.size
    abandoned = {int(r.certificate_serial, 16) for r in of_devices if r.state is CertificateState.ABANDONED}
    assert eventually(lambda: published(apart).serials >= abandoned)
    assert apart.log_problems() == ()


def test_acknowledged_telemetry_survives_and_a_repetition_is_no_clone(apart: HospitalApart) -> None:
    apart.know_firmware()
    device_id, device = apart.enrolled(DISPLAY, timeout=2.0)
    sent = 0
    stop = threading.Event()

    def tell() -> None:
        nonlocal sent
        try:
            while not stop.is_set():
                device.publish_telemetry(fw={"sha256": "ab" * 32})
                sent += 1
        except BridgeError:
            return

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    assert eventually(lambda: sent > 30, within=30)
    apart.kill()
    teller.join(60)
    stop.set()
    acknowledged = sent
    apart.start()
    assert eventually(lambda: reappraisal.view(device_id, ports=apart.ports).messages >= acknowledged)
    device.connect()
    device.publish_telemetry(fw={"sha256": "ab" * 32})
    assert eventually(lambda: reappraisal.view(device_id, ports=apart.ports).messages > acknowledged)
    view = reappraisal.view(device_id, ports=apart.ports)
    assert view.tier == "trusted", view.explanation


def test_a_second_process_on_the_same_home_is_refused(apart: HospitalApart) -> None:
    second = subprocess.run(up(apart.home), capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 5
    assert "runs on" in second.stderr
    assert "Traceback" not in second.stderr
    assert apart.process.poll() is None
    assert len(brokers_of(apart.home)) == 2


def test_a_taken_port_is_told_and_nothing_is_left(apart: HospitalApart) -> None:
    """The last one here: it leaves the process ended."""
    apart.stop()
    settings = read_settings(apart.home)
    for address in (settings.ops, settings.status_listen):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((address.host, address.port))
            taken.listen()
            said = subprocess.run(up(apart.home), capture_output=True, text=True, timeout=60, check=False)
        assert said.returncode == 5, said.stderr
        assert str(address.port) in said.stderr
        assert "Traceback" not in said.stderr
        assert brokers_of(apart.home) == []
