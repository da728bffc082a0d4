"""A real nginx staples our answers to its handshakes: good ones, and no others."""

from __future__ import annotations

import getpass
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey
from pki.profiles import SubjectFacts
from registry.issuance import IssuanceOrder, issue
from registry.model.certificate import CertificateSerial
from registry.revocation import revoke_certificate
from service.pem import to_pem
from tests.integration.exports.servers import free_port, running
from tests.integration.status_served import Served, served
from tests.tools import require_tool
from tests.unit.service.status_fixtures import HOUR, WHO

__all__ = ["served"]

_CONF = """\
user {user};
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/chain.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_trusted_certificate {folder}/trusted.pem;
        ssl_stapling on;
        ssl_stapling_verify on;
        ssl_stapling_responder {responder};
    }}
}}
"""


def with_certificate(served: Served, folder: Path) -> CertificateSerial:
    """Puts a server's key and chain into the folder; the certificate's serial."""
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    facts = SubjectFacts(common_name="localhost", dns_names=("localhost",))
    order = IssuanceOrder(profiles.SERVER, facts, key.public, 24 * HOUR)
    record = issue(order, WHO, ports=served.runtime.ports, issuer=served.authority.issuer).record
    private = load_der_private_key(key.classical.pkcs8(), None)
    secret = folder / "key.pem"
    secret.touch(mode=0o600)
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    issuing, root = to_pem(served.issuer.der), to_pem(served.authority.root.der)
    (folder / "chain.pem").write_bytes(to_pem(record.der or b"") + issuing)
    (folder / "trusted.pem").write_bytes(issuing + root)
    return record.certificate_serial


@contextmanager
def stapling(folder: Path, responder: str) -> Iterator[int]:
    """The port of an nginx that asks this responder."""
    port = free_port()
    conf = _CONF.format(user=getpass.getuser(), folder=folder, port=port, responder=responder)
    (folder / "nginx.conf").write_text(conf)
    nginx = require_tool("nginx", "staples OCSP")
    with running([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)], port, folder / "said"):
        yield port


def stapled(port: int, folder: Path) -> str:
    """What openssl sees in one handshake."""
    openssl = require_tool("openssl", "asks for a staple")
    command = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-status"]
    command += ["-CAfile", str(folder / "trusted.pem")]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    ).stdout


def staple_within(port: int, folder: Path, seconds: float = 10) -> str:
    """The first handshake that has one: nginx asks in the background after a handshake without."""
    end = time.monotonic() + seconds
    while "no response sent" in (seen := stapled(port, folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def test_nginx_staples_good_and_after_a_revocation_and_a_restart_no_good(
    served: Served, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    serial = with_certificate(served, tmp_path)
    responder = f"http://{served.address.host}:{served.address.port}/ocsp"
    with stapling(tmp_path, responder) as port:
        seen = staple_within(port, tmp_path)
    assert "OCSP Response Status: successful" in seen, (tmp_path / "error.log").read_text()
    assert "Cert Status: good" in seen
    assert "Verify return code: 0 (ok)" in seen

    revoke_certificate(serial, "keyCompromise", WHO, ports=served.runtime.ports)
    time.sleep(0.2)
    before = (tmp_path / "error.log").read_text()
    with stapling(tmp_path, responder) as port:
        after = staple_within(port, tmp_path, 2)
    # nginx staples good answers only; it has asked, and says what it was told.
    assert "no response sent" in after
    told = (tmp_path / "error.log").read_text().removeprefix(before)
    assert 'certificate status "revoked"' in told
    assert before.count("certificate status") == 0


def test_nginx_staples_nothing_that_it_could_not_verify(served: Served, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with_certificate(served, tmp_path)
    dead = f"http://127.0.0.1:{free_port()}/ocsp"
    with stapling(tmp_path, dead) as port:
        assert "no response sent" in staple_within(port, tmp_path, 1)
    lists = f"http://{served.address.host}:{served.address.port}/crl/issuing.crl"
    with stapling(tmp_path, lists) as port:
        assert "no response sent" in staple_within(port, tmp_path, 1)
