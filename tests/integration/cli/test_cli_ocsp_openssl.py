"""`medtrust ocsp query` against openssl as the other side: its CA, its certificate, its responder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.cli.conftest import Cli
from tests.integration.status_consumed import away, free_port
from tests.tools import require_tool

__all__ = ["away"]


def openssl(folder: Path, *arguments: str) -> None:
    tool = require_tool("openssl", "another's CA and responder")
    subprocess.run([tool, *arguments], check=True, capture_output=True, cwd=folder, timeout=30)


EXTENSIONS = """
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier=hash
[leaf]
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=DNS:www.example
"""


@contextmanager
def another_house(folder: Path, index: str) -> Iterator[str]:
    """The URL of `openssl ocsp` as the responder of a CA that openssl made, which signs for itself."""
    tool = require_tool("openssl", "another's CA and responder")
    (folder / "x.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n" + EXTENSIONS)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "x.cnf")
    ca = ("-x509", "-extensions", "ca", "-subj", "/CN=Another CA", "-days", "3")
    openssl(folder, "req", *key, *ca, "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, "req", *key, "-subj", "/CN=www.example", "-keyout", "www.key", "-out", "www.csr")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x1001", "-days", "2")
    leaf = ("-extfile", "x.cnf", "-extensions", "leaf", "-out", "www.pem")
    openssl(folder, "x509", "-req", "-in", "www.csr", *signing, *leaf)
    (folder / "index.txt").write_text(index)
    port = free_port()
    command = [tool, "ocsp", "-index", "index.txt", "-port", str(port), "-nmin", "5", "-CA", "ca.pem"]
    command += ["-rsigner", "ca.pem", "-rkey", "ca.key"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as ran:
        try:
            # It says when it listens; a connection to try it would be its first question, and its last.
            assert ran.stderr is not None
            assert "waiting for OCSP client" in ran.stderr.readline()
            yield f"http://127.0.0.1:{port}/"
        finally:
            ran.terminate()


def test_openssls_responder_is_asked_about_openssls_certificate(away: Cli, tmp_path: Path) -> None:
    index = "V\t301231000000Z\t\t1001\tunknown\t/CN=www.example\n"
    with another_house(tmp_path, index) as url:
        ask = ("ocsp", "query", tmp_path / "www.pem", "--issuer", tmp_path / "ca.pem", "--url", url)
        for digest in ("sha1", "sha256"):
            said = away.done(*ask, "--hash", digest)
            assert (said["status"], said["nonce"], said["responder"]) == ("good", "echoed", "CN=Another CA")
        hopeless = away(*ask, "--pq", "--json")
        assert (hopeless.code, hopeless.json["status"]) == (3, "not asked")


def test_openssls_responder_says_revoked(away: Cli, tmp_path: Path) -> None:
    index = "R\t301231000000Z\t261101000000Z,superseded\t1001\tunknown\t/CN=www.example\n"
    with another_house(tmp_path, index) as url:
        said = away(
            "ocsp", "query", tmp_path / "www.pem", "--issuer", tmp_path / "ca.pem", "--url", url, "--json"
        )
    assert (said.code, said.json["status"], said.json["reason"]) == (3, "revoked", "superseded")
    assert datetime.fromisoformat(said.json["since"]) == datetime(2026, 11, 1, tzinfo=UTC)
