"""Fetching over real sockets: what is asked, what is taken, and servers that mean no good."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.http_fetch import BadUrl, FetchFailed, fetch, is_url
from tests.odd_server import answer, odd_server, says
from tests.tools import require_tool
from tests.unit.service.fetch_steps import SMALL, failure


def test_a_document_comes_with_its_type_and_date() -> None:
    dates = ("Last-Modified: Tue, 01 Dec 2026 00:00:00 GMT", "Date: Tue, 01 Dec 2026 00:00:02 GMT")
    said = answer(b"list", "Content-Type: application/pkix-crl; x=1", *dates)
    with odd_server(says(said)) as url:
        found = fetch(url, at_most=4)
    assert (found.body, found.media_type) == (b"list", "application/pkix-crl")
    assert found.last_modified == datetime(2026, 12, 1, tzinfo=UTC)
    assert (found.url, found.unchanged) == (url, False)
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("modified", "date"),
    [
        ("Tue, 01 Dec 2026 00:00:00 GMT", "Tue, 01 Dec 2026 00:00:01 GMT"),
        ("Tue, 01 Dec 2026 00:00:00 GMT", "Mon, 30 Nov 2026 00:00:00 GMT"),
        ("Tue, 01 Dec 2026 00:00:00 GMT", "yesterday"),
        ("Tue, 99 Dec 2026 00:00:00 GMT", "Tue, 01 Dec 2026 00:00:02 GMT"),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Tue, 01 Dec 2026 00:00:02 GMT"),
        ("Tue, 01 Dec 2026 00:00:00 GMT", "Tue, 01 Dec 2026 00:00:02"),
        ("", ""),
    ],
)
def test_a_date_that_tells_nothing_apart_is_none(modified: str, date: str) -> None:
    said = answer(b"list", f"Last-Modified: {modified}", f"Date: {date}")
    with odd_server(says(said)) as url:
        assert fetch(url, at_most=4).last_modified is None


def test_what_is_asked_names_no_compression_and_posts_a_body() -> None:
    heads: list[bytes] = []

    def deed(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(answer(b"ok"))

    with odd_server(deed) as url:
        fetch(f"{url}?a=1#part", at_most=SMALL)
        fetch(url, at_most=SMALL, body=b"question", headers={"Content-Type": "application/ocsp-request"})
    assert heads[0].startswith(b"GET /list.crl?a=1 HTTP/1.1\r\n")
    assert b"Accept-Encoding: identity\r\n" in heads[0]
    assert heads[1].startswith(b"POST /list.crl HTTP/1.1\r\n")
    assert b"Content-Type: application/ocsp-request\r\n" in heads[1]
    assert b"Content-Length: 8\r\n" in heads[1]


def test_chunks_are_put_together() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with odd_server(says(said)) as url:
        assert fetch(url, at_most=SMALL).body == b"abcde"


def test_unchanged_is_an_answer_only_to_whoever_asked_for_it() -> None:
    said = answer(b"", status="304 Not Modified")
    with odd_server(says(said)) as url:
        found = fetch(url, at_most=SMALL, headers={"If-Modified-Since": "Tue, 01 Dec 2026 00:00:00 GMT"})
        assert (found.unchanged, found.body) == (True, b"")
        with pytest.raises(FetchFailed, match="answers 304"):
            fetch(url, at_most=SMALL)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
def test_a_redirect_is_followed(status: str) -> None:
    with odd_server(says(answer(b"here"))) as there:
        moved = answer(b"", f"Location: {there}", status=status)
        with odd_server(says(moved)) as url:
            found = fetch(url, at_most=SMALL)
    assert (found.body, found.url) == (b"here", there)


@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "http://[", "http://a b/"]
)
def test_a_redirect_to_anything_but_http_is_refused(where: str) -> None:
    failed = failure(says(answer(b"", f"Location: {where}", status="302 Found")))
    assert "sends on to what is no http" in failed.problem


def test_redirects_in_a_circle_end() -> None:
    asked: list[bytes] = []

    def deed(connection: socket.socket, head: bytes) -> None:
        asked.append(head)
        connection.sendall(answer(b"", "Location: /list.crl", status="302 Found"))

    assert "more than 3 times" in failure(deed).problem
    assert len(asked) == 4


def test_a_question_is_not_turned_into_another_by_a_redirect() -> None:
    moved = says(answer(b"", "Location: /other", status="302 Found"))
    with odd_server(moved) as url, pytest.raises(FetchFailed, match="answers 302"):
        fetch(url, at_most=SMALL, body=b"question")


def test_a_closed_port_is_told_with_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        FetchFailed, match=f"http://127.0.0.1:{port}/x is not reached: Connection refused"
    ) as failed:
        fetch(f"http://127.0.0.1:{port}/x", at_most=SMALL)
    assert "Check the URL" in failed.value.next_step


@pytest.mark.parametrize("host", ["name.invalid", "a" * 64 + ".invalid"])
def test_a_host_that_there_is_not_is_told(host: str) -> None:
    with pytest.raises(FetchFailed, match="is not reached"):
        fetch(f"http://{host}/x", at_most=SMALL, seconds=20)


def test_https_is_believed_by_this_machines_trusted_cas_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = require_tool("openssl", "makes a certificate for a TLS server")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    made = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([tool, *made], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with odd_server(says(answer(b"secure")), context) as url:
        secure = url.replace("http://", "https://")
        with pytest.raises(FetchFailed, match=r"is not reached: .*CERTIFICATE_VERIFY_FAILED"):
            fetch(secure, at_most=SMALL)
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        assert fetch(secure, at_most=SMALL).body == b"secure"
        with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(secure.replace("127.0.0.1", "localhost"), at_most=SMALL)


def test_a_server_that_speaks_no_tls_is_told() -> None:
    with odd_server(says(b"")) as url, pytest.raises(FetchFailed, match="https"):
        fetch(url.replace("http://", "https://"), at_most=SMALL, seconds=1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/etc/passwd",
        "ftp://host/x",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://host:99999/",
        "http://host:x/",
        "http://[::1/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://host/ü",
        "http://user@host/",
        "http://user:secret@host/",
        "http://host/" + "x" * 9000,
    ],
)
def test_what_is_no_address_is_a_mistake_of_whoever_asked(url: str) -> None:
    with pytest.raises(BadUrl) as bad:
        fetch(url, at_most=SMALL)
    assert (bad.value.field, bad.value.kind) == ("url", "usage")
    assert "secret" not in str(bad.value)


def test_what_is_a_url_is_told_by_how_it_begins() -> None:
    assert [is_url(text) for text in ("HTTP://x", "https://x", "x.crl", "file:///x", "http:x")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What a proxy that the environment names is asked."""
    heads: list[bytes] = []

    def deed(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(answer(b"by proxy"))

    with odd_server(deed) as url:
        monkeypatch.setenv("http_proxy", url.rsplit("/", 1)[0])
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield heads


def test_this_machine_is_asked_without_the_proxy(proxy: list[bytes]) -> None:
    with odd_server(says(answer(b"direct"))) as url:
        assert fetch(url, at_most=SMALL).body == b"direct"
        assert fetch(url.replace("127.0.0.1", "localhost"), at_most=SMALL).body == b"direct"
    assert proxy == []


def test_others_are_asked_through_the_proxy(proxy: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch("http://pki.invalid/a.crl#part", at_most=SMALL).body == b"by proxy"
    assert proxy[0].startswith(b"GET http://pki.invalid/a.crl HTTP/1.1\r\n")
    assert b"Host: pki.invalid\r\n" in proxy[0]
    monkeypatch.setenv("no_proxy", ".invalid")
    with pytest.raises(FetchFailed, match="is not reached"):
        fetch("http://pki.invalid/a.crl", at_most=SMALL, seconds=20)
