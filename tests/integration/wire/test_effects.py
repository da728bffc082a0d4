"""What a commit promised reaches the wire: without a wake, over a broker's death, and never half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from mqtt_bridge.broker.mosquitto import MosquittoBroker
from mqtt_bridge.errors import BrokerRefused
from pki.crl_list import CertificateList
from registry.revocation import hold_device, revoke_device
from tests.integration.wire.hospital_running import (
    DISPLAY,
    ENGINEER,
    RunningHospital,
    eventually,
)

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from registry.model.actor import operator
from registry.revocation import revoke_device
from service.home import Home
from service.runtime import open_runtime
with open_runtime(Home(Path(sys.argv[1]))) as runtime:
    revoke_device(sys.argv[2], "keyCompromise", operator("elsewhere"), ports=runtime.ports)
"""


def test_a_revocation_of_another_process_reaches_the_session_without_a_word(both: RunningHospital) -> None:
    device_id, device = both.enrolled(DISPLAY)
    words = [sys.executable, "-c", ANOTHER_PROCESS, str(both.home.root), device_id]
    subprocess.run(words, check=True, timeout=30)
    assert device.on_disconnected.wait(5)
    with pytest.raises(BrokerRefused):
        device.connect()
    with both.ports.store.read() as uow:
        (cut,) = [effect for effect in uow.operations.effects_of(device_id) if effect.kind == "cut"]
    assert cut.done_at is not None
    assert cut.took_ms is not None


def test_a_cut_of_a_device_that_is_not_there_is_done(both: RunningHospital) -> None:
    device_id, device = both.enrolled(DISPLAY)
    device.close()
    hold_device(device_id, "put away", ENGINEER, ports=both.ports)
    assert eventually(lambda: both.owed() == 0)


def test_the_published_list_can_be_read_at_every_moment(both: RunningHospital) -> None:
    path, stop = both.home.public / "issuing.crl", threading.Event()
    numbers: list[int] = []

    def read() -> None:
        while not stop.is_set():
            numbers.append(CertificateList.parse(path.read_bytes()).crl_number)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for _ in range(8):
        both.daemon.effects.publish_now()
    stop.set()
    reader.join()
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 2


def mosquitto_of(hospital: RunningHospital) -> MosquittoBroker:
    broker = hospital.daemon.effects._broker
    assert isinstance(broker, MosquittoBroker)
    return broker


def test_effects_outlive_a_dead_broker(hospital: RunningHospital) -> None:
    device_id, device = hospital.enrolled(DISPLAY)
    pid = mosquitto_of(hospital).pids[0]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    revoke_device(device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert device.on_disconnected.wait(5)
    assert eventually(lambda: hospital.owed() == 0, within=20)
    assert mosquitto_of(hospital).pids[0] not in {None, pid}
    with pytest.raises(BrokerRefused):
        device.connect()
    # What the dead broker had not passed on is asked again: after the timeout of whoever asks.
    second, _ = hospital.enrolled(DISPLAY, timeout=2.0)
    assert second != device_id
