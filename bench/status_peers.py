"""What the status service is held against: nginx with one answer as a file, cfssl's and OpenBao's OCSP."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from bench.house import free_ports
from bench.load import Corpus
from bench.openbao import IN_MEMORY, openbao
from bench.proc import descendants
from bench.status_questions import must_be_good

_CERTIFICATES: Final = 300
_CURVE_BITS: Final = 256
_PATIENCE: Final = 20.0
_DAY: Final = timedelta(days=1)
_PATH_LENGTH: Final = 116
"""Of the file's name: what a request takes in a GET, so that the heads to be read are as long."""
_NGINX: Final = """
daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; default_type application/ocsp-response;
  keepalive_requests 1000000000; keepalive_timeout 1h;
  open_file_cache max=16 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}/root; error_page 405 =200 $uri; }}
}}
"""
"""A POST to a file is a 405, and that is answered with the file."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server and what to send to it."""

    pids: tuple[int, ...]
    url: str
    octets: int
    """Of an answer."""
    post: Corpus
    get_url: str = ""
    get: Corpus | None = None
    """None: it answers none."""


@contextmanager
def nginx(folder: Path, answer: bytes, post: Corpus) -> Iterator[Peer]:
    """One worker that serves these bytes from one file, by GET and POST."""
    name = secrets.token_urlsafe(_PATH_LENGTH)[:_PATH_LENGTH]
    (folder / "root" / "ocsp").mkdir(parents=True)
    (folder / "root" / "ocsp" / name).write_bytes(answer)
    (port,) = free_ports(1)
    configuration = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_NGINX.format(folder=folder, port=port, user=user))
    command = [_installed("nginx"), "-c", str(configuration), "-e", str(folder / "log")]
    with _running(command, port, folder / "log") as pid:
        url = f"http://127.0.0.1:{port}/ocsp"
        get = Corpus.of(folder / "get", [name])
        yield Peer((pid, *descendants(pid)), f"{url}/{name}", len(answer), post, url, get)


@contextmanager
def cfssl(folder: Path, *, delegated: bool) -> Iterator[Peer]:
    """`cfssl ocspserve` with answers signed before, in its file: base64, one a line.

    Where a responder's certificate is in an answer it verifies that answer each time it is asked, which is
    four times the work: it is fastest where the CA itself signs. Not by GET: version 1.2 takes the path's
    leading slash for base64 and refuses.
    """
    folder.mkdir()
    issued = _Issued.new(_CERTIFICATES)
    (folder / "answers").write_text(
        "".join(f"{base64.b64encode(a).decode()}\n" for a in issued.answers(delegated=delegated))
    )
    (port,) = free_ports(1)
    command = [_installed("cfssl", "golang-cfssl"), "ocspserve", "-address=127.0.0.1", f"-port={port}"]
    command += [f"-responses={folder / 'answers'}", "-loglevel=4"]
    with _running(command, port, folder / "log") as pid:
        yield _peer((pid,), f"http://127.0.0.1:{port}/", folder, _requests(issued.leaves, issued.ca))


@contextmanager
def openbao_ocsp(folder: Path) -> Iterator[Peer]:
    """OpenBao's PKI engine, storage in memory, P-256: it signs each answer when asked."""
    with openbao(folder, IN_MEMORY) as server:
        server.ca(_CURVE_BITS)
        ca, leaves = server.certificates(_CURVE_BITS, _CERTIFICATES)
        url = f"http://127.0.0.1:{server.port}/v1/pki-{_CURVE_BITS}/ocsp"
        yield _peer((server.pid,), url, folder, _requests(leaves, ca))


def _peer(pids: tuple[int, ...], url: str, folder: Path, requests: Iterator[bytes]) -> Peer:
    """One that answers good; RuntimeError where it does not."""
    sent = list(requests)
    return Peer(pids, url, len(must_be_good(url, sent[0])), Corpus.of(folder / "post", sent))


@dataclass(frozen=True, slots=True)
class _Issued:
    """Certificates of a throw-away P-256 CA with a responder of its own."""

    ca: x509.Certificate
    ca_key: ec.EllipticCurvePrivateKey
    leaves: Sequence[x509.Certificate]
    responder: x509.Certificate
    responder_key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, count: int) -> _Issued:
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        made = [
            _certificate(name, key, keys[0])
            for name, key in zip(("Bench CA", "Bench OCSP", "device"), keys, strict=True)
        ]
        leaves = [_certificate("device", keys[2], keys[0]) for _ in range(count)]
        return cls(made[0], keys[0], leaves, made[1], keys[1])

    def answers(self, *, delegated: bool) -> Iterator[bytes]:
        """Good, for each of them, DER: signed by the responder, with its certificate, or by the CA."""
        now = datetime.now(UTC)
        for leaf in self.leaves:
            builder = ocsp.OCSPResponseBuilder().add_response(
                cert=leaf,
                issuer=self.ca,
                algorithm=hashes.SHA1(),  # noqa: S303 - names the issuer, as clients do
                cert_status=ocsp.OCSPCertStatus.GOOD,
                this_update=now,
                next_update=now + _DAY,
                revocation_time=None,
                revocation_reason=None,
            )
            who = self.responder if delegated else self.ca
            builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, who)
            builder = builder.certificates([who]) if delegated else builder
            signed = builder.sign(self.responder_key if delegated else self.ca_key, hashes.SHA256())
            yield signed.public_bytes(Encoding.DER)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject, issuer = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, "Bench CA")
    )
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
    return builder.not_valid_after(now + _DAY).sign(ca_key, hashes.SHA256())


def _requests(leaves: Sequence[x509.Certificate], ca: x509.Certificate) -> Iterator[bytes]:
    for leaf in leaves:
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, ca, hashes.SHA1())  # noqa: S303
        yield builder.build().public_bytes(Encoding.DER)


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[int]:
    with log.open("ab") as said, subprocess.Popen(command, stdout=said, stderr=said) as server:
        try:
            _answering(port, log)
            yield server.pid
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(_PATIENCE)


def _answering(port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens: {log.read_text()[-2000:]}")


def _installed(name: str, package: str = "") -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {package or name}")
    return found
