"""A renewed folder takes effect by the reload that its README tells: who was revoked since is out."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.exports.conftest import Hospital, Party
from tests.integration.exports.servers import free_port, running, talks
from tests.integration.exports.test_freeradius import radius, room, supplicant
from tests.tools import require_tool

__all__ = ["room"]

CONNECT = bytes.fromhex("101000044d5154540402003c000474657374")
ACCEPTED = bytes.fromhex("20020000")
ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def port() -> int:
    return free_port()


def soon(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it holds in time: reloads are asynchronous."""
    end = time.monotonic() + seconds
    while not (true := holds()) and time.monotonic() < end:
        time.sleep(0.1)
    return true


def reload_told(folder: Path, words: str) -> None:
    """The reload that the test does is the one that the README names."""
    assert words in (folder / "README.txt").read_text()


def test_mosquitto_refuses_who_was_revoked_since_after_a_reload(
    hospital: Hospital, tmp_path: Path, port: int
) -> None:
    mosquitto = require_tool("mosquitto", "reads the folder that is for it")
    leaver, folder = hospital.joined("m-leaver"), hospital.exported("mosquitto")
    reload_told(folder, "systemctl reload mosquitto (SIGHUP)")
    given = (folder / "mosquitto.conf").read_text()
    ours = given.replace("listener 8883", f"listener {port} 127.0.0.1")
    ours = ours.replace("/etc/mosquitto/certs/server.pem", str(hospital.server.certificate))
    ours = ours.replace("/etc/mosquitto/certs/server.key", str(hospital.server.key))
    (tmp_path / "conf").write_text(f"user root\n{ours}")

    def let_in(client: Party) -> bool:
        return talks(port, folder / "ca.pem", client, CONNECT) == ACCEPTED

    with running([mosquitto, "-c", str(tmp_path / "conf")], port, tmp_path / "log") as child:
        assert let_in(leaver)
        hospital.revoke(leaver)
        hospital.exported("mosquitto")
        assert let_in(leaver)
        child.send_signal(signal.SIGHUP)
        assert soon(lambda: not let_in(leaver))
        assert let_in(hospital.good)


def test_nginx_refuses_who_was_revoked_since_after_a_reload(
    hospital: Hospital, tmp_path: Path, port: int
) -> None:
    nginx = require_tool("nginx", "reads the folder that is for it")
    leaver, folder = hospital.joined("n-leaver"), hospital.exported("nginx")
    reload_told(folder, "nginx -s reload")
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; user root; pid {tmp_path}/pid; error_log {tmp_path}/error;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary}server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {hospital.server.certificate}; ssl_certificate_key {hospital.server.key};\n"
        f"include {folder}/nginx.conf;\nlocation / {{ return 200 'seen $ssl_client_verify'; }} }} }}\n"
    )
    command = [nginx, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)]

    def let_in(client: Party) -> bool:
        return b" 200 " in talks(port, folder / "ca.pem", client, ASKED)

    with running(command, port, tmp_path / "log"):
        assert let_in(leaver)
        hospital.revoke(leaver)
        hospital.exported("nginx")
        assert let_in(leaver)
        subprocess.run([*command, "-s", "reload"], check=True, timeout=20)
        assert soon(lambda: not let_in(leaver))
        assert let_in(hospital.good)


def test_openssl_refuses_who_was_revoked_since_after_a_restart(
    hospital: Hospital, tmp_path: Path, port: int
) -> None:
    openssl = require_tool("openssl", "reads the folder that is for it")
    leaver, folder = hospital.joined("o-leaver"), hospital.exported("openssl")
    reload_told(folder, "must be restarted")
    server = [
        openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-CApath", str(folder / "ca"), "-no-CAfile",
        "-no-CAstore", "-crl_check_all", "-Verify", "3", "-verify_return_error", "-www",
        "-cert", str(hospital.server.certificate), "-cert_chain", str(hospital.server.certificate),
        "-key", str(hospital.server.key),
    ]  # fmt: skip

    def let_in(client: Party) -> bool:
        return b" 200 " in talks(port, folder / "ca.pem", client, ASKED)

    with running(server, port, tmp_path / "log"):
        assert let_in(leaver)
    hospital.revoke(leaver)
    hospital.exported("openssl")
    with running(server, port, tmp_path / "log"):
        assert not let_in(leaver)
        assert let_in(hospital.good)


def test_freeradius_refuses_who_was_revoked_since_after_a_restart(
    hospital: Hospital, room: Path, port: int
) -> None:
    """It also reads its folder anew by itself; 300 s is the least that it allows, too long for a test."""
    require_tool("freeradius", "reads the folder that is for it")
    eapol_test = require_tool("eapol_test", "is a supplicant")
    leaver = hospital.joined("r-leaver")
    reload_told(hospital.folder / "for-freeradius", "at once: systemctl restart freeradius")

    def let_in(client: Party) -> bool:
        return supplicant(eapol_test, hospital, client, room, port).returncode == 0

    with radius(room):
        assert let_in(leaver)
        hospital.revoke(leaver)
        hospital.exported("freeradius")
        assert let_in(leaver)
    with radius(room):
        assert not let_in(leaver)
        assert let_in(hospital.good)
    assert "certificate revoked" in (room / "log").read_text("utf-8", "replace")
