"""The broker as a process: ports, restarts, death of the parent, what survives, who it runs as."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from mqtt_bridge.broker.choice import choose_broker
from mqtt_bridge.broker.mosquitto import MosquittoBroker
from mqtt_bridge.broker.run_directory import service_account
from mqtt_bridge.errors import BrokerMisconfigured, BrokerMissing, BrokerRefused, PortTaken
from tests.integration.broker.conftest import House, make_broker, make_plan
from tests.integration.broker.tiny_ca import TinyCa

PUMP = "pump-0001"


def _until(true: Callable[[], bool], within: float = 10.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def mosquitto(tmp_path: Path, ca: TinyCa) -> Iterator[House]:
    log: list[str] = []
    broker = make_broker("mosquitto", make_plan(tmp_path, ca), log)
    with ExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        yield House(broker, ca, stack, log)


def _pids(house: House) -> tuple[int, int]:
    assert isinstance(house.broker, MosquittoBroker)
    assert _until(lambda: None not in house.broker.pids)  # type: ignore[attr-defined]
    ops, bootstrap = house.broker.pids
    assert ops is not None
    assert bootstrap is not None
    return ops, bootstrap


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
@pytest.mark.parametrize("listener", ["bootstrap", "ops", "control"])
def test_a_taken_port_is_named(tmp_path: Path, ca: TinyCa, kind: str, listener: str) -> None:
    plan = make_plan(tmp_path, ca)
    broker = make_broker(kind, plan, [])  # type: ignore[arg-type]
    port = getattr(plan, listener).port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken) as taken:
        broker.start()
    assert taken.value.field == listener
    assert str(port) in str(taken.value)
    assert taken.value.kind == "conflict"


def test_without_the_binary_the_error_says_what_to_do(
    tmp_path: Path, ca: TinyCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqtt_bridge.broker.mosquitto._ALSO_LOOK_IN", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    plan = make_plan(tmp_path, ca)
    with pytest.raises(BrokerMissing) as missing:
        choose_broker("mosquitto", plan, entropy=os.urandom, tell=print)
    assert "apt-get install mosquitto" in missing.value.next_step
    assert choose_broker("auto", plan, entropy=os.urandom, tell=print).kind == "embedded"


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_a_missing_key_is_a_typed_error(tmp_path: Path, ca: TinyCa, kind: str) -> None:
    plan = replace(make_plan(tmp_path, ca), key=tmp_path / "absent.key")
    with pytest.raises(BrokerMisconfigured) as wrong:
        make_broker(kind, plan, []).start()  # type: ignore[arg-type]
    assert "absent.key" in str(wrong.value)


def test_nothing_but_the_three_ports_is_opened(mosquitto: House) -> None:
    ends = mosquitto.broker.endpoints
    opened = sorted(int(line.split()[-1].rstrip(".")) for line in mosquitto.log if "listen socket" in line)
    assert opened == sorted([ends.bootstrap.port, ends.ops.port, ends.control.port])


def test_its_files_are_for_its_eyes_only(mosquitto: House, tmp_path: Path) -> None:
    room = tmp_path / "run"
    assert stat.S_IMODE(room.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(each.stat().st_mode) for each in room.iterdir() if each.is_file()}
    assert modes == {0o600}
    assert mosquitto.broker.endpoints.control_password not in repr(mosquitto.broker.endpoints)
    assert mosquitto.broker.endpoints.control_password not in "".join(mosquitto.log)


def test_what_was_acknowledged_survives_kill_9_for_a_bridge_that_was_away(mosquitto: House) -> None:
    settings = replace(mosquitto.control_settings("mtr.bridge"), clean_start=False, session_expiry=3600)
    bridge = mosquitto.connect(settings)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    bridge.client.disconnect()
    pump = mosquitto.device(PUMP)
    for number in range(50):
        pump.client.publish(f"mtr/1/d/{PUMP}/up/tele/sec", b"%d" % number, wait=5)
    time.sleep(2.2)  # autosave is once a second: what is younger than that is not promised
    os.kill(_pids(mosquitto)[0], signal.SIGKILL)
    assert _until(lambda: any("starts again" in line for line in mosquitto.log))
    again = mosquitto.connect(settings)
    assert [again.next().payload for _ in range(50)] == [b"%d" % number for number in range(50)]


def test_a_broker_that_dies_comes_back_and_devices_with_it(mosquitto: House) -> None:
    pump = mosquitto.device(PUMP)
    pump.client.subscribe([f"mtr/1/d/{PUMP}/down/#"])
    ops, bootstrap = _pids(mosquitto)
    os.kill(ops, signal.SIGKILL)
    os.kill(bootstrap, signal.SIGKILL)
    assert pump.lost.get(timeout=5)
    assert _until(lambda: pump.client.is_ready)
    assert set(_pids(mosquitto)).isdisjoint({ops, bootstrap})
    bridge = mosquitto.bridge()
    bridge.client.publish(f"mtr/1/d/{PUMP}/down/notice", b"back", wait=5)
    assert pump.next().payload == b"back"
    stranger = mosquitto.stranger("claim-001")
    bridge.client.subscribe(["mtr/1/b/#"])
    hello = f"mtr/1/b/claim-001/{stranger.client.settings.client_id}/up/hello"

    def heard() -> bool:
        stranger.client.publish(hello, b"hello")
        return bridge.heard.qsize() > 0

    assert _until(heard)


def test_a_crl_published_while_it_is_down_counts_when_it_is_back(mosquitto: House) -> None:
    tls = mosquitto.ca.issue(PUMP)
    ops, _ = _pids(mosquitto)
    os.kill(ops, signal.SIGSTOP)
    pem = mosquitto.ca.revoke(PUMP)
    (mosquitto.broker._directory).write("crl.pem", pem)  # type: ignore[attr-defined]
    os.kill(ops, signal.SIGKILL)
    assert _until(lambda: _pids(mosquitto)[0] != ops)
    assert _until(lambda: sum(" running" in line for line in mosquitto.log) == 3)
    with pytest.raises(BrokerRefused):
        mosquitto.device(PUMP, tls=tls)


def test_it_dies_with_its_parent(tmp_path: Path, ca: TinyCa) -> None:
    program = (
        "import sys, os, time; from pathlib import Path\n"
        "from tests.integration.broker.conftest import make_broker, make_plan\n"
        "from tests.integration.broker.tiny_ca import TinyCa\n"
        "room = Path(sys.argv[1]); (room / 'other').mkdir()\n"
        "broker = make_broker('mosquitto', make_plan(room, TinyCa(room / 'other')), [])\n"
        "broker.start(); sys.stdout.write(' '.join(map(str, broker.pids)) + chr(10)); sys.stdout.flush()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    assert _until(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_as_root_it_runs_as_its_own_account_and_still_reads_a_new_crl(
    ca: TinyCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_python = Path("/usr/bin/python3")
    if service_account(Path("/tmp/x")) is None and system_python.exists():  # noqa: S108  # never made
        monkeypatch.setattr(sys, "executable", str(system_python))  # ours may live in root's own home
    with ExitStack() as stack:
        room = Path(tempfile.mkdtemp(prefix="medtrust-broker-"))
        stack.callback(shutil.rmtree, room)
        room.chmod(0o711)
        account = service_account(room / "run")
        if account is None:
            pytest.skip("needs root, an account called mosquitto, and an interpreter that it can reach")
        log: list[str] = []
        broker = make_broker("mosquitto", make_plan(room, ca), log)
        broker.start()
        stack.callback(broker.stop)
        house = House(broker, ca, stack, log)
        for pid in _pids(house):
            assert pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name == "mosquitto"
        tls = ca.issue(PUMP)
        broker.publish_crl(ca.revoke(PUMP))
        with pytest.raises(BrokerRefused):
            house.device(PUMP, tls=tls)
