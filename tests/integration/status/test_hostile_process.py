"""A storm of hostile bytes on `medtrust status-server` as a process: right answers, a quiet log."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pki import asn1, oids
from pki.ocsp import build_request, encode_get_path, parse_response
from registry.model.certificate import CertificateRecord
from service.authority import Authority
from service.home import Home
from tests.integration.status.started import Running, running
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import certify, opened

pytestmark = pytest.mark.timeout(120)
HOST = b"Host: x\r\n"
KIND = b"Content-Type: application/ocsp-request\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MALFORMED = bytes.fromhex("30030a0101")
ROUNDS = 20
GROWTH = 48 * 1024 * 1024


def came(server: Running, data: bytes) -> bytes:
    """Everything until the server closes; this client has said all, and says so."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        # Refused before all was said: what was answered is still there.
        with contextlib.suppress(OSError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        parts: list[bytes] = []
        with contextlib.suppress(ConnectionResetError):
            parts.extend(iter(lambda: client.recv(65536), b""))
        return b"".join(parts)


def post(body: bytes, more: bytes = b"", *, version: bytes = b"1.1", target: bytes = b"/ocsp") -> bytes:
    length = b"" if b"Encoding" in more else b"Content-Length: %d\r\n" % len(body)
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HOST + KIND + length + more + b"\r\n" + body


def get(path: str, *, before: bytes = b"/ocsp/") -> bytes:
    return b"GET " + before + path.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n"


def chunks(body: bytes, size: int) -> bytes:
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def around(request: bytes, before: bytes = b"", after: bytes = b"", signature: bytes = b"") -> bytes:
    """The request with parts of TBSRequest that few clients send."""
    (body, *_) = asn1.children(request, asn1.whole(request))
    return asn1.sequence(asn1.sequence(before, asn1.content(request, body), after), signature)


def understood(request: bytes, forced: bytes) -> Iterator[bytes]:
    """What must be answered all the same; `forced` is a request whose base64 has //, + and padding."""
    name = asn1.explicit(1, bytes.fromhex("820178"))
    unchecked = asn1.explicit(0, asn1.sequence(asn1.sequence(asn1.oid(oids.SHA256)), b"\x03\x02\x00\x01"))
    yield post(chunks(request, 1), CHUNKED)
    yield post(chunks(request, 4096).replace(b"\r\n", b";name=value\r\n", 1), CHUNKED)
    yield post(request, version=b"1.0")
    yield post(request, target=b"http://any.host/ocsp")
    yield b"\r\n\r\n" + post(request)
    yield get(encode_get_path(request), before=b"http://any.host/ocsp/")
    yield post(around(request, name))  # RFC 9919 3.1.2: as if the name were absent
    yield post(around(request, asn1.explicit(0, b"\x02\x01\x00")))
    yield post(around(request, name, signature=unchecked))
    raw = base64.b64encode(forced).decode()
    assert "//" in raw
    assert "+" in raw
    assert "=" in raw
    escaped = raw.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
    small = escaped.replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d")
    yield from (get(form) for form in (raw, raw.rstrip("="), escaped, small))


def malformed(request: bytes, forced: bytes) -> Iterator[bytes]:
    """What gets malformedRequest, RFC 6960 4.2.1."""
    raw = base64.b64encode(forced).decode()
    odd = (
        "%2520" + raw,
        raw.replace("/", "_"),
        raw.replace("/", "%252F"),
        raw + "%00",
        raw + "%0A",
        raw + "%",
    )
    yield from (get(form) for form in odd)
    yield get(raw[:40] + "%20" + raw[40:])
    yield get("")
    yield post(around(request, asn1.explicit(0, b"\x02\x01\x01")))
    yield post(b"\x30\x84\xff\xff\xff\xff" + request)
    yield post(b"\x30\x80" * 5_000)
    deep = b""
    while len(deep) < 60_000:
        deep = asn1.sequence(deep)
    yield post(deep)
    yield post(b"")
    yield post(bytes(65_536))


def refused(request: bytes) -> Iterator[tuple[bytes, int]]:
    """What HTTP refuses, and how."""
    yield post(b"zz\r\n" + request, CHUNKED), 400
    yield post(b"-5\r\n" + request, CHUNKED), 400
    yield post(b"f" * 17 + b"\r\n" + request, CHUNKED), 400
    yield post(chunks(request, 9), CHUNKED + b"Content-Length: 9\r\n"), 400
    yield post(request, b"Content-Length: 3\r\n"), 400
    yield post(request, b"X : y\r\n"), 400
    yield post(request, b"X: a\x00b\r\n"), 400
    yield post(request, b"X: y\r\n  folded\r\n"), 400
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400
    yield post(chunks(bytes(70_000), 9_000), CHUNKED), 413
    yield b"POST /ocsp HTTP/1.1\r\n" + HOST + b"Content-Length: 10000000000\r\n\r\n", 413
    yield get("M" * 65_536), 414
    yield (
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)) + b"\r\n",
        431,
    )
    yield b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 100_000 + b"\r\n\r\n", 431
    yield b"TRACE /ocsp HTTP/1.1\r\n" + HOST + b"\r\n", 405
    yield post(request).replace(b"application/ocsp-request", b"application/json"), 415


def storm(server: Running, request: bytes, forced: bytes) -> None:
    """One round of everything, with connections that end in the middle."""
    for data in understood(request, forced):
        answer = came(server, data)
        assert answer.startswith(b"HTTP/1.1 200 "), (data[:200], answer[:200])
        assert parse_response(answer.partition(b"\r\n\r\n")[2]).basic is not None, data[:200]
    for data in malformed(request, forced):
        answer = came(server, data)
        assert answer.startswith(b"HTTP/1.1 200 "), (data[:200], answer[:200])
        assert answer.partition(b"\r\n\r\n")[2] == MALFORMED, data[:200]
        assert b"\r\ncache-control: no-store\r\n" in answer
    for data, status in refused(request):
        answer = came(server, data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (data[:200], answer[:200])
        assert b"Traceback" not in answer
    whole = post(request)
    for size in range(1, len(whole), 7):
        assert not came(server, whole[:size]).startswith(b"HTTP/1.1 2")


def resident(pid: int) -> int:
    """Octets, as the kernel counts them."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_a_storm_leaves_the_same_processes_with_a_quiet_log_and_bounded_memory(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    with opened(home) as runtime:
        record: CertificateRecord = certify(authority, runtime.ports)
    issuing, leaf = authority.issuing.certificate, certificate(record)
    request = build_request(leaf, issuing)
    nonce = bytes.fromhex("ffffffffffffffffffffffffffffffff") + b"\xfb\xef\xbe" * 6
    forced = next(
        found
        for pad in range(3)
        if "=" in base64.b64encode(found := build_request(leaf, issuing, nonce=nonce + bytes(pad))).decode()
    )
    with running(home, tmp_path) as server:
        storm(server, request, forced)
        before = {pid: resident(pid) for pid in server.workers()}
        for _ in range(ROUNDS):
            storm(server, request, forced)
        assert server.is_good(authority, record)
        after = {pid: resident(pid) for pid in server.workers()}
        assert set(after) == set(before)
        assert all(after[pid] - before[pid] < GROWTH for pid in after), (before, after)
        log = server.log()
        assert server.end() == 0
    assert "Traceback" not in log
    assert "status_request_failed" not in log
    assert "Exception" not in log
