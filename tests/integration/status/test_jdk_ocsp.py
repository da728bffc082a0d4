"""JDK 25's PKIX revocation checker asks the status server, by GET and by POST, and believes it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mqtt_bridge.broker.interface import Address
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service.home import Home
from tests.integration.status.named import served_where_named
from tests.integration.status.recorder import recorded
from tests.integration.status.strangers import never_issued
from tests.integration.status_served import Served, served
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]


def judged(served: Served, leaf: bytes, folder: Path, method: str = "get", at: Address | None = None) -> str:
    """What the JDK says of a certificate; `at`: where it asks instead of the server itself."""
    address = at or served.address
    return asked(served.home, leaf, folder, f"http://{address.host}:{address.port}/ocsp", method)


def asked(home: Home, leaf: bytes, folder: Path, url: str, method: str = "get") -> str:
    root, issuing = ((home.public / f"{name}.pem") for name in ("root", "issuing"))
    (folder / "leaf.der").write_bytes(leaf)
    (folder / "root.der").write_bytes(root.read_bytes())
    (folder / "issuing.der").write_bytes(issuing.read_bytes())
    child = [sys.executable, "-m", "tests.integration.status.jdk_ocsp_child", str(folder), url, method]
    ran = subprocess.run(child, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode in (0, 3), ran.stderr
    assert ran.stdout.startswith("accepted" if ran.returncode == 0 else "refused")
    return ran.stdout


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_certificate_is_followed_from_good_over_hold_to_revoked(
    served: Served, tmp_path: Path, method: str
) -> None:
    record = served.certify()
    leaf, serial, ports = record.der or b"", record.certificate_serial, served.runtime.ports
    with recorded(served.address) as relay:
        assert judged(served, leaf, tmp_path, method, relay.address) == "accepted\n"
        assert [heard.split(b"ocsp")[0] for heard in relay.heard] == [method.upper().encode() + b" /"]
        hold_certificate(serial, WHO, ports=ports)
        time.sleep(0.5)
        held = judged(served, leaf, tmp_path, method, relay.address)
        assert held.startswith("refused: REVOKED")
        assert "CERTIFICATE_HOLD" in held
        release_certificate(serial, WHO, ports=ports)
        time.sleep(0.5)
        assert judged(served, leaf, tmp_path, method, relay.address) == "accepted\n"
        revoke_certificate(serial, "keyCompromise", WHO, ports=ports)
        time.sleep(0.5)
        revoked = judged(served, leaf, tmp_path, method, relay.address)
        assert revoked.startswith("refused: REVOKED")
        assert "KEY_COMPROMISE" in revoked


def test_a_serial_that_was_never_issued_is_revoked_for_the_jdk(served: Served, tmp_path: Path) -> None:
    said = judged(served, never_issued(served, tmp_path), tmp_path)
    assert said.startswith("refused: REVOKED")
    assert "CERTIFICATE_HOLD" in said


def test_a_responder_that_is_down_lets_nobody_in(served: Served, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = Address("127.0.0.1", taken.getsockname()[1])
    said = judged(served, served.certify().der or b"", tmp_path, at=dead)
    assert said.startswith("refused: UNDETERMINED_REVOCATION_STATUS")


def test_the_responder_that_the_certificate_names_is_asked(tmp_path: Path) -> None:
    with served_where_named(tmp_path) as named:
        record = named.certify()
        assert asked(named.home, record.der or b"", tmp_path, "-") == "accepted\n"
        revoke_certificate(record.certificate_serial, "superseded", WHO, ports=named.runtime.ports)
        time.sleep(0.5)
        said = asked(named.home, record.der or b"", tmp_path, "-")
    assert said.startswith("refused: REVOKED")
    assert "SUPERSEDED" in said
