"""Hostile OCSP over real sockets: each gets the standard's error, and others are served meanwhile."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from pki import asn1, oids
from pki.cert_id import CertId
from pki.extensions import Extension
from pki.ocsp import GOOD, ResponseStatus, parse_response
from pki.ocsp_request import MAX_REQUESTS
from tests.integration.status_served import OCSP, PLAIN, Served, served

__all__ = ["served"]

MALFORMED = ResponseStatus.MALFORMED_REQUEST


def request(
    served: Served, *extensions: Extension, single: tuple[Extension, ...] = (), times: int = 1
) -> bytes:
    """A request about a good certificate, with extensions of the request and of the single one."""
    cert_id = CertId.of(served.issuer, served.authority.registry.certificate.serial, oids.SHA1).der
    inner = asn1.explicit(0, asn1.sequence(*(e.encode() for e in single))) if single else b""
    outer = asn1.explicit(2, asn1.sequence(*(e.encode() for e in extensions))) if extensions else b""
    one = asn1.sequence(cert_id, inner)
    return asn1.sequence(asn1.sequence(asn1.sequence(*[one] * times), outer))


def nonce(octets: bytes) -> Extension:
    return Extension(oids.OCSP_NONCE, False, asn1.octet_string(octets))


def asked(served: Served, der: bytes) -> ResponseStatus:
    response, body = served.http("POST", "/ocsp", der, OCSP)
    assert response.status == 200
    return parse_response(body).status


@pytest.mark.parametrize(
    ("size", "status"),
    [(0, MALFORMED), (1, ResponseStatus.SUCCESSFUL), (33, ResponseStatus.SUCCESSFUL),
     (128, ResponseStatus.SUCCESSFUL), (129, MALFORMED), (10_000, MALFORMED)],
)  # fmt: skip
def test_nonces_of_every_length(served: Served, size: int, status: ResponseStatus) -> None:
    for _ in range(2):  # the second one by its shape
        assert asked(served, request(served, nonce(bytes(size)))) is status


def test_each_prefix_of_a_request_and_what_trails(served: Served) -> None:
    whole = request(served, nonce(bytes(range(32))))
    assert asked(served, whole) is ResponseStatus.SUCCESSFUL
    assert {asked(served, whole[:size]) for size in range(len(whole))} == {MALFORMED}
    assert asked(served, whole + b"\x00") is MALFORMED


@pytest.mark.parametrize("where", ["request", "single"])
@pytest.mark.parametrize(("critical", "status"), [(True, MALFORMED), (False, ResponseStatus.SUCCESSFUL)])
def test_unknown_extensions(served: Served, where: str, critical: bool, status: ResponseStatus) -> None:
    unknown = Extension("1.2.3.4.5", critical, b"\x05\x00")
    der = request(served, unknown) if where == "request" else request(served, single=(unknown,))
    assert asked(served, der) is status


def test_a_repeated_extension_and_a_nonce_that_is_no_octet_string(served: Served) -> None:
    assert asked(served, request(served, nonce(b"a"), nonce(b"b"))) is MALFORMED
    assert asked(served, request(served, Extension(oids.OCSP_NONCE, False, b"\x05\x00"))) is MALFORMED


def test_many_certificates_in_one_request(served: Served) -> None:
    assert asked(served, request(served, times=MAX_REQUESTS)) is ResponseStatus.SUCCESSFUL
    assert asked(served, request(served, times=MAX_REQUESTS + 1)) is MALFORMED
    response, _ = served.http("POST", "/ocsp", request(served, times=1_000), OCSP)
    assert response.status == 413


def test_indefinite_lengths_are_not_der(served: Served) -> None:
    body = request(served)
    assert asked(served, b"\x30\x80" + body[2:] + b"\x00\x00") is MALFORMED


def test_a_path_of_64_kilobytes(served: Served) -> None:
    came = served.raw(b"GET /ocsp/" + b"M" * 65_536 + b" HTTP/1.1\r\n" + PLAIN + b"\r\n")
    assert came.startswith(b"HTTP/1.1 414 ")


@pytest.mark.parametrize("path", ["%00", "MA%2", "M%ZZ", "MEow%252F", "MA MA", "MA?MA", "MA#MA", "ö"])
def test_odd_paths(served: Served, path: str) -> None:
    came = served.raw(b"GET /ocsp/" + path.encode() + b" HTTP/1.1\r\n" + PLAIN + b"\r\n")
    body = came.partition(b"\r\n\r\n")[2]
    assert came.startswith(b"HTTP/1.1 400 ") or body == bytes.fromhex("30030a0101"), came
    assert b"Traceback" not in came


def test_a_hundred_slow_clients_keep_nobody_from_an_answer(served: Served) -> None:
    slow = []
    try:
        for _ in range(100):
            client = socket.create_connection((served.address.host, served.address.port), timeout=10)
            client.sendall(b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Le")
            slow.append(client)
        began = time.monotonic()
        for _ in range(20):
            basic = parse_response(served.http("POST", "/ocsp", request(served), OCSP)[1]).basic
            assert basic is not None
            assert basic.answers[0].status == GOOD
            for client in slow:
                client.sendall(b"n")
        assert time.monotonic() - began < 10
    finally:
        for client in slow:
            client.close()


def test_a_thousand_pipelined_questions_are_all_answered_in_bounded_memory(served: Served) -> None:
    der = request(served, nonce(bytes(32)))
    post = b"POST /ocsp HTTP/1.1\r\n" + PLAIN + b"Content-Type: application/ocsp-request\r\n"
    post += b"Content-Length: %d\r\n\r\n" % len(der) + der
    before = resident()
    came = served.raw(post * 1_000)
    assert came.count(b"HTTP/1.1 200 OK\r\n") == 1_000
    assert resident() - before < 128 * 1024 * 1024


def resident() -> int:
    """Octets of this process, which is the server's too."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
