"""HTTP's own rules at the status server: refusals, bounds, pipelines, half-closed and slow clients."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from mqtt_bridge.broker.interface import Address
from pki.cert_id import CertId
from pki.ocsp import encode_get_path, parse_response
from service.errors import BadSetting, PortTaken
from service.status.patience import Patience
from service.status.server import StatusServer
from tests.integration.status_served import OCSP, PLAIN, Served, served
from tests.unit.service.ocsp_requests import request_of

__all__ = ["served"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "allow"),
    [
        ("DELETE", "/ocsp", {}, 405, "GET, HEAD, POST"),
        ("POST", "/crl/issuing.crl", {}, 405, "GET, HEAD"),
        ("POST", "/ocsp", {"Content-Type": "text/plain"}, 415, None),
        ("GET", "/nothing", {}, 404, None),
        ("GET", "/crl/../keys", {}, 404, None),
        ("GET", "/ocsp/" + "M" * 8200, {}, 414, None),
        ("GET", "/healthz", {"X-Long": "x" * 17_000}, 431, None),
    ],
)
def test_what_is_refused_and_how(
    served: Served, method: str, path: str, headers: dict[str, str], status: int, allow: str | None
) -> None:
    response, body = served.http(method, path, b"x" if method == "POST" else None, headers)
    assert response.status == status
    assert response.headers["Allow"] == allow
    assert b"Traceback" not in body


def test_a_body_above_64_kib_is_refused_with_or_without_its_length(served: Served) -> None:
    assert served.http("POST", "/ocsp", bytes(70_000), OCSP)[0].status == 413
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    head = b"POST /ocsp HTTP/1.1\r\n" + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
    assert served.raw(head + chunk + chunk).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/ocsp", "/ocsp/", "/ocsp/!!!", "/ocsp/MAA", "/ocsp-pq/" + "TU" * 9])
def test_a_malformed_request_is_an_ocsp_error_in_a_200(served: Served, path: str) -> None:
    response, body = served.http("GET", path)
    assert response.status == 200
    assert body == bytes.fromhex("30030a0101")
    assert response.headers["Cache-Control"] == "no-store"


def test_malformed_posts_and_parameters_of_the_type(served: Served) -> None:
    kind = {"Content-Type": "Application/OCSP-Request; charset=binary"}
    assert served.http("POST", "/ocsp", b"junk", kind)[1] == bytes.fromhex("30030a0101")
    assert served.http("POST", "/ocsp", served.known(), kind)[1][4:7] == bytes.fromhex("0a0100")


def test_several_certificates_in_one_request(served: Served) -> None:
    ids = [CertId.of(served.issuer, serial) for serial in (served.authority.registry.certificate.serial, 99)]
    basic = parse_response(served.http("POST", "/ocsp", request_of(*ids), OCSP)[1]).basic
    assert basic is not None
    assert [answer.cert_id for answer in basic.answers] == [one.der for one in ids]


def test_pipelined_requests_are_answered_in_order_on_one_connection(served: Served) -> None:
    request = served.known()
    post = b"POST /ocsp HTTP/1.1\r\n" + PLAIN + b"Content-Type: application/ocsp-request\r\n"
    post += b"Content-Length: %d\r\n\r\n" % len(request) + request
    others = b"".join(
        b"GET %b HTTP/1.1\r\n" % path + PLAIN + b"\r\n"
        for path in (b"/healthz", b"/nothing", b"/ca/root.der")
    )
    last = b"GET /healthz HTTP/1.1\r\n" + PLAIN + b"Connection: close\r\n\r\n"
    came = served.raw((post + others) * 40 + last)
    types = [part.split(b"\r\n")[0] for part in came.split(b"content-type: ")[1:]]
    turn = [
        b"application/ocsp-response",
        b"application/json",
        b"text/plain; charset=utf-8",
        b"application/pkix-cert",
    ]
    assert types == turn * 40 + [b"application/json"]
    assert came.count(b"connection: close") == 1


@pytest.mark.parametrize(
    ("request_line", "kept"),
    [(b"GET /healthz HTTP/1.0", False), (b"GET http://any.host/healthz HTTP/1.1", True)],
)
def test_old_and_absolute_forms(served: Served, request_line: bytes, kept: bool) -> None:
    came = served.raw(request_line + b"\r\n" + PLAIN + b"\r\n")
    assert came.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (b"connection: close" not in came) == kept


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\x00", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_not_http_gets_a_400_and_the_door(served: Served, junk: bytes) -> None:
    assert served.raw(junk).startswith(b"HTTP/1.1 400 ")


def test_an_offer_of_http2_is_answered_as_http_1(served: Served) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
    came = served.raw(b"GET /healthz HTTP/1.1\r\n" + PLAIN + offer)
    assert came.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_waiting_body_is_asked_for(served: Served) -> None:
    request = served.known()
    head = b"POST /ocsp HTTP/1.1\r\n" + PLAIN + b"Expect: 100-continue\r\nConnection: close\r\n"
    head += b"Content-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n" % len(request)
    with socket.create_connection((served.address.host, served.address.port), timeout=10) as client:
        client.sendall(head)
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(request)
        assert b"".join(iter(lambda: client.recv(65536), b"")).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_taken_port_is_a_typed_error_that_names_it(served: Served) -> None:
    with pytest.raises(PortTaken, match=str(served.address.port)) as taken:
        StatusServer(served.authority, served.runtime, served.address).start()
    assert "status.listen" in taken.value.next_step
    with pytest.raises(BadSetting, match="cannot be listened on"):
        StatusServer(served.authority, served.runtime, Address("192.0.2.1", 0)).start()


def test_stop_frees_the_port_and_may_be_called_twice(served: Served) -> None:
    server = StatusServer(served.authority, served.runtime, Address("127.0.0.1", 0))
    address = server.start()
    with socket.create_connection((address.host, address.port), timeout=10) as idle:
        server.stop()
        server.stop()
        assert idle.recv(1) == b""
    again = StatusServer(served.authority, served.runtime, address)
    assert again.start() == address
    again.stop()


@pytest.fixture
def hasty(served: Served) -> Iterator[Address]:
    """A server that waits for nobody long."""
    patience = Patience(request=0.3, idle=0.6, linger=0.2, sweep=0.05)
    server = StatusServer(served.authority, served.runtime, Address("127.0.0.1", 0), patience)
    yield server.start()
    server.stop()


def heard(client: socket.socket) -> bytes:
    """Everything until the server closes; a reset counts as a close."""
    parts: list[bytes] = []
    try:
        parts.extend(iter(lambda: client.recv(65536), b""))
    except ConnectionResetError:
        parts.append(b"")
    return b"".join(parts)


@pytest.mark.parametrize(
    "begun", [b"GET /hea", b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
def test_a_request_that_does_not_arrive_is_timed_out(hasty: Address, begun: bytes) -> None:
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as client:
        client.sendall(begun)
        assert heard(client).startswith(b"HTTP/1.1 408 ")


def drips_taken(client: socket.socket) -> int:
    """How many single letters of a path went out before the connection was gone, at 20 a second."""
    client.sendall(b"GET /")
    for count in range(100):
        try:
            client.sendall(b"x")
        except OSError:
            return count
        time.sleep(0.05)
    return 100


def test_a_client_that_drips_gains_no_time(hasty: Address) -> None:
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as client:
        assert drips_taken(client) < 100


def test_a_silent_and_an_idle_client_are_let_go(hasty: Address) -> None:
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as client:
        assert heard(client) == b""
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n" + PLAIN + b"\r\n")
        assert heard(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_never_reads_is_cut_off(hasty: Address) -> None:
    asked = (b"GET /trust-bundle.json HTTP/1.1\r\n" + PLAIN + b"\r\n") * 1_000
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as client:
        client.sendall(asked)
        time.sleep(1.5)
        assert len(heard(client)) < 1_000 * 30_000


def test_a_header_without_end_is_refused(served: Served) -> None:
    with socket.create_connection((served.address.host, served.address.port), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 120_000)
        assert heard(client).startswith(b"HTTP/1.1 431 ")


def test_no_octet_follows_the_head_of_a_head_request(served: Served) -> None:
    for path in (b"/healthz", b"/ca/root.der", b"/ocsp/" + encode_get_path(served.known()).encode()):
        came = served.raw(b"HEAD " + path + b" HTTP/1.1\r\n" + PLAIN + b"\r\n")
        assert came.startswith(b"HTTP/1.1 200 OK\r\n")
        assert came.index(b"\r\n\r\n") + 4 == len(came)
