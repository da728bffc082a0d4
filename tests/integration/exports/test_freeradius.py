"""The freeradius folder in a real freeradius: its own check, and EAP-TLS by a supplicant."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.exports.conftest import Hospital, Party
from tests.integration.exports.servers import free_port
from tests.tools import require_tool

_SECRET = "a-secret-of-a-test"
_CONF = """\
raddbdir = {room}
certdir = {room}/certs
cadir = {room}/certs
logdir = {room}
libdir = /usr/lib/freeradius
pidfile = {room}/pid
name = medtrust-test
max_request_time = 30
log {{
	destination = stdout
}}
security {{
	allow_vulnerable_openssl = yes
}}
client loopback {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
modules {{
	$INCLUDE {folder}/eap.conf
}}
server default {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		eap {{
			ok = return
		}}
	}}
	authenticate {{
		eap
	}}
}}
"""
_NETWORK = """\
network={{
	key_mgmt=WPA-EAP
	eap=TLS
	identity="device"
	ca_cert="{ca}"
	client_cert="{certificate}"
	private_key="{key}"
}}
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def room(hospital: Hospital, tmp_path: Path, port: int) -> Path:
    """freeradius' own folder, with the configuration that we gave it."""
    certs = tmp_path / "certs"
    certs.mkdir()
    shutil.copy(hospital.server.certificate, certs / "server.pem")
    shutil.copy(hospital.server.key, certs / "server.key")
    folder = hospital.exported("freeradius")
    conf = _CONF.format(room=tmp_path, folder=folder, port=port, secret=_SECRET)
    (tmp_path / "radiusd.conf").write_text(conf)
    (tmp_path / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    return tmp_path


def test_freeradius_finds_nothing_wrong_with_the_configuration(room: Path) -> None:
    freeradius = require_tool("freeradius", "checks the folder that is for it")
    run = subprocess.run(
        [freeradius, "-C", "-X", "-d", str(room), "-n", "radiusd"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert "check_crl = yes" in run.stdout


def test_asupplicant_gets_in_and_a_revoked_one_does_not(hospital: Hospital, room: Path, port: int) -> None:
    require_tool("freeradius", "reads the folder that is for it")
    eapol_test = require_tool("eapol_test", "is a supplicant")

    with radius(room):
        good = supplicant(eapol_test, hospital, hospital.good, room, port)
        revoked = supplicant(eapol_test, hospital, hospital.revoked, room, port)
    log = (room / "log").read_text("utf-8", "replace")
    assert good.stdout.endswith("SUCCESS\n"), good.stdout[-800:] + log[-3000:]
    assert revoked.returncode != 0
    assert revoked.stdout.endswith("FAILURE\n")
    assert "certificate revoked" in log


@contextlib.contextmanager
def radius(room: Path) -> Iterator[None]:
    freeradius = require_tool("freeradius", "reads the folder that is for it")
    with (room / "log").open("wb") as said:
        child = subprocess.Popen(
            [freeradius, "-X", "-d", str(room), "-n", "radiusd"], stdout=said, stderr=said
        )
        try:
            deadline = time.monotonic() + 15
            while b"Ready to process requests" not in (room / "log").read_bytes():
                assert child.poll() is None, (room / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "freeradius is not ready"
                time.sleep(0.05)
            yield
        finally:
            child.terminate()
            child.wait(10)


def supplicant(
    eapol_test: str, hospital: Hospital, party: Party, room: Path, port: int
) -> subprocess.CompletedProcess[str]:
    conf = room / "supplicant.conf"
    root = hospital.folder / "home" / "public" / "root.pem"
    conf.write_text(_NETWORK.format(ca=root, certificate=party.certificate, key=party.key))
    return subprocess.run(
        [eapol_test, "-c", str(conf), "-a", "127.0.0.1", "-p", str(port), "-s", _SECRET, "-t", "10"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
